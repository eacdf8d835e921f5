"""Canonical JSON (RFC 8785) as far as the protocol needs it: objects, lists, texts, integers, true, false and null."""

import json
import re
from typing import Any

from tests.referee.refusing import Refused, require

LARGEST = 2**53 - 1  # RFC 8785 section 3.2.2.3: a number is a double, which holds every integer up to here
SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
TO_ESCAPE = re.compile(r'[\x00-\x1f"\\]')


def decode(data: bytes) -> Any:
    """Read canonical JSON: decode, encode again, compare the bytes."""
    try:
        value = json.loads(data.decode("utf-8"))
        again = encode(value)
    except (ValueError, RecursionError) as failure:
        raise Refused("the bytes are not JSON") from failure
    require(again == data, "the JSON is not canonical")
    return value


def encode(value: Any) -> bytes:
    """Write canonical JSON. Refuses what has no such form: fractions, great integers, halves of surrogate pairs."""
    try:
        return _written(value).encode("utf-8")
    except UnicodeEncodeError as failure:
        raise Refused("a text is not Unicode") from failure


def _written(value: Any) -> str:
    match value:
        case None | True | False:
            return {None: "null", True: "true", False: "false"}[value]
        case int():
            require(abs(value) <= LARGEST, "an integer is greater than a double can tell from its neighbour")
            return str(value)
        case str():
            return '"' + TO_ESCAPE.sub(_escaped, value) + '"'
        case list():
            return "[" + ",".join(map(_written, value)) + "]"
        case dict():
            return "{" + ",".join(f"{_written(name)}:{_written(value[name])}" for name in _ordered(value)) + "}"
    raise Refused("JSON has a value that is neither object, list, text nor integer")


def _escaped(match: re.Match[str]) -> str:
    return SHORT.get(match[0]) or f"\\u{ord(match[0]):04x}"


def _ordered(value: dict[str, Any]) -> list[str]:
    """Give the names in the order of their UTF-16 code units (section 3.2.3)."""
    return sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
