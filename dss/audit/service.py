"""The verbs of the audit log."""

import secrets
from collections.abc import Collection

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit import store
from dss.audit.event import SALT_BYTES, Event, Outcome, Recorded
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import DssError
from dss.kernel.ids import EventId, Ids

log = structlog.get_logger(__name__)


class Audit:
    """Records events and tells them again."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    async def record(self, connection: AsyncConnection, event: Event) -> None:
        """Add an event inside the database transaction of its fact."""
        salt = secrets.token_bytes(SALT_BYTES)
        await store.append(connection, Recorded(EventId(self._ids.new()), self._clock.now(), event, salt))

    async def refused(self, actor: str, subject: str, error: DssError) -> None:
        """Add the event of a refused request in a transaction of its own, once for each error."""
        if error.audited:
            return
        details = {"code": error.code, "detail": error.detail[:200]}
        async with self._database.write() as connection:
            await self.record(connection, Event("request.refused", actor, subject, Outcome.REFUSED, details))
        error.audited = True

    async def alarm(self, subject: str, why: str, kind: str = "alarm.seal_broken") -> None:
        """Add the event of what was altered behind the server's back, in a transaction of its own.

        kind: a sealed row by default; `alarm.log_altered` and `alarm.evidence_altered` are the others.
        """
        log.error("alarm: a stored record was altered", kind=kind, subject=subject, why=why)
        async with self._database.write() as connection:
            await self.record(connection, Event(kind, "server", subject, Outcome.REFUSED, {"why": why}))

    async def of_subject(self, subject: str) -> list[Recorded]:
        """Return the events on a subject, oldest first."""
        async with self._database.read() as connection:
            return await store.of_subject(connection, subject)

    async def tells(self, subject: str, kinds: Collection[str]) -> bool:
        """Return True when there is an event of one of these kinds on a subject."""
        async with self._database.read() as connection:
            return await store.tells(connection, subject, kinds)

    async def newest(self, limit: int = 100, kind: str = "") -> list[Recorded]:
        """Return the newest events, newest first; kind: how their kinds begin, as `alarm.`."""
        async with self._database.read() as connection:
            return await store.newest(connection, limit, kind)
