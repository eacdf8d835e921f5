"""How a person makes sure that a request is theirs: not at all, by comparing a code, or by choosing a number. Pure.

Source: docs/device-protocol.md section 4.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any, Self

from dss.kernel import b64
from dss.kernel.policy import Mode

LABEL = b"dss/number/v1\x00"
OFFERED, NUMBERS = 3, [f"{number:02d}" for number in range(100)]
CODES = 10_000


@dataclass(frozen=True, slots=True)
class Verification:
    """What the phone is told of it.

    code:       of COMPARE, four digits. numbers: of CHOOSE, three of two digits each, in the order of the phone's
    screen. commitment: to the right one, 32 bytes.
    """

    mode: Mode = Mode.NONE
    code: str = ""
    numbers: tuple[str, ...] = ()
    commitment: bytes = b""

    def member(self) -> dict[str, Any]:
        """Return the form that stands in the request."""
        if self.mode is Mode.COMPARE:
            return {"mode": self.mode.value, "code": self.code}
        if self.mode is Mode.CHOOSE:
            commitment = b64.url_encode(self.commitment)
            return {"mode": self.mode.value, "numbers": list(self.numbers), "commitment": commitment}
        return {"mode": self.mode.value}

    @classmethod
    def of_member(cls, value: dict[str, Any]) -> Self:
        """Read what `member` wrote. Raises KeyError, ValueError, BadRequest."""
        mode = Mode(value["mode"])
        if mode is Mode.COMPARE:
            return cls(mode, code=value["code"])
        if mode is Mode.CHOOSE:
            return cls(mode, numbers=tuple(value["numbers"]), commitment=b64.url_decode(value["commitment"]))
        return cls(mode)

    def is_right(self, number: str, salt: bytes) -> bool:
        """Return True when a person's number is the one that the requester's page showed; salt: of the commitment."""
        if self.mode is Mode.COMPARE:
            return hmac.compare_digest(number.encode(), self.code.encode())
        if self.mode is Mode.CHOOSE:
            return number in self.numbers and hmac.compare_digest(_commitment(number, salt), self.commitment)
        return not number


UNVERIFIED = Verification()


@dataclass(frozen=True, slots=True)
class Drawn:
    """A verification, and what the phone is not told: the number of the requester's page, and the salt."""

    verification: Verification = UNVERIFIED
    number: str = ""
    salt: bytes = field(default=b"", repr=False)


def draw(mode: Mode) -> Drawn:
    """Draw code or numbers by the system's randomness: nothing about them follows from what is signed."""
    if mode is Mode.COMPARE:
        code = f"{secrets.randbelow(CODES):04d}"
        return Drawn(Verification(mode, code=code), code)
    if mode is Mode.CHOOSE:
        numbers = tuple(secrets.SystemRandom().sample(NUMBERS, OFFERED))
        right, salt = secrets.choice(numbers), secrets.token_bytes(32)
        return Drawn(Verification(mode, numbers=numbers, commitment=_commitment(right, salt)), right, salt)
    return Drawn()


def _commitment(number: str, salt: bytes) -> bytes:
    return hashlib.sha256(LABEL + salt + number.encode()).digest()
