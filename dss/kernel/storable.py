"""What no part of the server may be given: text that a database cannot hold, numbers that JSON readers disagree on."""

import json
import re
from collections.abc import Iterator
from typing import Any

from dss.kernel.errors import BadRequest, Invalid

LARGEST = 2**53 - 1
LONGEST_STEP, DEEPEST_PLACE = 32, 8
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# JSON without escapes and without long numbers holds none of it, and is not read twice.
SUSPICIOUS = re.compile(rb"\\u|[0-9]{16}")


def require_storable_text(text: str, place: str) -> None:
    """Raise Invalid on U+0000, which PostgreSQL refuses, and on lone surrogates, which UTF-8 does not have."""
    if found := UNSTORABLE.search(text):
        raise _unstorable(found, place)


def require_storable_json(text: bytes) -> None:
    """Look through JSON. Raises Invalid on such text and on integers over 53 bits, BadRequest on what is not JSON.

    Source: RFC 7493 sections 2.1 and 2.2 (I-JSON).
    """
    if not SUSPICIOUS.search(text):
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise BadRequest("the body is not JSON, or has a number or a depth beyond all use") from fault
    _require_storable(value)


def _require_storable(value: Any) -> None:
    """Walk without recursion and without a note for each element: depth and number are the sender's."""
    steps: list[str] = []
    levels: list[Iterator[tuple[str, Any]]] = [iter([("$", value)])]
    while levels:
        step, item = next(levels[-1], (None, None))
        if step is None:
            levels.pop()
            del steps[-1:]
            continue
        if isinstance(item, dict | list):
            steps.append(step)
            levels.append(_within(item))
        elif isinstance(item, str) and (found := UNSTORABLE.search(item)):
            raise _unstorable(found, _place([*steps, step]))
        elif isinstance(item, int) and abs(item) > LARGEST:
            raise Invalid(f"{_place([*steps, step])}: an integer has at most 53 bits")


def _within(item: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(item, list):
        yield from ((f"[{index}]", member) for index, member in enumerate(item))
        return
    for name, member in item.items():
        if found := UNSTORABLE.search(name):
            raise _unstorable(found, "a member's name")
        yield f".{name}", member


def _place(steps: list[str]) -> str:
    """Return where something stands; enough of it to be found."""
    return "".join(step[:LONGEST_STEP] for step in steps[:DEEPEST_PLACE])


def _unstorable(found: re.Match[str], place: str) -> Invalid:
    return Invalid(f"{place}: U+{ord(found[0]):04X} may not stand in text")
