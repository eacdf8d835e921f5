"""Signing access tokens with the key in use, and the public keys that they verify with.

Every process reads the same rows and goes by the time alone, so all change keys in the same instant.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import ec

from dss.hsm.servicekeys import ServiceKeys
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import DatabaseUnavailable, HsmUnavailable
from dss.oauth import token_key_store as store
from dss.oauth.jwks import KeySet, jwk_of, key_id
from dss.oauth.signing_keys import Sign
from dss.oauth.token_key import ONLY, TokenKey, in_use, over

REREAD_S, REREAD_UNKNOWN_S = 10.0, 1.0


@dataclass(frozen=True, slots=True)
class _Ring:
    """What was read: the rows, and by number the public keys that are in the HSM, with their ids."""

    keys: tuple[TokenKey, ...] = ONLY
    public: dict[int, tuple[str, ec.EllipticCurvePublicKey]] = field(default_factory=dict)


class TokenKeys:
    """Signs with the key in use, and knows the keys that are shown; monotonic: a clock in seconds, for tests.

    lifetime: of access tokens. Every verb raises HsmUnavailable, and DatabaseUnavailable where no row was read yet.
    """

    def __init__(
        self,
        database: Database,
        keys: ServiceKeys,
        clock: Clock,
        lifetime: timedelta,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._hsm = keys
        self._clock = clock
        self._lifetime = lifetime
        self._monotonic = monotonic
        self._reading = asyncio.Lock()
        self._read_at = float("-inf")
        self._ring = _Ring()

    async def signing(self) -> tuple[str, Sign]:
        """Return the id of the key in use, and what signs with it: r || s, 64 bytes (RFC 7518 section 3.4)."""
        ring = await self._read(REREAD_S)
        number = in_use(ring.keys, self._clock.now()).number
        if number not in ring.public:
            raise HsmUnavailable(f"the HSM lacks token key {number}; run `dss oauth new-key`")

        async def sign(data: bytes) -> bytes:
            return await self._hsm.sign_token(number, data)

        return ring.public[number][0], sign

    async def public(self, kid: str) -> ec.EllipticCurvePublicKey | None:
        """Return the key with an id if tokens may be verified with it; an id that is not known is looked up anew."""
        found = self._shown(await self._read(REREAD_S))
        if kid not in found:
            found = self._shown(await self._read(REREAD_UNKNOWN_S))
        return found.get(kid)

    async def key_set(self) -> KeySet:
        """Return the keys that tokens may be verified with, those among them that will sign next."""
        shown = self._shown(await self._read(REREAD_S))
        return KeySet(tuple(jwk_of(key) for key in shown.values()))

    def _shown(self, ring: _Ring) -> dict[str, ec.EllipticCurvePublicKey]:
        gone = over(ring.keys, self._clock.now(), self._lifetime)
        numbers = [key.number for key in ring.keys if key not in gone and key.number in ring.public]
        return dict(ring.public[number] for number in numbers)

    async def _read(self, not_older_s: float) -> _Ring:
        if self._monotonic() - self._read_at >= not_older_s:
            async with self._reading:
                if self._monotonic() - self._read_at >= not_older_s:
                    await self._reread()
        return self._ring

    async def _reread(self) -> None:
        try:
            async with self._database.read() as connection:
                keys = await store.keys_of(connection)
        except DatabaseUnavailable:
            if not self._ring.public:
                raise
            keys = self._ring.keys  # they change an hour before it matters
        public = self._ring.public
        if not {key.number for key in keys} <= public.keys():
            public = {number: (key_id(key), key) for number, key in (await self._hsm.token_keys()).items()}
        self._ring = _Ring(keys, public)
        self._read_at = self._monotonic()
