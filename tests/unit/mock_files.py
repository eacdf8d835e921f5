"""What a server prepares for a PAdES signature, made by hand, so that each part can be made wrong."""

import hashlib
from dataclasses import dataclass

from asn1crypto import algos, cms, tsp

ORIGINAL = b"%PDF-1.7\nThe contract: one hundred crowns.\n%%EOF\n"
CERTIFICATE_SHA256 = hashlib.sha256(b"the certificate").digest()


@dataclass(frozen=True)
class Prepared:
    """A file with a place for the signature; hole: where it lies; file: all of it."""

    file: bytes
    hole: tuple[int, int]

    @property
    def covered(self) -> bytes:
        return self.file[: self.hole[0]] + self.file[self.hole[1] :]


def prepare(original: bytes = ORIGINAL, contents: bytes = b"<" + b"0" * 64 + b">", ranges: str = "") -> Prepared:
    """ranges: instead of the right numbers."""
    head = original + b"7 0 obj\n<< /Type /Sig /ByteRange [%s] /Contents "
    tail = b" >>\nendobj\n%%EOF\n"
    start = len(head) - 2 + 40
    hole = (start, start + len(contents))
    numbers = ranges or f"0 {hole[0]} {hole[1]} {len(tail)}"
    return Prepared(head.replace(b"%s", numbers.ljust(40).encode()) + contents + tail, hole)


def attribute(kind: str, *values: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": list(values)})


def content_type(value: str = "data") -> cms.CMSAttribute:
    return attribute("content_type", value)


def message_digest(covered: bytes, algorithm: str = "sha256") -> cms.CMSAttribute:
    return attribute("message_digest", hashlib.new(algorithm, covered).digest())


def signing_certificate(*hashes: bytes, algorithm: str = "sha256") -> cms.CMSAttribute:
    identifier = algos.DigestAlgorithm({"algorithm": algorithm})
    ids = [tsp.ESSCertIDv2({"hash_algorithm": identifier, "cert_hash": value}) for value in hashes]
    return attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": ids}))


def attributes(*parts: cms.CMSAttribute) -> bytes:
    return cms.CMSAttributes(list(parts)).dump()


def right_attributes(covered: bytes, algorithm: str = "sha256") -> bytes:
    parts = content_type(), message_digest(covered, algorithm), signing_certificate(CERTIFICATE_SHA256)
    return attributes(*parts)
