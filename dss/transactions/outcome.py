"""What becomes of the things in a transaction, each by itself. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from dss.devices import answer
from dss.devices.answer import Answer
from dss.transactions.machine import State
from dss.transactions.model import Entry, Transaction


class ItemState(StrEnum):
    """What became of one thing; what came to nothing without the person's word stays pending."""

    PENDING = "pending"
    SIGNED = "signed"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A transaction, and what the phone answered; answer: None where no phone did."""

    transaction: Transaction
    answer: Answer | None

    @classmethod
    def of(cls, transaction: Transaction) -> Self:
        """Read the answer that a transaction holds. Raises AnswerRefused where it was altered."""
        return cls(transaction, None if transaction.answer is None else answer.read(transaction.answer))

    @property
    def declined(self) -> frozenset[int]:
        """The indexes of what the person took out of what they confirmed."""
        return frozenset(() if self.answer is None or self.by is None else self.answer.declined)

    @property
    def by(self) -> str | None:
        """By what the person confirmed: `pin`, `biometric` or `code`; None where they did not, or by a wrong number."""
        if self.transaction.code and self.transaction.state is not State.DECLINED:
            return "code"
        if self.answer is None or self.answer.number != self.transaction.number:
            return None
        return self.answer.verification or None

    def state_of(self, entry: Entry) -> ItemState:
        """Return what became of one thing; it stays signed when its result was deleted."""
        state = self.transaction.state
        if state is State.DECLINED or entry.item.index in self.declined:
            return ItemState.DECLINED
        return ItemState.SIGNED if entry.signed or state is State.SIGNED else ItemState.PENDING


@dataclass(frozen=True, slots=True)
class Details:
    """A transaction with the first of the things to sign in it.

    answered:      what was answered: its own outcome, or that of the session that it is signed in.
    count:         how many things there are. signatures: how many of them lie ready to be collected.
    collect_until: when its results are deleted, once it has ended.
    """

    outcome: Outcome
    answered: Outcome
    entries: tuple[Entry, ...]
    count: int
    signatures: int
    collect_until: datetime

    @property
    def transaction(self) -> Transaction:
        """The transaction."""
        return self.outcome.transaction

    @property
    def declined(self) -> int:
        """How many things the person declined."""
        return self.count if self.transaction.state is State.DECLINED else len(self.outcome.declined)

    @property
    def signed(self) -> int:
        """How many things are signed, their results collected, waiting or deleted."""
        return self.count - self.declined if self.transaction.state is State.SIGNED else self.signatures
