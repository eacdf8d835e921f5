"""The verb that deletes what has ended of authorization and signing in, and that nobody will ask for again.

Grants, sessions and all other sealed rows stay: those go after the years of retention, and their events with them.
"""

import sqlalchemy as sa

from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.login.tables import login_tries, password_letters
from dss.oauth.tables import pushed_requests, revoked_tokens

PASSING = (pushed_requests, revoked_tokens, password_letters, login_tries)


class Tidying:
    """Deletes rows whose time is over."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def round(self) -> None:
        """Delete them. Raises Unavailable, also from a clock that is wrong: what was revoked would be good again."""
        await self._database.check(self._clock)
        now = self._clock.now()
        async with self._database.write() as connection:
            for table in PASSING:
                await connection.execute(sa.delete(table).where(table.c.expires_at < now))
