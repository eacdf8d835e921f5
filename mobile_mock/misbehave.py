"""What a phone must never do, for testers who want to see the server refuse it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from mobile_mock import jose
from mobile_mock.answer import Choice, Draft, Gift, Sealed
from mobile_mock.errors import NothingToDo
from mobile_mock.kept import Kept
from mobile_mock.request import Request
from mobile_mock.verification import CHOOSE, Verification


class BadList(StrEnum):
    """How a list of declined documents can be wrong."""

    BEYOND = "beyond"
    ALL = "all"
    TWICE = "twice"
    BACKWARDS = "backwards"
    EMPTY = "empty"


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
    wrong_number:      say another number than the requester's page shows: of those that are offered, or another code.
    strange_number:    say a number that the request does not offer, or does not ask for.
    skip_number:       answer without the number.
    unseen:            fetch nothing of what is to be signed.
    bad_list:          decline documents that are not there, or all, or one twice, or backwards, or none.
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
    wrong_number: bool = False
    strange_number: bool = False
    skip_number: bool = False
    unseen: bool = False
    bad_list: BadList | None = None

    @property
    def replays(self) -> bool:
        """Whether an old answer is sent instead of a new one."""
        return self.replay or self.replay_of is not None

    @property
    def ignores_numbers(self) -> bool:
        """Whether the owner need not say what the requester's page shows."""
        return self.strange_number or self.skip_number

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
            "says another number than the requester's page shows": self.wrong_number,
            "says a number that was not offered": self.strange_number,
            "answers without the number": self.skip_number,
            "confirms what it did not look at": self.unseen,
            f"sends a list of declined documents that cannot be ({self.bad_list})": self.bad_list,
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

    def choice(self, choice: Choice, request: Request) -> Choice:
        """Return what the owner chose instead."""
        if self.wrong_number:
            choice = replace(choice, number=_another(request.verification, choice.number))
        if self.strange_number:
            choice = replace(choice, number=_strange(request.verification))
        if self.skip_number:
            choice = replace(choice, number=None)
        if self.bad_list:
            choice = replace(choice, declined=LISTS[self.bad_list](request.indexes))
        return choice

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


HONEST = Misbehaviour()
LISTS: dict[BadList, Callable[[Sequence[int]], tuple[int, ...]]] = {
    BadList.BEYOND: lambda there: (max(there, default=-1) + 1,),
    BadList.ALL: tuple,
    BadList.TWICE: lambda there: (there[0], there[0]) if there else (0, 0),
    BadList.BACKWARDS: lambda there: tuple(reversed(there[:2])),
    BadList.EMPTY: lambda _: (),
}


def _another(asked: Verification, number: str | None) -> str:
    if number is None:
        raise NothingToDo("this request asks for no number")
    if asked.mode == CHOOSE:
        return next(other for other in asked.numbers if other != number)
    return f"{(int(number) + 1) % 10_000:04}"


def _strange(asked: Verification) -> str:
    return next(number for number in ("10", "11", "12", "13") if number not in asked.numbers)


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
