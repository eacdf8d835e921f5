"""What may be a key's password, and the value that is made of one.

The rules are the phone's alone, as the server never sees a password.
Source: docs/device-protocol.md section 6; RFC 9106 (Argon2).
"""

import re
import unicodedata
from dataclasses import dataclass

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from mobile_mock.errors import BadInput
from mobile_mock.members import Members

SHORTEST = 8  # characters
CLASSES = ("[0-9]", "[A-Z]", "[a-z]")
SALT_BYTES, KEY_BYTES = 16, 32
LEAST_MEMORY, MOST_MEMORY = 19_456, 1024 * 1024  # KiB
MOST_PASSES = MOST_LANES = 16


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a password becomes `k_pwd`; memory in KiB, salt of 16 bytes."""

    salt: bytes
    memory_kib: int
    passes: int
    lanes: int


def read_recipe(members: Members) -> Recipe:
    """Return the member `password` of an object. Raises Difference on one that is too weak, or too much work."""
    recipe = members.object("password", ("salt", "memory_kib", "passes", "lanes"))
    return Recipe(
        salt=recipe.raw("salt", SALT_BYTES),
        memory_kib=recipe.number("memory_kib", LEAST_MEMORY, MOST_MEMORY),
        passes=recipe.number("passes", 1, MOST_PASSES),
        lanes=recipe.number("lanes", 1, MOST_LANES),
    )


def require_acceptable(password: str) -> None:
    """Accept a new password. Raises BadInput, which never repeats it."""
    if len(password) < SHORTEST or not all(re.search(one, password) for one in CLASSES):
        raise BadInput(
            f"a key's password has {SHORTEST} characters or more: digits, upper-case and lower-case Latin letters"
        )
    _bytes(password)


def stretch(password: str, recipe: Recipe) -> bytes:
    """Return `k_pwd`, 32 bytes. Slow on purpose: call it in a thread. Raises BadInput."""
    work = Argon2id(
        salt=recipe.salt,
        length=KEY_BYTES,
        iterations=recipe.passes,
        lanes=recipe.lanes,
        memory_cost=recipe.memory_kib,
    )
    try:
        return work.derive(_bytes(password))
    except MemoryError as fault:
        raise BadInput(f"this machine lacks the {recipe.memory_kib} KiB that the key's password takes") from fault


def _bytes(password: str) -> bytes:
    # One password is one text: typed elsewhere it has to become the same bytes.
    if not unicodedata.is_normalized("NFC", password):
        raise BadInput("a key's password is in Unicode's form NFC")
    try:
        return password.encode("utf-8")
    except UnicodeEncodeError as fault:
        raise BadInput("a key's password is text") from fault
