"""Canonical JSON: one text for one value, so that what is signed can be compared as bytes.

Numbers are integers of at most 53 bits: nothing that is signed here needs fractions, and their texts are where
implementations differ. Source: RFC 8785 (JCS), RFC 7493 (I-JSON).
"""

import json
from json.encoder import encode_basestring
from typing import Any

from dss.kernel.errors import BadRequest

LARGEST = 2**53 - 1
DEEPEST = 32


def encode(value: Any) -> bytes:
    """Write a JSON value in its canonical form.

    Raises ValueError for what has none: floats, integers over 53 bits, lone surrogates, keys that are not text.
    """
    return _write(value, DEEPEST).encode("utf-8")


def decode(text: bytes) -> Any:
    """Read canonical JSON. Raises BadRequest on every text that `encode` would not have written for its value."""
    try:
        value = json.loads(text.decode("utf-8"))
        again = encode(value)
    except (ValueError, RecursionError) as fault:
        raise BadRequest("not canonical JSON (RFC 8785)") from fault
    if again != text:
        raise BadRequest("not canonical JSON (RFC 8785)")
    return value


def _write(value: Any, depth: int) -> str:
    if depth == 0:
        raise ValueError(f"nested deeper than {DEEPEST}")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if abs(value) > LARGEST:
            raise ValueError("integer of more than 53 bits")
        return str(value)
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(_write(item, depth - 1) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{','.join(_member(key, value[key], depth) for key in _sorted_keys(value))}}}"
    raise ValueError(f"{type(value).__name__} has no canonical form")


def _member(key: str, value: Any, depth: int) -> str:
    return f"{encode_basestring(key)}:{_write(value, depth - 1)}"


def _sorted_keys(value: dict[str, Any]) -> list[str]:
    if not all(isinstance(key, str) for key in value):
        raise ValueError("a key is not text")
    return sorted(value, key=lambda key: key.encode("utf-16-be"))
