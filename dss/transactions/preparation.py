"""A preparation: a wish for so many documents that a phone is asked only once all of them are ready. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dss.devices.items import LISTED
from dss.kernel.errors import Conflict, IdempotencyConflict, Invalid
from dss.kernel.ids import TransactionId
from dss.transactions.model import Idempotency, OpenSigning

MOST_AT_ONCE = 20  # of one relying application


class Stage(StrEnum):
    """Where a preparation stands; once it is over, there is a transaction of its id in its place."""

    PREPARING = "preparing"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Preparation:
    """Documents on their way to a transaction.

    id:       of the transaction that it becomes.
    prepared: how many of the documents are ready, from the first on.
    why:      the reason of a failure.
    lease:    the number of the latest turn of work on it.
    """

    id: TransactionId
    wish: OpenSigning
    stage: Stage
    prepared: int
    asked_at: datetime
    changed_at: datetime
    why: str = ""
    lease: int = 0

    @property
    def count(self) -> int:
        """How many documents there are."""
        return len(self.wish.documents)

    def require_of(self, used: Idempotency) -> None:
        """Raise IdempotencyConflict unless it is what an idempotency key was sent with."""
        if self.wish.idempotency != used:
            raise IdempotencyConflict("the Idempotency-Key stands for another request; take a new one")

    def require_going(self) -> None:
        """Raise Conflict unless it goes on."""
        if self.stage is not Stage.PREPARING:
            raise Conflict(f"the signature is {self.stage}")


def require_shown(wish: OpenSigning) -> None:
    """Raise Invalid for a wish within a session: no phone is shown it, and while it lies there no seal is on it."""
    if wish.session_id is not None:
        raise Invalid("what is signed in a session is not prepared beforehand")


def takes_time(wish: OpenSigning) -> bool:
    """Return True where a wish has too many documents to prepare within one call."""
    return len(wish.documents) > LISTED
