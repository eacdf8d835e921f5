"""The record: a file of canonical JSON in which every byte counts.

Source: docs/evidence.md section 1.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Self

from dss.audit.merkle import Head
from dss.evidence import fields
from dss.evidence.fields import EvidenceRefused, looking_at, require
from dss.evidence.pieces import Leaf, Piece, read_path, write_path
from dss.kernel import b64, canonical

FORMAT = "dss-evidence/v1"
LABEL = b"dss/evidence/v1\x00"
LARGEST = 16 * 1024 * 1024
MOST_SIGNATURES, LONGEST_CHAIN = 100, 10
IN_CORE = frozenset({"request", "answer", "enrolment", "receipt", "channel_key", "signatures", "certificates"})
OF_SOME = frozenset({"number_salt", "part", "session", "offline"})
IN_LOG = frozenset({"event", "salt", "leaf", "path", "checkpoint"})
CODE, DECISIONS = re.compile("[0-9]{8}"), frozenset({"confirm", "decline"})


@dataclass(frozen=True, slots=True)
class Offline:
    """An answer by a code that the person read from a phone without a connection, in place of the phone's own.

    code: eight digits. decision: confirm or decline.
    """

    code: str
    decision: str
    device: str

    def member(self) -> dict[str, Any]:
        """Return the form that stands in the file."""
        return {"code": self.code, "decision": self.decision, "device": self.device}

    @classmethod
    def of_member(cls, value: object) -> Self:
        """Read what `member` wrote. Raises EvidenceRefused."""
        found = fields.members(value, "core.offline", {"code", "decision", "device"})
        code, decision = (fields.text(found[name], f"core.offline.{name}") for name in ("code", "decision"))
        require(CODE.fullmatch(code) is not None, "core.offline.code is not of eight digits")
        require(decision in DECISIONS, "core.offline.decision is none that is known")
        return cls(code, decision, fields.identifier(found["device"], "core.offline.device"))


@dataclass(frozen=True, slots=True)
class Core:
    """What is proven, before the log comes to it; its digest stands in the event of the transaction's end.

    request, answer, enrolment, receipt: compact JWS.
    answer:       empty where a code answered.
    channel_key:  the server's word for the key that signed request and receipt: a note by the log's key.
    certificates: DER, the signer's first, the root last; or none.
    number_salt:  of the number that the phone chose, 32 bytes; empty where none was to be chosen.
    part:         the signatures of a part of a batch, in place of `signatures`.
    session:      the request (compact JWS) that the answer confirmed, where that was for a session; else empty.
    offline:      the code that answered in place of the phone.
    """

    request: str
    answer: str
    enrolment: str
    receipt: str
    channel_key: str
    signatures: tuple[Piece, ...] = ()
    certificates: tuple[bytes, ...] = ()
    number_salt: bytes = b""
    part: Head | None = None
    session: str = ""
    offline: Offline | None = None

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
        return self._besides() | {
            "answer": self.answer,
            "certificates": [b64.url_encode(der) for der in self.certificates],
            "channel_key": self.channel_key,
            "enrolment": self.enrolment,
            "receipt": self.receipt,
            "request": self.request,
            "signatures": [piece.member() for piece in self.signatures],
        }

    def _besides(self) -> dict[str, Any]:
        """Return the members that only some cores have."""
        members: dict[str, Any] = {}
        if self.number_salt:
            members["number_salt"] = b64.url_encode(self.number_salt)
        if self.part is not None:
            members["part"] = {"count": self.part.size, "root": b64.url_encode(self.part.root)}
        if self.session:
            members["session"] = self.session
        if self.offline is not None:
            members["offline"] = self.offline.member()
        return members

    @classmethod
    def of_member(cls, value: object) -> Self:
        """Read what `member` wrote. Raises EvidenceRefused."""
        found = fields.members(value, "core", IN_CORE, OF_SOME)
        signatures = fields.items(found["signatures"], "core.signatures", MOST_SIGNATURES)
        certificates = fields.items(found["certificates"], "core.certificates", LONGEST_CHAIN)
        require(found.get("session") != "", "core.session is empty")
        return cls(
            fields.text(found["request"], "core.request"),
            fields.text(found["answer"], "core.answer"),
            fields.text(found["enrolment"], "core.enrolment"),
            fields.text(found["receipt"], "core.receipt"),
            fields.text(found["channel_key"], "core.channel_key"),
            tuple(Piece.of_member(one) for one in signatures),
            tuple(fields.octets(one, "a certificate") for one in certificates),
            fields.digest(found["number_salt"], "core.number_salt") if "number_salt" in found else b"",
            _part(found["part"]) if "part" in found else None,
            fields.text(found.get("session", ""), "core.session"),
            Offline.of_member(found["offline"]) if "offline" in found else None,
        )


@dataclass(frozen=True, slots=True)
class Consistency:
    """The proof that the tree of `size` leaves and the checkpoint's agree; path: hashes of 32 bytes."""

    size: int
    path: tuple[bytes, ...]

    def member(self) -> dict[str, Any]:
        """Return the form that stands in the file."""
        return {"path": write_path(self.path), "size": self.size}

    @classmethod
    def of_member(cls, value: object) -> Self:
        """Read what `member` wrote. Raises EvidenceRefused."""
        found = fields.members(value, "log.consistency", {"path", "size"})
        size = fields.number(found["size"], "log.consistency.size")
        return cls(size, read_path(found["path"], "log.consistency.path"))


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
            "path": write_path(self.path),
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
            read_path(found["path"], "log.path"),
            fields.text(found["checkpoint"], "log.checkpoint"),
            Consistency.of_member(found["consistency"]) if "consistency" in found else None,
        )


@dataclass(frozen=True, slots=True)
class Record:
    """All that a stranger needs to check a confirmation offline; leaf: of a batch, the one document it is about."""

    core: Core
    log: LogProof
    leaf: Leaf | None = None

    def encoded(self) -> bytes:
        """Return the file: canonical JSON."""
        of_batch = {} if self.leaf is None else {"leaf": self.leaf.member()}
        whole = {"core": self.core.member(), "format": FORMAT, "log": self.log.member()}
        return canonical.encode(of_batch | whole)

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read a file whose form is right; nothing in it is verified yet. Raises EvidenceRefused."""
        found = fields.members(_decoded(data, "the record"), "the record", {"core", "format", "log"}, {"leaf"})
        require(found["format"] == FORMAT, f"the record's format is not {FORMAT}")
        leaf = Leaf.of_member(found["leaf"]) if "leaf" in found else None
        return cls(Core.of_member(found["core"]), LogProof.of_member(found["log"]), leaf)


def _decoded(data: bytes, what: str) -> Any:
    require(len(data) <= LARGEST, f"{what} has more than {LARGEST // 1024**2} MiB")
    with looking_at(what):
        return canonical.decode(data)


def _part(value: object) -> Head:
    found = fields.members(value, "core.part", {"count", "root"})
    return Head(fields.number(found["count"], "core.part.count"), fields.digest(found["root"], "core.part.root"))
