"""The record: a file of canonical JSON in which every byte counts.

Source: docs/evidence.md section 1.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Self

from dss.evidence import fields
from dss.evidence.fields import EvidenceRefused, looking_at, require
from dss.kernel import b64, canonical

FORMAT = "dss-evidence/v1"
LABEL = b"dss/evidence/v1\x00"
LARGEST = 16 * 1024 * 1024
MOST_SIGNATURES, LONGEST_CHAIN, LONGEST_PATH = 100, 10, 128
IN_CORE = frozenset({"request", "answer", "enrolment", "receipt", "channel_key", "signatures", "certificates"})
IN_LOG = frozenset({"event", "salt", "leaf", "path", "checkpoint"})


@dataclass(frozen=True, slots=True)
class Piece:
    """The signature of one document.

    index:      of the document in the request.
    attributes: the signed attributes, DER, as a SET OF; empty for a bare hash.
    value:      as the HSM made it: ECDSA as DER, RSA as it is.
    """

    index: int
    attributes: bytes
    value: bytes

    def member(self) -> dict[str, Any]:
        """Return the form that stands in the file."""
        return {
            "attributes": b64.url_encode(self.attributes),
            "index": self.index,
            "value": b64.url_encode(self.value),
        }

    @classmethod
    def of_member(cls, value: object) -> Self:
        """Read what `member` wrote. Raises EvidenceRefused."""
        found = fields.members(value, "a signature", {"attributes", "index", "value"})
        return cls(
            fields.number(found["index"], "a signature's index"),
            fields.octets(found["attributes"], "a signature's attributes"),
            fields.octets(found["value"], "a signature's value"),
        )


@dataclass(frozen=True, slots=True)
class Core:
    """What is proven, before the log comes to it; its digest stands in the event of the transaction's end.

    request, answer, enrolment, receipt: compact JWS.
    channel_key:  the server's word for the key that signed request and receipt: a note by the log's key.
    certificates: DER, the signer's first, the root last; or none.
    """

    request: str
    answer: str
    enrolment: str
    receipt: str
    channel_key: str
    signatures: tuple[Piece, ...] = ()
    certificates: tuple[bytes, ...] = ()

    def encoded(self) -> bytes:
        """Return the canonical JSON."""
        return canonical.encode(self.member())

    def digest(self) -> bytes:
        """Return the 32 bytes that the event carries as `evidence`."""
        return hashlib.sha256(LABEL + self.encoded()).digest()

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read what `encoded` wrote. Raises EvidenceRefused."""
        return cls.of_member(_decoded(data, "the core"))

    def member(self) -> dict[str, Any]:
        """Return the form that stands in the file."""
        return {
            "answer": self.answer,
            "certificates": [b64.url_encode(der) for der in self.certificates],
            "channel_key": self.channel_key,
            "enrolment": self.enrolment,
            "receipt": self.receipt,
            "request": self.request,
            "signatures": [piece.member() for piece in self.signatures],
        }

    @classmethod
    def of_member(cls, value: object) -> Self:
        """Read what `member` wrote. Raises EvidenceRefused."""
        found = fields.members(value, "core", IN_CORE)
        signatures = fields.items(found["signatures"], "core.signatures", MOST_SIGNATURES)
        certificates = fields.items(found["certificates"], "core.certificates", LONGEST_CHAIN)
        return cls(
            fields.text(found["request"], "core.request"),
            fields.text(found["answer"], "core.answer"),
            fields.text(found["enrolment"], "core.enrolment"),
            fields.text(found["receipt"], "core.receipt"),
            fields.text(found["channel_key"], "core.channel_key"),
            tuple(Piece.of_member(one) for one in signatures),
            tuple(fields.octets(one, "a certificate") for one in certificates),
        )


@dataclass(frozen=True, slots=True)
class Consistency:
    """The proof that the tree of `size` leaves and the checkpoint's agree; path: hashes of 32 bytes."""

    size: int
    path: tuple[bytes, ...]

    def member(self) -> dict[str, Any]:
        """Return the form that stands in the file."""
        return {"path": _written(self.path), "size": self.size}

    @classmethod
    def of_member(cls, value: object) -> Self:
        """Read what `member` wrote. Raises EvidenceRefused."""
        found = fields.members(value, "log.consistency", {"path", "size"})
        size = fields.number(found["size"], "log.consistency.size")
        return cls(size, _path(found["path"], "log.consistency.path"))


@dataclass(frozen=True, slots=True)
class LogProof:
    """The event of the transaction's end, and the proof that it is in the log.

    event:       as `dss.audit.event.Recorded.members` writes it.
    salt:        the event's, 32 bytes.
    path:        inclusion proof, hashes of 32 bytes.
    checkpoint:  a signed note with the log's own line only.
    consistency: with the checkpoint that somebody kept; None where it was not asked for.
    """

    event: dict[str, Any]
    salt: bytes
    leaf: int
    path: tuple[bytes, ...]
    checkpoint: str
    consistency: Consistency | None = None

    def member(self) -> dict[str, Any]:
        """Return the form that stands in the file."""
        asked = {} if self.consistency is None else {"consistency": self.consistency.member()}
        return asked | {
            "checkpoint": self.checkpoint,
            "event": self.event,
            "leaf": self.leaf,
            "path": _written(self.path),
            "salt": b64.url_encode(self.salt),
        }

    @classmethod
    def of_member(cls, value: object) -> Self:
        """Read what `member` wrote. Raises EvidenceRefused."""
        found = fields.members(value, "log", IN_LOG, {"consistency"})
        event = found["event"]
        if not isinstance(event, dict):
            raise EvidenceRefused("log.event is not an object")
        return cls(
            event,
            fields.digest(found["salt"], "log.salt"),
            fields.number(found["leaf"], "log.leaf"),
            _path(found["path"], "log.path"),
            fields.text(found["checkpoint"], "log.checkpoint"),
            Consistency.of_member(found["consistency"]) if "consistency" in found else None,
        )


@dataclass(frozen=True, slots=True)
class Record:
    """All that a stranger needs to check a confirmation offline."""

    core: Core
    log: LogProof

    def encoded(self) -> bytes:
        """Return the file: canonical JSON."""
        return canonical.encode({"core": self.core.member(), "format": FORMAT, "log": self.log.member()})

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read a file whose form is right; nothing in it is verified yet. Raises EvidenceRefused."""
        found = fields.members(_decoded(data, "the record"), "the record", {"core", "format", "log"})
        require(found["format"] == FORMAT, f"the record's format is not {FORMAT}")
        return cls(Core.of_member(found["core"]), LogProof.of_member(found["log"]))


def _decoded(data: bytes, what: str) -> Any:
    require(len(data) <= LARGEST, f"{what} has more than {LARGEST // 1024**2} MiB")
    with looking_at(what):
        return canonical.decode(data)


def _written(path: tuple[bytes, ...]) -> list[str]:
    return [b64.url_encode(one) for one in path]


def _path(value: object, what: str) -> tuple[bytes, ...]:
    return tuple(fields.digest(one, f"a hash of {what}") for one in fields.items(value, what, LONGEST_PATH))
