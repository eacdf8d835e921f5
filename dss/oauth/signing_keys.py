"""The keys that access tokens are signed by, as their makers and readers see them."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec

Sign = Callable[[bytes], Awaitable[bytes]]


class SigningKeys(Protocol):
    """Keys on P-256, by their ids. Raises HsmUnavailable."""

    async def signing(self) -> tuple[str, Sign]:
        """Return the id of the key that signs now, and what signs by it: ES256, r || s of 64 bytes."""
        ...

    async def public(self, kid: str) -> ec.EllipticCurvePublicKey | None:
        """Return a key whose tokens are good; None for one that is not known, or not any more. Asked at each call."""
        ...
