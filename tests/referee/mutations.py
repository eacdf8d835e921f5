"""How records are made bad: bytes that are changed, other forms of the same JSON, and the book of forgeries."""

import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.referee.forging import Draft, Stage

Change = Callable[[Draft], object]


@dataclass(frozen=True, slots=True)
class Forgery:
    """A change of a good record, in which all is signed again that the forger has keys for.

    before: the stage before which it is made; what a later stage signs is signed over it.
    fits:   for which drafts it is meant.
    """

    name: str
    before: Stage
    change: Change
    fits: Callable[[Draft], bool]


def always(_: Draft) -> bool:
    """Fits every draft."""
    return True


class Book(list[Forgery]):
    """Changes of one sort, as they are written down."""

    def enter(
        self, before: Stage, fits: Callable[[Draft], bool] = always, *, anywhere: bool = False
    ) -> Callable[[Change], Change]:
        """Write a change into the book.

        anywhere: whether it fits what is not plain, too: batches, sessions and codes. A change of what stands behind
        the core does.
        """

        def entered(change: Change) -> Change:
            wide = anywhere or before > Stage.KEEP
            fitting = fits if wide else lambda draft: draft.is_plain and fits(draft)
            self.append(Forgery(getattr(change, "__name__", ""), before, change, fitting))
            return change

        return entered


BOOK = Book()
forgery = BOOK.enter


def of_kind(*kinds: str) -> Callable[[Draft], bool]:
    """Fits drafts of these kinds; `declined` is one."""
    return lambda draft: draft.kind in kinds


def confirmed(draft: Draft) -> bool:
    """Fits what was confirmed."""
    return draft.kind != "declined"


def with_document(**members: Any) -> Callable[[Draft], bool]:
    """Fits a confirmed `sign` whose first document has members with these beginnings."""

    def fits(draft: Draft) -> bool:
        if draft.kind != "sign":
            return False
        first = draft.claims["request"]["documents"][0]
        return all(first[name].startswith(value) for name, value in members.items())

    return fits


# --- bytes ---


def flipped(data: bytes, chance: random.Random) -> bytes:
    """Change one byte into another."""
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ chance.randrange(1, 256)]) + data[at + 1 :]


def cut(data: bytes, chance: random.Random) -> bytes:
    """Leave a byte out."""
    at = chance.randrange(len(data))
    return data[:at] + data[at + 1 :]


def grown(data: bytes, chance: random.Random) -> bytes:
    """Put a byte in."""
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(1) + data[at:]


def doubled(data: bytes, chance: random.Random) -> bytes:
    """Put a byte in a second time, later: another byte there, unless both are alike."""
    at, to = sorted(chance.sample(range(len(data)), 2))
    return data[:to] + bytes([data[at]]) + data[to:]


BYTES = (flipped, cut, grown, doubled)


def worn(draft: Draft, chance: random.Random) -> None:
    """Change a byte of the core before its hash goes into the log, as a server could."""
    certificates, signatures = (range(len(kept)) for kept in (draft.chain, draft.pieces))
    places = [
        *filter(draft.texts.get, draft.texts),
        *certificates,
        *((name, at) for at in signatures for name in ("attributes", "value")),
    ]
    match chance.choice(places):
        case str(name):
            draft.texts[name] = _other_letter(draft.texts[name], chance)
        case int(at):
            draft.chain[at] = flipped(draft.chain[at], chance)
        case name, at:
            draft.pieces[at][name] = _other_letter(draft.pieces[at][name] or "AA", chance)


def _other_letter(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text))
    letters = (string.ascii_letters + string.digits + "-_.").replace(text[at], "")
    return text[:at] + chance.choice(letters) + text[at + 1 :]


# --- the same JSON, in another form ---


def spaced(data: bytes) -> bytes:
    """JSON with spaces."""
    return json.dumps(json.loads(data), ensure_ascii=False, sort_keys=True).encode()


def indented(data: bytes) -> bytes:
    """JSON for the eye."""
    return json.dumps(json.loads(data), ensure_ascii=False, sort_keys=True, indent=1).encode()


def disordered(data: bytes) -> bytes:
    """JSON with its members the other way round."""
    value = json.loads(data)
    turned = {name: value[name] for name in reversed(value)}
    return json.dumps(turned, ensure_ascii=False, separators=(",", ":")).encode()


def escaped(data: bytes) -> bytes:
    """JSON with a letter written by its number."""
    return data.replace(b'"format"', b'"\\u0066ormat"', 1)


def with_fraction(data: bytes) -> bytes:
    """JSON with an integer written as a fraction."""
    leaf = str(json.loads(data)["log"]["leaf"]).encode()
    return data.replace(b'"leaf":' + leaf, b'"leaf":' + leaf + b".0", 1)


def with_exponent(data: bytes) -> bytes:
    """JSON with an integer written with an exponent."""
    leaf = str(json.loads(data)["log"]["leaf"]).encode()
    return data.replace(b'"leaf":' + leaf, b'"leaf":' + leaf + b"e0", 1)


def with_member_twice(data: bytes) -> bytes:
    """JSON with a member twice."""
    return data.replace(b'"format":', b'"format":"dss-evidence/v1","format":', 1)


def with_mark(data: bytes) -> bytes:
    """JSON behind a byte order mark."""
    return b"\xef\xbb\xbf" + data


def with_line_feed(data: bytes) -> bytes:
    """JSON with a line feed behind it."""
    return data + b"\n"


def with_a_space_before(data: bytes) -> bytes:
    """JSON behind a space."""
    return b" " + data


def in_utf_16(data: bytes) -> bytes:
    """JSON in another encoding."""
    return data.decode().encode("utf-16")


def twice(data: bytes) -> bytes:
    """A record behind a record."""
    return data + data


FORMS = (
    spaced,
    indented,
    disordered,
    escaped,
    with_fraction,
    with_exponent,
    with_member_twice,
    with_mark,
    with_line_feed,
    with_a_space_before,
    in_utf_16,
    twice,
)
