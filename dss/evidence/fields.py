"""Reads JSON members strictly: what has another form than the contract's is refused with the member's name.

Source: docs/evidence.md section 1, docs/device-protocol.md section 1.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from dss.kernel import b64
from dss.kernel.clock import read_timestamp, timestamp
from dss.kernel.errors import BadRequest, DssError
from dss.kernel.ids import LENGTH, is_id

HASH_BYTES = 32


class EvidenceRefused(BadRequest):
    """Evidence that proves nothing; the detail names the step that failed."""

    code, title = "evidence_refused", "The evidence is not good"


def require(holds: bool, otherwise: str) -> None:
    """Raise EvidenceRefused with a sentence unless a condition holds."""
    if not holds:
        raise EvidenceRefused(otherwise)


@contextmanager
def looking_at(what: str) -> Iterator[None]:
    """Turn every refusal within into EvidenceRefused whose detail begins with what was looked at."""
    try:
        yield
    except DssError as fault:
        raise EvidenceRefused(f"{what}: {fault.detail or fault.title}") from fault


def members(value: object, what: str, needed: Collection[str], optional: Collection[str] = ()) -> dict[str, Any]:
    """Return an object that has all the needed members, and of others only optional ones."""
    if not isinstance(value, dict):
        raise EvidenceRefused(f"{what} is not an object")
    if lacking := set(needed) - value.keys():
        raise EvidenceRefused(f"{what} lacks the member {min(lacking)}")
    if unknown := value.keys() - {*needed, *optional}:
        raise EvidenceRefused(f"{what} has a member that it may not have: {min(unknown)[:64]!r}")
    return value


def text(value: object, what: str) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise EvidenceRefused(f"{what} is not a text")
    return value


def number(value: object, what: str) -> int:
    """Return a number that is not negative."""
    if type(value) is not int or value < 0:
        raise EvidenceRefused(f"{what} is not a number from 0")
    return value


def items(value: object, what: str, most: int) -> list[Any]:
    """Return a list of at most so many items."""
    if not isinstance(value, list) or len(value) > most:
        raise EvidenceRefused(f"{what} is not a list of at most {most}")
    return value


def octets(value: object, what: str) -> bytes:
    """Return the bytes of a base64url text."""
    with looking_at(what):
        return b64.url_decode(text(value, "it"))


def digest(value: object, what: str) -> bytes:
    """Return the 32 bytes of a hash in base64url."""
    found = octets(value, what)
    require(len(found) == HASH_BYTES, f"{what} is not a hash of {HASH_BYTES} bytes")
    return found


def identifier(value: object, what: str) -> str:
    """Return an id of 26 characters."""
    found = text(value, what)
    require(is_id(found), f"{what} is not an id of {LENGTH} characters")
    return found


def moment(value: object, what: str) -> datetime:
    """Return a time in whole seconds."""
    written = text(value, what)
    try:
        found = read_timestamp(written)
    except ValueError as fault:
        raise EvidenceRefused(f"{what} is not a time in UTC and whole seconds") from fault
    require(timestamp(found) == written, f"{what} is not a time in UTC and whole seconds")
    return found
