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
class Event:
    """Who did what, on what, and how it ended; no secret, no PIN, no document content.

    kind:    what, as `noun.verb`: transaction.opened, device.enrolled, request.refused.
    actor:   who, as `kind:id`: client:..., device:..., operator:..., server.
    subject: on what, as `kind:id`: transaction:..., credential:...
    details: short texts by name.
    """

    kind: str
    actor: str
    subject: str
    outcome: Outcome = Outcome.DONE
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place in the log."""

    id: EventId
    at: datetime
    event: Event
