"""The state machine of a transaction: which step may follow which state.

awaiting -> confirmed -> signing -> signed, with declined, expired, cancelled and failed as the other ends.
"""

from datetime import datetime
from enum import StrEnum

from dss.kernel.errors import Conflict, Expired


class Late(Conflict):
    """A result comes to nothing: its transaction has ended, or is in another attempt's hands."""


class State(StrEnum):
    """Where a transaction stands."""

    AWAITING = "awaiting"
    CONFIRMED = "confirmed"
    SIGNING = "signing"
    SIGNED = "signed"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Work(StrEnum):
    """What a confirmed transaction waits for: the user's key, or the CA's certificate for a key just made."""

    KEY = "key"
    CERTIFICATE = "certificate"


STEPS: dict[State, frozenset[State]] = {
    State.AWAITING: frozenset({State.CONFIRMED, State.DECLINED, State.EXPIRED, State.CANCELLED}),
    State.CONFIRMED: frozenset({State.SIGNING, State.EXPIRED, State.CANCELLED}),
    State.SIGNING: frozenset({State.SIGNED, State.FAILED}),
    State.SIGNED: frozenset(),
    State.DECLINED: frozenset(),
    State.EXPIRED: frozenset(),
    State.CANCELLED: frozenset(),
    State.FAILED: frozenset(),
}
LIVE = frozenset(state for state, following in STEPS.items() if following)
ENDED = frozenset(STEPS) - LIVE


def before(state: State) -> frozenset[State]:
    """Return the states from which a state can be reached."""
    return frozenset(origin for origin, following in STEPS.items() if state in following)


def as_of(state: State, expires_at: datetime, now: datetime) -> State:
    """Return the state that is true now: what awaits an answer past its time has expired, written down or not."""
    return State.EXPIRED if state is State.AWAITING and now >= expires_at else state


def require_answerable(state: State, expires_at: datetime, now: datetime) -> None:
    """Raise Expired or Conflict unless the phone may answer now."""
    current = as_of(state, expires_at, now)
    if current is State.EXPIRED:
        raise Expired("the time to answer has passed")
    if current is not State.AWAITING:
        raise Conflict(f"the transaction is {current}")
