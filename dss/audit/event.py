"""What an audit event says, and the commitment to it that stands in the log."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from dss.kernel import b64, canonical
from dss.kernel.clock import precise_timestamp
from dss.kernel.ids import EventId

LABEL = b"dss/event/v1\x00"
SALT_BYTES = 32


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SealNote:
    """The seal that a row has from this event on.

    row:     which, as `kind:id`.
    version: counts the row's seals, from 1.
    seal:    32 bytes.
    """

    row: str
    version: int
    seal: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """Who did what, on what, and how it ended; no secret, no PIN, no document content.

    kind:    what, as `noun.verb`: transaction.opened, device.enrolled, request.refused.
    actor:   who, as `kind:id`: client:..., device:..., operator:..., server.
    subject: on what, as `kind:id`: transaction:..., credential:...
    details: short texts by name.
    sealed:  the row that changed by this, where rows of its kind are sealed.
    """

    kind: str
    actor: str
    subject: str
    outcome: Outcome = Outcome.DONE
    details: Mapping[str, str] = field(default_factory=dict)
    sealed: SealNote | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place in the log.

    salt: 32 random bytes that its commitment is made with; None in rows of versions before the log was sealed.
    leaf: its number in the tree; None until it is sealed.
    """

    id: EventId
    at: datetime
    event: Event
    salt: bytes | None = field(default=None, repr=False)
    leaf: int | None = None

    def members(self) -> dict[str, Any]:
        """Return the event as it is committed to. Source: docs/transparency-log.md section 1."""
        event, note = self.event, self.event.sealed
        sealed = {} if note is None else {"sealed": _sealed(note)}
        return sealed | {
            "actor": event.actor,
            "at": precise_timestamp(self.at),
            "details": dict(event.details),
            "id": self.id,
            "kind": event.kind,
            "outcome": event.outcome.value,
            "subject": event.subject,
        }

    def entry(self) -> bytes:
        """Return the log entry of an event that has a salt, 32 bytes. Raises ValueError for what cannot be encoded."""
        if self.salt is None:
            raise ValueError("an event without a salt has no entry")
        return commitment(self.salt, canonical.encode(self.members()))


def commitment(salt: bytes, text: bytes) -> bytes:
    """Return the commitment to an event: 32 bytes. text: its canonical JSON."""
    return hashlib.sha256(LABEL + salt + text).digest()


def _sealed(note: SealNote) -> dict[str, Any]:
    return {"row": note.row, "seal": b64.url_encode(note.seal), "version": note.version}
