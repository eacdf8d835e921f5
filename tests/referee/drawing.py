"""Changes drawn anywhere in what is signed: some make a record bad, some do not, and both verifiers must tell."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tests.referee import canonical, shapes
from tests.referee.forging import Draft, Stage

Place = tuple[str | int, ...]

VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**53 - 1,
    "",
    "x",
    "AA",
    "none",
    "pin",
    "x" * 1001,
    [],
    {},
    ["pin"],
    "01JZZZZZZZZZZZZZZZZZZZZZZZ",
    "A" * 43,
    "2026-03-02T09:00:00Z",
    "2026-03-02T09:00:00.000000Z",
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a draft, and the stage that signs it."""

    before: Stage
    of: Callable[[Draft], Any]


PARTS = {
    "request": Part(Stage.ASK, lambda draft: draft.claims["request"]),
    "session": Part(Stage.ASK, lambda draft: draft.claims["session"]),
    "answer": Part(Stage.ANSWER, lambda draft: draft.claims["answer"]),
    "enrolment": Part(Stage.ENROL, lambda draft: draft.claims["enrolment"]),
    "receipt": Part(Stage.ASK, lambda draft: draft.claims["receipt"]),
    "headers": Part(Stage.ENROL, lambda draft: draft.headers),
    "core": Part(Stage.LOG, lambda draft: draft.core),
    "event": Part(Stage.LOG, lambda draft: draft.event),
    "leaf": Part(Stage.WRITE, lambda draft: draft.leaf),
    "log": Part(Stage.WRITE, lambda draft: draft.log),
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A change of one value of a part; seed: of where and how."""

    part: str
    seed: int

    @property
    def before(self) -> Stage:
        """The stage before which the change is made."""
        return PARTS[self.part].before

    def change(self, draft: Draft) -> str:
        """Make the change and say which it is."""
        chance = random.Random(self.seed)
        root = PARTS[self.part].of(draft)
        place = chance.choice(list(places(root)))
        holder = root
        for step in place[:-1]:
            holder = holder[step]
        how = chance.choice(HOWS)
        how(holder, place[-1], chance)
        if self.part == "core":
            digest = sha256(b"dss/evidence/v1\x00" + canonical.encode(draft.core)).digest()
            draft.event["details"]["evidence"] = shapes.text_of(digest)
        return f"{self.part}.{'.'.join(map(str, place))} {how.__name__}"


def draw(chance: random.Random) -> Drawn:
    """Draw a change."""
    return Drawn(chance.choice(list(PARTS)), chance.getrandbits(32))


def places(value: Any, above: Place = ()) -> Iterator[Place]:
    """Give every place in a value, from the outside in."""
    steps = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for step in steps:
        yield (*above, step)
        yield from places(value[step], (*above, step))


def removed(holder: Any, step: Any, _: random.Random) -> None:
    """Leave a member out."""
    del holder[step]


def replaced(holder: Any, step: Any, chance: random.Random) -> None:
    """Put another value there."""
    holder[step] = chance.choice(VALUES)


def extended(holder: Any, step: Any, chance: random.Random) -> None:
    """Make a value longer, greater, or wider by a member."""
    match holder[step]:
        case dict(found):
            found["more"] = chance.choice(VALUES)
        case list(found):
            found.append(found[0] if found else chance.choice(VALUES))
        case bool() | None:
            holder[step] = 1
        case int(found):
            holder[step] = found + 1
        case found:
            holder[step] = f"{found}x"


HOWS = (removed, replaced, replaced, extended)
