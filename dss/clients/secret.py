"""Client secrets: 32 random bytes, of which the server keeps an Argon2id hash only.

The costs are low on purpose: a password's hash must be slow because a person's choice can be guessed, and 256 random
bits cannot, however fast the hash. So a check costs about a millisecond, and a flood of wrong ones does little harm.
"""

import secrets

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


def matches(secret: str, hashed: str | None) -> bool:
    """Tell whether a secret has this hash. Without a hash the work is the same, and the answer is no.

    Blocking, about a millisecond: call it in a thread.
    """
    try:
        return (
            _hasher.verify(hashed or _nobodys, secret.encode(errors="surrogatepass")[:LONGEST]) and hashed is not None
        )
    except (VerificationError, InvalidHashError):
        return False
