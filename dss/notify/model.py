"""What a letter is, and when a failed one is sent again."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import NewType

LetterId = NewType("LetterId", str)

LOCALES = ("en", "ru", "uk", "ro")

LEASE = timedelta(seconds=60)
FIRST_PAUSE = timedelta(seconds=2)
PAUSE_GROWTH = 1.5
PAUSES_GROW_UNTIL = 17


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a letter is for: the address, one of LOCALES, and the name to greet."""

    recipient: str
    locale: str
    name: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a letter."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to one person; body is plain text with line feeds."""

    recipient: str
    subject: str
    body: str = field(repr=False)
    attachments: tuple[Attachment, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A letter that only the holder of its row's key can read."""

    id: LetterId
    content: bytes


@dataclass(frozen=True, slots=True)
class Due:
    """A letter whose time to be sent has come; attempt counts the tries before."""

    id: LetterId
    attempt: int


def pause_after(attempt: int) -> timedelta:
    """Return the wait after the attempt-th failure: 2 s after the first, then half as long again, up to 22 minutes."""
    return FIRST_PAUSE * PAUSE_GROWTH ** (min(attempt, PAUSES_GROW_UNTIL) - 1)
