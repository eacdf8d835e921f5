"""Which access tokens are not to be taken before their time is over.

A token goes by its own id or by that of its grant. This process knows at once what it revoked itself, and within a
second what others did. While the database is away it goes by what it knew, and after 10 seconds it takes no token.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import DatabaseUnavailable, Unavailable
from dss.oauth import store
from dss.oauth.tables import revoked_tokens

REREAD_S = 1.0
LONGEST_BLIND_S = 10.0


class Revoked:
    """Tells whether a token was revoked, from a copy in memory; monotonic: a clock in seconds, for tests."""

    def __init__(self, database: Database, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._monotonic = monotonic
        self._reading = asyncio.Lock()
        self._known: frozenset[str] = frozenset()
        self._noted: frozenset[str] = frozenset()
        self._tried_at = self._read_at = float("-inf")

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
        return not (self._known | self._noted).isdisjoint(ids)

    async def add(self, connection: AsyncConnection, id: str, expires_at: datetime) -> None:
        """Revoke a token or the tokens of a grant, in the caller's transaction; `note` it after the commit.

        expires_at: when the last token that is meant has ended by itself.
        """
        await store.revoke(connection, id, expires_at)

    def note(self, id: str) -> None:
        """Know at once, in this process, what was revoked."""
        self._noted |= {id}

    @property
    def _is_stale(self) -> bool:
        return self._monotonic() - self._tried_at >= REREAD_S

    async def _reread(self) -> None:
        began, noted = self._monotonic(), self._noted
        query = sa.select(revoked_tokens.c.id).where(revoked_tokens.c.expires_at > self._clock.now())
        try:
            async with self._database.read() as connection:
                self._known = frozenset((await connection.execute(query)).scalars())
        except DatabaseUnavailable:
            pass
        else:
            # What is noted while the database answers may not be in the answer yet.
            self._noted -= noted
            self._read_at = began
        finally:
            self._tried_at = self._monotonic()
