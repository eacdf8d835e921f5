"""Shapes of values: each is a function that refuses what has another shape, and names where."""

import base64
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.referee.refusing import Refused, require

Shape = Callable[[Any, str], None]

SECOND = 1_000_000  # times are counted in microseconds since 1970
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ID_FORM = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
SECONDS_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
HIDDEN = {"Cc", "Cf", "Zl", "Zp"}  # categories of Unicode: control, format, line and paragraph separators
MICROSECONDS_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


def bytes_of(text: Any, where: str) -> bytes:
    """Decode base64url without padding: decode, encode again, compare."""
    require(isinstance(text, str) and text.isascii(), f"{where} is not base64url")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as failure:
        raise Refused(f"{where} is not base64url") from failure
    require(text_of(data) == text, f"{where} is not canonical base64url")
    return data


def text_of(data: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def microseconds(text: str) -> int:
    """Count a time of either form, in microseconds since 1970."""
    try:
        since = datetime.fromisoformat(text) - EPOCH
    except ValueError as failure:
        raise Refused(f"{text} is no time") from failure
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def text(value: Any, where: str) -> None:
    """Any text."""
    require(isinstance(value, str), f"{where} is no text")


def number(value: Any, where: str) -> None:
    """An integer from 0 on; true and false are none."""
    require(type(value) is int and value >= 0, f"{where} is no number")


def positive(value: Any, where: str) -> None:
    """An integer from 1 on."""
    number(value, where)
    require(value, f"{where} is nought")


def digits(length: int) -> Shape:
    """So many decimal digits."""

    def shape(value: Any, where: str) -> None:
        text(value, where)
        require(re.fullmatch(f"[0-9]{{{length}}}", value), f"{where} is not of {length} digits")

    return shape


def ascending(value: Any, where: str) -> None:
    """A list of at least one number, each above the one before."""
    many(number)(value, where)
    require(value and value == sorted(set(value)), f"{where} is empty or not in order")


def text_up_to(most: int, least: int = 1) -> Shape:
    """A text of so many characters."""

    def shape(value: Any, where: str) -> None:
        text(value, where)
        require(least <= len(value) <= most, f"{where} is too short or too long")

    return shape


def plain_up_to(most: int, least: int = 1, besides: str = "") -> Shape:
    """A text of so many characters, none of which is hidden; besides: those that may stand in it all the same."""
    short_enough = text_up_to(most, least)

    def shape(value: Any, where: str) -> None:
        short_enough(value, where)
        hidden = [one for one in value if one not in besides and unicodedata.category(one) in HIDDEN]
        require(not hidden, f"{where} has control, bidirectional or zero-width characters")

    return shape


def id_or(*others: str) -> Shape:
    """An id, or one of a few words in its place."""

    def shape(value: Any, where: str) -> None:
        if value not in others:
            id(value, where)

    return shape


def once_each(item: Shape) -> Shape:
    """A list of at least one item, none of them twice."""
    some = many(item)

    def shape(value: Any, where: str) -> None:
        some(value, where)
        require(value and len(set(value)) == len(value), f"{where} is empty, or has an item twice")

    return shape


def data(value: Any, where: str) -> None:
    """Bytes of any length in base64url."""
    bytes_of(value, where)


def digest(value: Any, where: str) -> None:
    """32 bytes in base64url."""
    require(len(bytes_of(value, where)) == 32, f"{where} is not of 32 bytes")


def id(value: Any, where: str) -> None:
    """26 characters of Crockford base32."""
    require(isinstance(value, str) and ID_FORM.fullmatch(value), f"{where} is no id")


def time(value: Any, where: str) -> None:
    """A time in whole seconds."""
    require(isinstance(value, str) and SECONDS_FORM.fullmatch(value), f"{where} is no time")
    microseconds(value)


def time_of_event(value: Any, where: str) -> None:
    """A time with six decimals."""
    require(isinstance(value, str) and MICROSECONDS_FORM.fullmatch(value), f"{where} is no time of an event")
    microseconds(value)


def one_of(*choices: Any) -> Shape:
    """One of these values, and of the same type."""

    def shape(value: Any, where: str) -> None:
        found = any(type(value) is type(choice) and value == choice for choice in choices)
        require(found, f"{where} is none of {', '.join(map(str, choices))}")

    return shape


def many(item: Shape) -> Shape:
    """A list of items."""

    def shape(value: Any, where: str) -> None:
        require(isinstance(value, list), f"{where} is no list")
        for index, member in enumerate(value):
            item(member, f"{where}[{index}]")

    return shape


def members(needed: Mapping[str, Shape], allowed: Mapping[str, Shape] | None = None) -> Shape:
    """An object with the members that are needed, perhaps some that are allowed, and no others."""
    known = {**needed, **(allowed or {})}

    def shape(value: Any, where: str) -> None:
        require(isinstance(value, dict), f"{where} is no object")
        require(needed.keys() <= value.keys() <= known.keys(), f"{where} has not the members that it should have")
        for name, member in value.items():
            known[name](member, f"{where}.{name}")

    return shape


def texts_by_name(value: Any, where: str) -> None:
    """An object of texts, whatever their names."""
    require(isinstance(value, dict), f"{where} is no object")
    for name, member in value.items():
        text(member, f"{where}.{name}")
