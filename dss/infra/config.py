"""Single values of the operator's settings: each is read within its limits, or refused by the name of its variable."""

from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from starlette.config import Config

from dss.kernel.errors import Invalid

LONGEST_S = 366 * 24 * 3600
Word = TypeVar("Word", bound=StrEnum)


def seconds(read: Config, name: str, default: int, *, least: int = 1, most: int = LONGEST_S) -> timedelta:
    """Read a time in whole seconds."""
    return timedelta(seconds=whole(read, name, default, most, least))


def whole(read: Config, name: str, default: int, most: int, least: int = 1) -> int:
    """Read a whole number."""
    try:
        value: int = read(name, cast=int, default=default)
    except ValueError as fault:
        raise Invalid(f"DSS_{name} is not a whole number") from fault
    if not least <= value <= most:
        raise Invalid(f"DSS_{name} is {value}; it must be from {least} to {most}")
    return value


def yes(read: Config, name: str) -> bool:
    """Read whether something is wished; it is not by default."""
    try:
        value: bool = read(name, cast=bool, default=False)
    except ValueError as fault:
        raise Invalid(f"DSS_{name} is neither true nor false") from fault
    return value


def word(read: Config, name: str, default: Word) -> Word:
    """Read one of the words that there are."""
    told: str = read(name, default=default.value)
    try:
        return type(default)(told)
    except ValueError as fault:
        raise Invalid(f"DSS_{name} is {told}; it must be one of {', '.join(type(default))}") from fault
