"""A second verifier of evidence, written from docs/evidence.md, docs/transparency-log.md and docs/device-protocol.md.

It shares no code with the product, so that a mistake of one shows as a disagreement with the other.
"""
