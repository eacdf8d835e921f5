"""Reading the members of a JSON object, each with its type; a member too many or too few is a Difference."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any

from mobile_mock import plain
from mobile_mock.errors import BadInput, Difference
from mobile_mock.forms import read_b64url, read_time

ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
NAME_LIMIT = 1000  # characters: the phone shows all of a name


class Members:
    """An object whose member names are right."""

    def __init__(self, value: object, what: str, names: Collection[str], optional: Collection[str] = ()) -> None:
        """Read the names; `what` names the object in the sentence of an error."""
        if not isinstance(value, dict):
            raise Difference(f"{what} is not an object")
        given = set(value)
        if not set(names) <= given <= set(names) | set(optional):
            wrong = ", ".join(sorted(given ^ set(names)))
            raise Difference(f"{what} has not exactly the members of the protocol: {wrong}")
        self.value: dict[str, Any] = value
        self.what = what

    def text(self, name: str) -> str:
        """Return a text member."""
        value = self.value[name]
        if not isinstance(value, str):
            raise Difference(f"{name} of {self.what} is not text")
        return value

    def shown(self, name: str, limit: int, *, multiline: bool = False) -> str:
        """Return a text that a person is to read: all of it can be shown, as it is."""
        value = self.text(name)
        fault = plain.fault_in(value, limit, multiline=multiline)
        if fault:
            raise Difference(f"{name} of {self.what} {fault}")
        return value

    def id(self, name: str) -> str:
        """Return an identifier."""
        value = self.text(name)
        if not ID.fullmatch(value):
            raise Difference(f"{name} of {self.what} is not an id")
        return value

    def number(self, name: str, low: int, high: int) -> int:
        """Return an integer between two bounds, both allowed."""
        value = self.value[name]
        if type(value) is not int or not low <= value <= high:
            raise Difference(f"{name} of {self.what} is not a number from {low} to {high}")
        return value

    def time(self, name: str) -> datetime:
        """Return a time."""
        return read_time(self.text(name))

    def raw(self, name: str, length: int) -> bytes:
        """Return the bytes of a base64url member, of one length."""
        value = read_b64url(self.text(name))
        if len(value) != length:
            raise Difference(f"{name} of {self.what} has {len(value)} bytes instead of {length}")
        return value

    def object(self, name: str, names: Collection[str], optional: Collection[str] = ()) -> "Members":
        """Return a member that is an object with these names."""
        return Members(self.value[name], f"{name} of {self.what}", names, optional)

    def flag(self, name: str) -> bool:
        """Return a member that is true or false."""
        value = self.value[name]
        if not isinstance(value, bool):
            raise Difference(f"{name} of {self.what} is neither true nor false")
        return value

    def list(self, name: str, most: int) -> list[Any]:
        """Return a member that is a list of at most so many items."""
        value = self.value[name]
        if not isinstance(value, list) or len(value) > most:
            raise Difference(f"{name} of {self.what} is not a list of at most {most}")
        return value

    def must_be(self, name: str, right: str) -> None:
        """Raise Difference unless the member is this text."""
        if self.value[name] != right:
            raise Difference(f"{name} of {self.what} is not {right}")


def require_id(id: str, what: str) -> str:
    """Return an id that an owner gave. Raises BadInput on what cannot be one."""
    if not ID.fullmatch(id):
        raise BadInput(f"the id of a {what} has 26 characters, as the lists show it")
    return id
