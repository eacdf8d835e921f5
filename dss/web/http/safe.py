"""What no part of the server may be given: text that a database cannot hold, numbers that JSON readers disagree on."""

import json
import re
from typing import Any

from dss.kernel.errors import BadRequest, Invalid

LARGEST = 2**53 - 1
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# JSON without escapes and without long numbers holds none of it, and is not read twice.
SUSPICIOUS = re.compile(rb"\\u|[0-9]{16}")


def require_storable_text(text: str, place: str) -> None:
    """Raise Invalid on U+0000, which PostgreSQL refuses, and on lone surrogates, which UTF-8 does not have."""
    if found := UNSTORABLE.search(text):
        raise Invalid(f"{place}: U+{ord(found[0]):04X} may not stand in text")


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
    """Walk without recursion: the depth is the sender's."""
    waiting = [("$", value)]
    while waiting:
        place, item = waiting.pop()
        if isinstance(item, str):
            require_storable_text(item, place)
        elif isinstance(item, dict):
            for name, member in item.items():
                require_storable_text(name, f"a member's name in {place}")
                waiting.append((f"{place}.{name}", member))
        elif isinstance(item, list):
            waiting.extend((f"{place}[{index}]", member) for index, member in enumerate(item))
        elif isinstance(item, int) and abs(item) > LARGEST:
            raise Invalid(f"{place}: an integer has at most 53 bits")
