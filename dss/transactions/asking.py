"""Against fatigue: how often a relying application may ask a person, by what came of its requests before.

Pure rules. What counts is what reaches a phone: requests to sign, for a key, for a session, and to sign in; not what is
signed in a session, and not what owners and operators ask. Sign-ins are counted by themselves besides, whoever asks:
behind them may be somebody who knows the password. Source: docs/security.md, "Against fatigue".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from typing import Self

from dss.devices.request import Kind
from dss.kernel.ids import ClientId, UserId

PUSHES = frozenset({Kind.SIGN, Kind.CREATE, Kind.SESSION, Kind.LOGIN})
COLLIDED = "another request came at the same time"
WRONG_NUMBER = "a wrong number was chosen"
WRONG_CODES = "three wrong codes were typed"
TAKEN_BACK, SESSION_TAKEN_BACK = "", "the relying application ended the session"
# Why a request was cancelled, where the signer or who asked brought it about: no other end is held against who asked.
COUNTED = frozenset({WRONG_NUMBER, WRONG_CODES, TAKEN_BACK, SESSION_TAKEN_BACK})
GIVEN_UP = "the sign-in was given up"  # counts where sign-ins alone are: whoever begins anew brings it about
LOGINS_WAITING = 3
COLLISION = "collision"  # as the log tells why a request was not opened
MOST_DOUBLINGS = 16


class Collision(StrEnum):
    """What is done when another application's request awaits the same person: nothing, or one of them, or all, end."""

    ALLOW = "allow"
    REFUSE = "refuse"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class AskLimits:
    """What the operator decides about asking one person for one application.

    most, within:  how many requests may be opened in how long.
    waiting:       how many may await an answer at a time.
    unanswered:    after how many in a row that nobody confirmed the next has to wait.
    pause:         how long, from the last one's end; it doubles with each further one, up to longest_pause.
    on_collision:  what two applications get that ask at the same time.
    """

    most: int = 60
    within: timedelta = timedelta(minutes=10)
    waiting: int = 10
    unanswered: int = 2
    pause: timedelta = timedelta(seconds=30)
    longest_pause: timedelta = timedelta(hours=1)
    on_collision: Collision = Collision.ALLOW

    @property
    def depth(self) -> int:
        """How many ends in a row can make a difference to a pause."""
        return self.unanswered + MOST_DOUBLINGS if self.pause else 0

    def pause_after(self, in_a_row: int) -> timedelta:
        """Return how long nothing may be asked after the end of so many in a row that nobody confirmed."""
        if in_a_row < self.unanswered:
            return timedelta(0)
        factor: int = 2 ** min(in_a_row - self.unanswered, MOST_DOUBLINGS)
        return min(self.pause * factor, self.longest_pause)

    @property
    def of_logins(self) -> Self:
        """What holds for one person's sign-ins together, whoever asks for them."""
        return replace(self, waiting=min(self.waiting, LOGINS_WAITING), on_collision=Collision.ALLOW)


USUAL = AskLimits()


@dataclass(frozen=True, slots=True)
class Pair:
    """A person, and a relying application that asks them."""

    user_id: UserId
    client_id: ClientId

    @property
    def key(self) -> str:
        """The two ids as one."""
        return f"{self.user_id}/{self.client_id}"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a request ended: when, and whether the person had confirmed it."""

    at: datetime
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a pair, or of one person's sign-ins.

    nth_opened: when the oldest of its newest `most` requests came, opened or in collision; None where there were fewer.
    awaiting:   when each request that awaits an answer expires.
    ended:      the newest `depth` that have ended by signer or application, or ended another's in collision; the latest
    that came first.
    """

    nth_opened: datetime | None
    awaiting: Sequence[datetime]
    ended: Sequence[Ended]


@dataclass(frozen=True, slots=True)
class Full:
    """Nothing more may be asked until a time; why: a word for the log, and a sentence for who asks."""

    why: str
    sentence: str
    until: datetime

    def seconds(self, now: datetime) -> int:
        """Return the whole seconds until it may be asked again, at least one."""
        return max(1, -((now - self.until) // timedelta(seconds=1)))


def full(limits: AskLimits, facts: Facts, now: datetime, what: str = "requests of this application") -> Full | None:
    """Return the limit that is reached, if one is; of several the one that lasts longest.

    what: is limited, as who asks is told.
    """
    reached = (full for full in _reached(limits, facts, what) if full.until > now)
    return max(reached, key=lambda full: full.until, default=None)


def _reached(limits: AskLimits, facts: Facts, what: str) -> Iterable[Full]:
    if facts.nth_opened is not None:
        told = f"{limits.most} {what} within {limits.within}, and no more may come"
        yield Full("often", told, facts.nth_opened + limits.within)
    if len(facts.awaiting) >= limits.waiting:
        told = f"{limits.waiting} {what} await this signer's answer, and no more may"
        yield Full("waiting", told, min(facts.awaiting))
    row = list(takewhile(lambda end: not end.confirmed, facts.ended))
    if pause := limits.pause_after(len(row)):
        told = f"the last {len(row)} {what} ended without a confirmation: the next may come later"
        yield Full("unanswered", told, max(end.at for end in row) + pause)


@dataclass(frozen=True, slots=True)
class Block:
    """A person wants no requests of an application: they had not asked for one that came.

    name:       the application's at that time.
    blocked_by: the phone that said so, as the audit log names it. lifted_by: who let it ask again, or None.
    """

    pair: Pair
    name: str
    blocked_at: datetime
    blocked_by: str
    lifted_at: datetime | None = None
    lifted_by: str | None = None

    @property
    def stands(self) -> bool:
        """True until it is lifted."""
        return self.lifted_at is None

    def anew(self, name: str, by: str, now: datetime) -> Self:
        """Return it as it is once the person said so again."""
        return replace(self, name=name, blocked_at=now, blocked_by=by, lifted_at=None, lifted_by=None)

    def lifted(self, by: str, now: datetime) -> Self:
        """Return it as it is once the application may ask again."""
        return replace(self, lifted_at=now, lifted_by=by)
