"""Client secrets: 32 random bytes, of which the server keeps an Argon2id hash only.

The costs are low on purpose: a password's hash must be slow because a person's choice can be guessed, and 256 random
bits cannot, however fast the hash. So a check costs a millisecond or two, and a flood of wrong ones does little harm.
"""

import secrets
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dss.kernel import b64

SECRET_BYTES = 32
LONGEST = 128
_hasher = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)  # memory in KiB
_nobodys = _hasher.hash(secrets.token_bytes(SECRET_BYTES))


def new() -> tuple[str, str]:
    """Make a secret and its hash."""
    secret = b64.url_encode(secrets.token_bytes(SECRET_BYTES))
    return secret, _hasher.hash(secret)


def matches_one(secret: str, hashes: Sequence[str | None]) -> bool:
    """Tell whether a secret has one of these hashes. The work is the same whichever it has, and where a hash is None.

    Blocking, about a millisecond a hash: call it in a thread.
    """
    return sum(_matches(secret, hashed) for hashed in hashes) > 0  # any() would stop at the first


def _matches(secret: str, hashed: str | None) -> bool:
    try:
        return (
            _hasher.verify(hashed or _nobodys, secret.encode(errors="surrogatepass")[:LONGEST]) and hashed is not None
        )
    except (VerificationError, InvalidHashError):
        return False
