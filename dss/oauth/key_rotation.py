"""The verbs that change the key of access tokens: make the next one, tell which there are, destroy the last."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from dss.audit.event import Event
from dss.audit.service import Audit
from dss.hsm.servicekeys import ServiceKeys
from dss.infra.db import Database
from dss.kernel.clock import Clock, timestamp
from dss.kernel.errors import Conflict
from dss.oauth import token_key_store as store
from dss.oauth.jwks import key_id
from dss.oauth.token_key import SHOWN_BEFORE, TokenKey, in_use, over


class Use(StrEnum):
    """What a token key is for."""

    LAST = "verifies only"
    NOW = "signs"
    NEXT = "signs next"


@dataclass(frozen=True, slots=True)
class Shown:
    """A token key as it is listed. kid: its id in tokens, or None where the HSM lacks it."""

    key: TokenKey
    kid: str | None
    use: Use


class KeyRotation:
    """Changes the key that signs access tokens; lifetime: of the tokens."""

    def __init__(self, database: Database, keys: ServiceKeys, audit: Audit, clock: Clock, lifetime: timedelta) -> None:
        self._database = database
        self._hsm = keys
        self._audit = audit
        self._clock = clock
        self._lifetime = lifetime

    async def make(self, actor: str) -> TokenKey:
        """Make the next key, to sign an hour from now; at once, if the HSM lacks the one in use.

        A key that is there without a row is taken: the command that made it did not come to its end. Raises Conflict
        while the newest key does not sign yet, and when another was made meanwhile; HsmUnavailable.
        """
        keys, now = await self._keys(), self._clock.now()
        newest = keys[-1]
        if newest.signs_from > now:
            raise Conflict(f"token key {newest.number} was made already, and signs from {timestamp(newest.signs_from)}")
        can_wait = in_use(keys, now).number in await self._hsm.token_keys()
        made = TokenKey(newest.number + 1, now + SHOWN_BEFORE if can_wait else now)
        await self._hsm.create_token_key(made.number)
        async with self._database.write() as connection:
            if not await store.add(connection, keys, made):
                raise Conflict("another token key was made at the same time")
            told = {"signs_from": timestamp(made.signs_from)}
            await self._audit.record(connection, Event("token_key.made", actor, _subject(made), details=told))
        return made

    async def list(self) -> list[Shown]:
        """Return the keys in the order of their numbers. Raises HsmUnavailable."""
        keys, public = await self._keys(), await self._hsm.token_keys()
        now = in_use(keys, self._clock.now()).number
        ids = {number: key_id(key) for number, key in public.items()}
        return [Shown(key, ids.get(key.number), _use(key.number, now)) for key in keys]

    async def retire(self) -> None:
        """Destroy the keys whose tokens have all ended. Raises HsmUnavailable."""
        for key in over(await self._keys(), self._clock.now(), self._lifetime):
            await self._hsm.destroy_token_key(key.number)
            async with self._database.write() as connection:
                if await store.delete(connection, key):
                    await self._audit.record(connection, Event("token_key.destroyed", "server", _subject(key)))

    async def _keys(self) -> tuple[TokenKey, ...]:
        async with self._database.read() as connection:
            return await store.keys_of(connection)


def _use(number: int, now: int) -> Use:
    if number == now:
        return Use.NOW
    return Use.LAST if number < now else Use.NEXT


def _subject(key: TokenKey) -> str:
    return f"token_key:{key.number}"
