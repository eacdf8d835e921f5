"""What a phone must never do, for testers who want to see the server refuse it. Pure."""

from dataclasses import dataclass, replace

from mobile_mock.answer import Draft
from mobile_mock.errors import NothingToDo
from mobile_mock.kept import Kept


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What to do wrong.

    replay:           send the kept answer of this transaction again.
    replay_of:        send the kept answer of that other transaction.
    swap_transaction: name that other transaction in the answer.
    alter_binding:    answer to a request that nobody made.
    late:             seconds past the request's end to wait before answering.
    wrong_pin:        prove another PIN.
    stale_counter:    go back to the counter of an answer that the server took.
    """

    replay: bool = False
    replay_of: str | None = None
    swap_transaction: str | None = None
    alter_binding: bool = False
    late: float | None = None
    wrong_pin: bool = False
    stale_counter: bool = False

    @property
    def replays(self) -> bool:
        """Whether an old answer is sent instead of a new one."""
        return self.replay or self.replay_of is not None

    def says(self) -> list[str]:
        """Return what it does, a sentence each."""
        sentences = {
            "sends the answer to this transaction again, byte for byte": self.replay,
            f"sends the answer to {self.replay_of} to this transaction": self.replay_of,
            f"names transaction {self.swap_transaction} in the answer": self.swap_transaction,
            "binds the answer to another request": self.alter_binding,
            f"waits until {self.late} s past the end of the request": self.late is not None,
            "proves a wrong PIN": self.wrong_pin,
            "sends a counter that goes back": self.stale_counter,
        }
        return [sentence for sentence, done in sentences.items() if done]

    def twist(self, said: Draft, kept: Kept) -> Draft:
        """Return what the answer says instead. Raises NothingToDo when there is no counter to go back to."""
        if self.swap_transaction:
            said = replace(said, txn=self.swap_transaction)
        if self.alter_binding:
            said = replace(said, binding=bytes([said.binding[0] ^ 1]) + said.binding[1:])
        if self.stale_counter:
            said = replace(said, counter=_old_counter(kept))
        return said

    def pin(self, pin: str) -> str:
        """Return the PIN to prove."""
        return pin[:-1] + str((int(pin[-1]) + 1) % 10) if self.wrong_pin else pin


def _old_counter(kept: Kept) -> int:
    taken = [sent.answer.counter for sent in kept.answers if sent.taken]
    if not taken:
        raise NothingToDo("the server has taken no answer of this phone yet: there is no counter to go back to")
    return min(taken)
