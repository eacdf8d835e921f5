"""A log with sealers to order, on software keys."""

from collections.abc import Iterable

import pytest
import sqlalchemy as sa

from dss.audit.checkpoint import read_signed
from dss.audit.event import Event
from dss.audit.log import Log
from dss.audit.log_key import log_key
from dss.audit.merkle import Head, leaf_hash, require_included, root_of
from dss.audit.sealer import Sealer
from dss.audit.service import Audit
from dss.audit.store import recorded
from dss.audit.tables import audit_events
from dss.infra.db import Database
from dss.kernel.ids import Ids
from tests.world.clock import HandClock
from tests.world.servicekeys import SoftwareServiceKeys

ORIGIN = "dss.test/log"


class Stage:
    """A log with sealers to order."""

    def __init__(self, database: Database, clock: HandClock) -> None:
        self.database = database
        self.clock = clock
        self.keys = SoftwareServiceKeys()
        self.audit = Audit(database, clock, Ids(clock))
        self.log = Log(database, self.keys, clock, ORIGIN)

    def sealer(self) -> Sealer:
        return Sealer(self.database, self.keys, self.audit, self.clock, ORIGIN)

    async def tell(self, *subjects: str) -> None:
        async with self.database.write() as connection:
            for subject in subjects:
                await self.audit.record(connection, Event("thing.done", "server", subject))

    async def subjects(self) -> list[str]:
        """What is sealed, in the order of leaves."""
        query = sa.select(audit_events.c.subject).where(audit_events.c.leaf.is_not(None))
        async with self.database.read() as connection:
            return list((await connection.execute(query.order_by(audit_events.c.leaf))).scalars())

    async def head(self) -> Head:
        """The newest checkpoint's head, its signature proven."""
        newest = await self.log.newest()
        assert newest is not None
        return read_signed(newest.note, await log_key(self.keys, ORIGIN)).head

    async def require_whole(self) -> None:
        """Prove that the newest checkpoint is over all events, each in its place, and that each proof leads to it."""
        async with self.database.read() as connection:
            query = sa.select(audit_events).order_by(audit_events.c.leaf)
            events = [recorded(row) for row in (await connection.execute(query)).mappings()]
        assert [event.leaf for event in events] == list(range(len(events)))
        entries = [event.entry() for event in events]
        head = await self.head()
        assert head == Head(len(entries), root_of([leaf_hash(entry) for entry in entries]))
        for leaf in {0, len(entries) // 2, len(entries) - 1}:
            require_included(leaf, entries[leaf], await self.log.inclusion(leaf, head.size), head)

    async def run(self, *statements: sa.Executable) -> None:
        async with self.database.write() as connection:
            for statement in statements:
                await connection.execute(statement)


@pytest.fixture
def stage(database: Database, clock: HandClock) -> Stage:
    return Stage(database, clock)


def named(numbers: Iterable[int]) -> list[str]:
    return [f"thing:{number}" for number in numbers]
