"""Why the phone stops: one tree, by who is to blame; each leaf ends the program with its own code."""

from typing import ClassVar

from mobile_mock.exits import Exit


class PhoneError(Exception):
    """Anything the phone tells its owner instead of a result."""

    code: ClassVar[str] = "unexpected"
    exit: ClassVar[Exit] = Exit.UNEXPECTED


class BadInput(PhoneError):
    """What the owner gave cannot be used: a QR, a code, a PIN, a name."""

    code, exit = "bad_input", Exit.USAGE


class Difference(PhoneError):
    """What the server showed is not what the protocol demands; the phone confirms none of it."""

    code, exit = "difference", Exit.DIFFERENCE


class Unreachable(PhoneError):
    """The server gave no answer."""

    code, exit = "unreachable", Exit.UNREACHABLE


class NothingToDo(PhoneError):
    """Nothing waits, or nothing of the kind was kept."""

    code, exit = "nothing_to_do", Exit.NOTHING


class StoreFault(PhoneError):
    """The phone's store is absent, in use, unreadable or enrolled already."""

    code, exit = "store", Exit.STORE


class Refused(PhoneError):
    """The server said no.

    status: of HTTP. reason: the server's own code, as `answer_refused`, or empty. detail: its sentence, or empty.
    """

    code, exit = "refused", Exit.REFUSED

    def __init__(self, status: int, reason: str = "", detail: str = "") -> None:
        super().__init__(f"the server refused: {status} {reason} {detail}".rstrip())
        self.status = status
        self.reason = reason
        self.detail = detail
