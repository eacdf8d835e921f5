"""What an audit event says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dss.kernel.ids import EventId


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
    """An event with its place in the log."""

    id: EventId
    at: datetime
    event: Event
