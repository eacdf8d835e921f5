"""The log: that the event of the end is in the tree that the log's key signed, and tells of this core.

Source: docs/evidence.md section 2 steps 1 to 5, docs/transparency-log.md sections 1 and 2.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dss.audit import checkpoint, merkle
from dss.audit.event import commitment
from dss.audit.merkle import Head
from dss.audit.note import Note, VerifierKey
from dss.evidence import fields
from dss.evidence.fields import EvidenceRefused, looking_at, require
from dss.evidence.record import Consistency, LogProof
from dss.kernel import b64, canonical
from dss.kernel.clock import read_precise_timestamp

EVENT = frozenset({"id", "at", "kind", "actor", "subject", "outcome", "details"})
DONE = "done"


@dataclass(frozen=True, slots=True)
class Logged:
    """An event that is proven to be in the log.

    at:     by the server's clock.
    origin: the log's name. size: of the tree that its checkpoint tells of, in leaves. leaf: the event's number.
    kept:   the size of the tree that was compared with, by a checkpoint that somebody kept; None without one.
    """

    kind: str
    actor: str
    subject: str
    at: datetime
    origin: str
    size: int
    leaf: int
    kept: int | None


def check(log: LogProof, core_digest: bytes, key: VerifierKey, kept: str | None) -> Logged:
    """Verify the event's place in the log, and that it tells of a core.

    core_digest: 32 bytes. key: the log's. kept: a checkpoint that somebody kept, a signed note, or None.
    Raises EvidenceRefused.
    """
    event = _event(log.event)
    of_core = event["details"].get("evidence") == b64.url_encode(core_digest)
    require(of_core, "the event in the log is not about this evidence")
    head = _head(log.checkpoint, key)
    with looking_at("the inclusion proof"):
        merkle.require_included(log.leaf, commitment(log.salt, canonical.encode(log.event)), log.path, head)
    compared = _require_kept(log.consistency, head, key, kept)
    at = _moment(event["at"])
    return Logged(event["kind"], event["actor"], event["subject"], at, key.name, head.size, log.leaf, compared)


def _event(value: dict[str, Any]) -> dict[str, Any]:
    found = fields.members(value, "the event", EVENT, {"sealed"})
    fields.identifier(found["id"], "event.id")
    for name in ("at", "kind", "actor", "subject", "outcome"):
        fields.text(found[name], f"event.{name}")
    details = found["details"]
    if not isinstance(details, dict):
        raise EvidenceRefused("event.details is not an object")
    for name, detail in details.items():
        fields.text(detail, f"the event's detail {name[:64]!r}")
    if "sealed" in found:
        _require_seal(found["sealed"])
    require(found["outcome"] == DONE, f"event.outcome is not {DONE}")
    return found


def _require_seal(value: object) -> None:
    found = fields.members(value, "event.sealed", {"row", "version", "seal"})
    fields.text(found["row"], "event.sealed.row")
    fields.number(found["version"], "event.sealed.version")
    fields.octets(found["seal"], "event.sealed.seal")


def _head(written: str, key: VerifierKey) -> Head:
    with looking_at("the checkpoint"):
        require(len(Note.read(written).lines) == 1, "it has more signature lines than the log's own")
        return checkpoint.read_signed(written, key).head


def _require_kept(proof: Consistency | None, head: Head, key: VerifierKey, kept: str | None) -> int | None:
    """Compare with a kept checkpoint; return its size."""
    if kept is None:
        require(proof is None, "log.consistency is for a kept checkpoint: give that one, too")
        return None
    with looking_at("the kept checkpoint"):
        known = checkpoint.read_signed(kept, key).head
    if proof is None:
        otherwise = f"log.consistency with the kept checkpoint of size {known.size} is missing"
        require(known.size == head.size, f"{otherwise}: ask for the evidence again with ?checkpoint={known.size}")
    else:
        require(proof.size == known.size, f"log.consistency is not for the kept checkpoint of size {known.size}")
        require(known.size != head.size, "log.consistency is there, though the kept checkpoint is of the same size")
    first, second = sorted((known, head), key=lambda one: one.size)
    with looking_at("the log does not agree with the kept checkpoint"):
        merkle.require_consistent(first, second, () if proof is None else proof.path)
    return known.size


def _moment(written: str) -> datetime:
    try:
        return read_precise_timestamp(written)
    except ValueError as fault:
        raise EvidenceRefused("event.at is not a time in UTC with six decimals") from fault
