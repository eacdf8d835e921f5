"""What may be a PIN, and the proof of one that goes to the server.

The rules are the phone's alone, as the server never sees a PIN. Dates are allowed.
"""

import hashlib
from itertools import pairwise

from mobile_mock.errors import BadInput

SHORTEST, LONGEST = 6, 32
SALT_BYTES = 16
PROOF_BYTES = 32
# Factory PINs of common carriers and cards, and the paths over a keypad that people try first.
KNOWN = frozenset(
    {
        *("123456", "654321", "12345678", "87654321", "1234567890", "0987654321", "00000000", "11111111"),
        *("112233", "332211", "11223344", "123321", "123654", "789456"),
        *("147258", "258369", "147852", "147258369", "159357", "159753"),
    }
)


def require_acceptable(pin: str, at_least: int = SHORTEST) -> None:
    """Accept a new PIN. Raises BadInput, which never repeats the PIN.

    at_least: digits that the server demands; fewer than 6 are never accepted.
    """
    shortest = max(at_least, SHORTEST)
    if not pin.isascii() or not pin.isdigit() or not shortest <= len(pin) <= LONGEST:
        raise BadInput(f"a PIN has {shortest} to {LONGEST} digits and nothing else")
    if pin in KNOWN:
        raise BadInput("this PIN is a known default")
    if _is_run(pin) or _is_repetition(pin):
        raise BadInput("this PIN is a run of digits or repeats itself: it is among the first that anybody tries")


def proof(pin: str, salt: bytes, iterations: int) -> bytes:
    """Return the 32 bytes that prove a PIN to the server. Slow on purpose: call it in a thread.

    Source: docs/device-protocol.md section 2; RFC 8018 section 5.2 (PBKDF2).
    """
    return hashlib.pbkdf2_hmac("sha256", pin.encode("utf-8"), salt, iterations, PROOF_BYTES)


def _is_run(pin: str) -> bool:
    # Modulo 10, so that 0 follows 9 upwards and 9 follows 0 downwards.
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    return steps in ({0}, {1}, {9})


def _is_repetition(pin: str) -> bool:
    # A text that repeats a shorter one is found inside its own double before its end.
    return pin in (pin + pin)[1:-1]
