"""Two verifiers of evidence that share no code, the product's and the referee's, say the same of the same records.

The records are good ones of the maker, and what tests.referee makes of them: the same content by other keys, forgeries
signed again by whoever could, records with bytes changed, and good JSON in other forms. DSS_SOAK=1 makes twenty times
as many.
"""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import cycle, islice
from typing import Any

import pytest

from dss.kernel.keyspec import KeySpec, Padding, Scheme
from tests.referee.drawing import draw
from tests.referee.forgeries import BOOK
from tests.referee.forging import Case, Draft, Place, Stage, forge, take_apart
from tests.referee.harmless import HARMLESS
from tests.referee.mutations import BYTES, FORMS, Book, always, worn
from tests.referee.refusing import Refused
from tests.world import verdicts
from tests.world.evidence_kinds import SIGNED_ALIKE, good_drafts
from tests.world.evidence_maker import Maker

ROUNDS = 20 if os.environ.get("DSS_SOAK") == "1" else 1
SHARES = {"good": 130, "harmless": 60, "forged": 920, "drawn": 100, "worn": 40, "bytes": 40, "forms": 30}
SIGNERS = (
    (KeySpec.P256, None),
    (KeySpec.P384, None),
    (KeySpec.P521, None),
    (KeySpec.RSA_2048, None),
    (KeySpec.RSA_2048, Scheme(Padding.PSS, 32)),
)
# What a draft is signed with may be what was changed: there is no record then.
UNWRITABLE = (KeyError, TypeError, ValueError, AttributeError, IndexError, Refused)
PLACES = (
    Place(0, 1),
    Place(1, 2),
    Place(2, 5),
    Place(7, 8),
    Place(5, 9, kept=6),
    Place(1, 3, kept=3),
    Place(4, 6, kept=11),
)


@dataclass(frozen=True, slots=True)
class Exhibit:
    """What both verifiers are shown; good: None where only that they agree is known."""

    name: str
    case: Case
    good: bool | None


@cache
def originals() -> tuple[Exhibit, ...]:
    """A record of each kind that there is, and of some by signers with other keys."""
    made: list[Exhibit] = []
    for spec, scheme in SIGNERS:
        maker = Maker(spec, scheme)
        drafts = good_drafts(maker)
        kinds = drafts if spec is KeySpec.P256 else SIGNED_ALIKE
        made += [Exhibit(f"{name}, {maker.scheme.name}", _finished(maker, drafts[name]()), good=True) for name in kinds]
    return tuple(made)


def _finished(maker: Maker, draft: Any) -> Case:
    kept = None if draft.kept is None else maker.log.checkpoint(draft.kept)
    data = maker.finish(draft).encoded()
    return Case(data, maker.chain.certificates[-1], maker.log.key.text, kept)


# --- what is shown ---


def shown(share: str, round: int) -> Iterator[Exhibit]:
    """As many exhibits of a share as a round has."""
    chance = random.Random(f"evidence, {share}, {round}")
    makers = {
        "good": good,
        "harmless": partial(by_the_book, HARMLESS, True),
        "forged": partial(by_the_book, BOOK, False),
        "drawn": drawn_anywhere,
        "worn": worn_out,
        "bytes": changed,
        "forms": reformed,
    }
    return islice(makers[share](chance), SHARES[share])


def good(chance: random.Random) -> Iterator[Exhibit]:
    """The originals, and their content by the forger's keys: nothing tells that from a server's own work."""
    yield from originals()
    while True:
        name, draft = any_draft(chance)
        yield Exhibit(f"{name}, by other keys", forge(draft), good=True)


def by_the_book(book: Book, good: bool, chance: random.Random) -> Iterator[Exhibit]:
    """Every change of a book in turn."""
    for forgery in cycle(book):
        name, draft = any_draft(chance, forgery.fits)
        yield Exhibit(f"{name}: {forgery.name}", forge(draft, forgery.before, forgery.change), good)


def drawn_anywhere(chance: random.Random) -> Iterator[Exhibit]:
    """Another value anywhere, signed by everybody."""
    while True:
        (name, draft), drawn, said = any_draft(chance), draw(chance), []
        try:
            case = forge(draft, drawn.before, lambda draft, drawn=drawn, said=said: said.append(drawn.change(draft)))
        except UNWRITABLE:
            continue
        yield Exhibit(f"{name}: {said}", case, good=None)


def worn_out(chance: random.Random) -> Iterator[Exhibit]:
    """A byte of the core changed, and the log over it."""
    while True:
        name, draft = any_draft(chance)
        yield Exhibit(f"{name}: worn", forge(draft, Stage.KEEP, partial(worn, chance=chance)), good=False)


def changed(chance: random.Random) -> Iterator[Exhibit]:
    """A byte of the file changed."""
    for change in cycle(BYTES):
        base = chance.choice(originals())
        yield altered(base, change.__name__, change(base.case.data, chance))


def reformed(chance: random.Random) -> Iterator[Exhibit]:
    """The same value in another form of JSON."""
    for form in cycle(FORMS):
        base = chance.choice(originals())
        yield altered(base, form.__name__, form(base.case.data))


def altered(base: Exhibit, what: str, data: bytes) -> Exhibit:
    """An original with other bytes."""
    return Exhibit(f"{base.name}: {what}", Case(data, base.case.root, base.case.log_key, base.case.kept), good=False)


def any_draft(chance: random.Random, fits: Callable[[Draft], bool] = always) -> tuple[str, Draft]:
    """A draft of an original, somewhere in the forger's log; fits: what is asked of it."""
    while True:
        base, place = chance.choice(originals()), chance.choice(PLACES)
        if fits(looked_at(base, place)):
            return base.name, take_apart(base.case.data, place)


@cache
def looked_at(base: Exhibit, place: Place) -> Draft:
    """A draft that nobody changes."""
    return take_apart(base.case.data, place)


# --- what is said of it ---


def disagreement(exhibit: Exhibit) -> str | None:
    """What is wrong with the verdicts on an exhibit; None where both are as they should be, and for the same facts."""
    found = verdicts.disagreement(exhibit.case, exhibit.good)
    return found and f"{exhibit.name}: {found}"


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("round", range(ROUNDS))
def test_the_two_verifiers_agree_on_a_thousand_records(round: int, share: str):
    """docs/evidence.md sections 1 to 3: good ones are accepted for the same facts, bad ones refused by both."""
    exhibits = list(shown(share, round))

    found = [wrong for exhibit in exhibits if (wrong := disagreement(exhibit))]

    assert len(exhibits) == SHARES[share]
    assert not found, "\n".join(found)


def test_a_round_is_of_a_thousand_records_at_least_and_has_every_forgery_twice():
    assert sum(SHARES.values()) >= 1000
    assert SHARES["forged"] >= 2 * len(BOOK)
    assert SHARES["harmless"] >= 2 * len(HARMLESS)
