"""What a phone must never do, for testers who want to see the server refuse it."""

from dataclasses import dataclass, replace

from mobile_mock import jose
from mobile_mock.answer import Draft, Gift, Sealed
from mobile_mock.errors import NothingToDo
from mobile_mock.kept import Kept


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What to do wrong.

    replay:            send the kept answer of this transaction again.
    replay_of:         send the kept answer of that other transaction.
    swap_transaction:  name that other transaction in the answer.
    alter_binding:     answer to a request that nobody made.
    late:              seconds past the request's end to wait before answering.
    wrong_pin:         prove another PIN.
    stale_counter:     go back to the counter of an answer that the server took.
    skip_counter:      leave one counter out.
    overtaken_counter: go back to a counter that was left out.
    wrong_password:    prove another password of the key.
    wrong_share:       open the key by another `k_act`.
    skip_next:         leave out the fresh `k_act` of a relock.
    swap_share:        seal the shares to a key of nobody, under the id of that phone.
    unnamed:           answer what another phone of the owner alone may answer, or what this phone did not open.
    """

    replay: bool = False
    replay_of: str | None = None
    swap_transaction: str | None = None
    alter_binding: bool = False
    late: float | None = None
    wrong_pin: bool = False
    stale_counter: bool = False
    skip_counter: bool = False
    overtaken_counter: bool = False
    wrong_password: bool = False
    wrong_share: bool = False
    skip_next: bool = False
    swap_share: str | None = None
    unnamed: bool = False

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
            "leaves one counter out": self.skip_counter,
            "sends a counter that was left out before": self.overtaken_counter,
            "proves a wrong password of the key": self.wrong_password,
            "opens the key by another share": self.wrong_share,
            "leaves out the fresh share": self.skip_next,
            f"seals the shares to a key of nobody, named as phone {self.swap_share}": self.swap_share,
            "answers in the place of another phone": self.unnamed,
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
        if self.skip_counter:
            said = replace(said, counter=said.counter + 1)
        if self.overtaken_counter:
            said = replace(said, counter=_left_out(kept))
        return said

    def box(self, sealed: Sealed) -> Sealed:
        """Return what goes into the box instead. Raises NothingToDo when it holds nothing to get wrong."""
        if self.wrong_share:
            sealed = replace(sealed, k_act=_other(sealed.k_act))
        if self.wrong_password:
            sealed = replace(sealed, k_pwd=_other(sealed.k_pwd))
        if self.skip_next:
            _other(sealed.k_act_next)
            sealed = replace(sealed, k_act_next=None)
        return sealed

    def gift(self, gift: Gift) -> Gift:
        """Return what is sealed for another phone instead."""
        if not self.swap_share:
            return gift
        return replace(gift, to=jose.BoxKey(self.swap_share, jose.public(jose.new_key())))

    def pin(self, pin: str) -> str:
        """Return the PIN to prove."""
        return pin[:-1] + str((int(pin[-1]) + 1) % 10) if self.wrong_pin else pin


def _other(secret: bytes | None) -> bytes:
    if secret is None:
        raise NothingToDo("this box holds nothing that could be wrong in this way")
    return bytes([secret[0] ^ 1]) + secret[1:]


def _left_out(kept: Kept) -> int:
    used = {sent.answer.counter for sent in kept.answers}
    left_out = set(range(min(used, default=0), max(used, default=0))) - used
    if not left_out:
        raise NothingToDo("no counter was left out yet: see --skip-counter")
    return max(left_out)


def _old_counter(kept: Kept) -> int:
    taken = [sent.answer.counter for sent in kept.answers if sent.taken]
    if not taken:
        raise NothingToDo("the server has taken no answer of this phone yet: there is no counter to go back to")
    return min(taken)
