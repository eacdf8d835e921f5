"""Which access tokens are not to be taken before their time is over.

A token goes by its own id, by that of its grant, or by that of its client: a suspended client's all go, and those that
were issued before it was resumed do not come back. This process knows at once what it revoked itself, and within a
second what others did. While the database is away it goes by what it knew, and after 10 seconds it takes no token.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import DatabaseUnavailable, Unavailable
from dss.kernel.ids import ClientId
from dss.oauth import store
from dss.oauth.access_token import Claims
from dss.oauth.issuer import LONGEST_TOKEN
from dss.oauth.tables import revoked_tokens

REREAD_S = 1.0
LONGEST_BLIND_S = 10.0
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class Revoked:
    """Tells whether a token was revoked, from a copy in memory; monotonic: a clock in seconds, for tests."""

    def __init__(self, database: Database, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._reading = asyncio.Lock()
        self._known: Mapping[str, datetime] = {}
        self._noted: Mapping[str, datetime] = {}
        self._tried_at = self._read_at = float("-inf")

    async def refuses(self, claims: Claims) -> bool:
        """Return True if a token is not to be taken any more. Raises as `is_revoked`."""
        ids = (claims.id, claims.grant_id) if claims.grant_id else (claims.id,)
        if await self.is_revoked(*ids):
            return True
        until = self._until(claims.client_id)
        return until is not None and claims.issued < int((until - LONGEST_TOKEN).timestamp())

    async def is_revoked(self, *ids: str) -> bool:
        """Return True if one of these was revoked: a token's id, and that of its grant.

        Raises Unavailable when that could not be found out for LONGEST_BLIND_S seconds.
        """
        if self._is_stale:
            async with self._reading:
                if self._is_stale:
                    await self._reread()
        if self._monotonic() - self._read_at >= LONGEST_BLIND_S:
            raise Unavailable("whether tokens were revoked cannot be found out now")
        return any(self._until(id) is not None for id in ids)

    async def add(self, connection: AsyncConnection, id: str, expires_at: datetime) -> None:
        """Revoke a token or the tokens of a grant, in the caller's transaction; `note` it after the commit.

        expires_at: when the last token that is meant has ended by itself.
        """
        await store.revoke(connection, id, expires_at)

    def note(self, id: str, expires_at: datetime = NEVER) -> None:
        """Know at once, in this process, what was revoked."""
        self._noted = {**self._noted, id: expires_at}

    async def refuse_client(self, connection: AsyncConnection, id: ClientId, expires_at: datetime) -> None:
        """Revoke a client's tokens, in the caller's transaction; `note` it after the commit.

        expires_at: NEVER for all of them, or when the last token that was issued until now has ended by itself.
        """
        await store.refuse_client(connection, id, expires_at)

    def _until(self, id: str) -> datetime | None:
        return self._noted.get(id) or self._known.get(id)

    @property
    def _is_stale(self) -> bool:
        return self._monotonic() - self._tried_at >= REREAD_S

    async def _reread(self) -> None:
        began, noted = self._monotonic(), self._noted
        c = revoked_tokens.c
        query = sa.select(c.id, c.expires_at).where(c.expires_at > self._clock.now())
        try:
            async with self._database.read() as connection:
                self._known = {row.id: row.expires_at for row in await connection.execute(query)}
        except DatabaseUnavailable:
            pass
        else:
            # What is noted while the database answers may not be in the answer yet.
            self._noted = {id: until for id, until in self._noted.items() if noted.get(id) != until}
            self._read_at = began
        finally:
            self._tried_at = self._monotonic()
