"""The database: no update is lost, errors roll back, and a server that is down is told as such and comes back."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.infra.db import Database
from dss.infra.schema import UtcTime
from dss.kernel.clock import SystemClock
from dss.kernel.errors import DatabaseUnavailable, Unavailable
from tests.world.clock import START, HandClock
from tests.world.databases import Cluster

pytestmark = pytest.mark.usefixtures("sqlite_threads")

COUNTER = sa.table("counter", sa.column("value", sa.Integer))


async def make_counter(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(sa.text("CREATE TABLE counter (value INTEGER NOT NULL)"))
        await connection.execute(sa.insert(COUNTER).values(value=0))


async def counted(connection: AsyncConnection) -> int:
    return int((await connection.execute(sa.select(COUNTER.c.value))).scalar_one())


@pytest.fixture
async def on_sqlite(sqlite_url: str) -> AsyncIterator[Database]:
    opened = Database(sqlite_url)
    await make_counter(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def on_postgres(postgres_url: str) -> AsyncIterator[Database]:
    opened = Database(postgres_url)
    await make_counter(opened)
    yield opened
    await opened.close()


async def test_on_sqlite_fifty_parallel_reads_then_writes_lose_no_update(on_sqlite: Database) -> None:
    """BEGIN IMMEDIATE: what was read cannot change before the commit, nor by another process."""
    another_process = Database(on_sqlite.url.render_as_string())

    async def increment(database: Database) -> None:
        async with database.write() as connection:
            seen = await counted(connection)
            await asyncio.sleep(0)
            await connection.execute(sa.update(COUNTER).values(value=seen + 1))

    await asyncio.gather(*(increment(database) for database in (on_sqlite, another_process) for _ in range(25)))
    await another_process.close()
    async with on_sqlite.read() as connection:
        assert await counted(connection) == 50


async def test_fifty_parallel_guarded_updates_lose_no_update(database: Database) -> None:
    """The WHERE on what was read is the lock: who finds it changed reads again."""
    await make_counter(database)

    async def step() -> bool:
        async with database.read() as connection:
            seen = await counted(connection)
        async with database.write() as connection:
            guarded = sa.update(COUNTER).where(COUNTER.c.value == seen).values(value=seen + 1)
            return (await connection.execute(guarded)).rowcount == 1

    async def increment() -> None:
        while not await step():
            continue

    await asyncio.gather(*(increment() for _ in range(50)))
    async with database.read() as connection:
        assert await counted(connection) == 50


async def test_an_error_inside_a_writing_transaction_takes_everything_back(database: Database) -> None:
    await make_counter(database)
    with pytest.raises(ZeroDivisionError):
        async with database.write() as connection:
            await connection.execute(sa.update(COUNTER).values(value=7))
            raise ZeroDivisionError
    async with database.read() as connection:
        assert await counted(connection) == 0


async def test_a_cancelled_writer_leaves_nothing_and_blocks_nobody(database: Database) -> None:
    await make_counter(database)
    inside = asyncio.Event()

    async def write_for_ever() -> None:
        async with database.write() as connection:
            await connection.execute(sa.update(COUNTER).values(value=7))
            inside.set()
            await asyncio.Event().wait()

    writer = asyncio.create_task(write_for_ever())
    await inside.wait()
    writer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writer
    async with database.write() as connection:
        assert await counted(connection) == 0


async def test_a_stopped_server_is_unavailable_and_the_same_database_works_after_its_start(
    postgres: Cluster, on_postgres: Database
) -> None:
    """A server that stops inside a transaction fails it; nothing is half done, and no restart of ours is needed."""
    postgres.stop()
    try:
        with pytest.raises(DatabaseUnavailable) as told:
            await on_postgres.check(SystemClock())
        assert told.value.retry_after is not None
        with pytest.raises(DatabaseUnavailable):
            async with on_postgres.write() as connection:
                await counted(connection)
    finally:
        postgres.start()
    async with on_postgres.write() as connection:
        assert await counted(connection) == 0


async def test_a_server_that_dies_inside_a_transaction_fails_it_whole(postgres: Cluster, on_postgres: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with on_postgres.write() as connection:
            await connection.execute(sa.update(COUNTER).values(value=7))
            postgres.stop()
            postgres.start()
    async with on_postgres.read() as connection:
        assert await counted(connection) == 0


@pytest.mark.parametrize("state", ["08006", "40001", "40P01", "53300", "57P01", "57P03", "58030"])
async def test_what_passes_by_itself_is_told_as_unavailable(on_postgres: Database, state: str) -> None:
    with pytest.raises(DatabaseUnavailable):
        await raise_on_the_server(on_postgres, state)


@pytest.mark.parametrize("state", ["22012", "23514", "42P01"])
async def test_faults_of_a_statement_are_not_told_as_unavailable(on_postgres: Database, state: str) -> None:
    with pytest.raises(DBAPIError):
        await raise_on_the_server(on_postgres, state)


async def raise_on_the_server(database: Database, state: str) -> None:
    async with database.write() as connection:
        await connection.execute(sa.text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"))


async def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/absent/dss.db")
    with pytest.raises(DatabaseUnavailable):
        await database.check(HandClock())
    await database.close()
    while any("_connection_worker_thread" in thread.name for thread in threading.enumerate()):
        await asyncio.sleep(0)  # aiosqlite's thread tells this loop of its end, after a failure too


async def test_an_error_of_the_database_does_not_tell_the_values_of_a_statement(database: Database) -> None:
    """T53: such errors reach the log."""
    with pytest.raises(DBAPIError) as told:
        async with database.write() as connection:
            await connection.execute(sa.text("INSERT INTO users (id) VALUES (:secret)"), {"secret": "canary"})
    assert "canary" not in str(told.value)


async def test_times_come_back_as_they_were_to_the_microsecond(database: Database) -> None:
    moments = [START, START.replace(microsecond=999_999), START.replace(year=1969, microsecond=1)]
    async with database.read() as connection:
        for moment in moments:
            query = sa.select(sa.literal(moment, UtcTime))
            assert (await connection.execute(query)).scalar_one() == moment


async def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(sa.exc.StatementError, match="without a zone"):
        async with database.read() as connection:
            await connection.execute(sa.select(sa.literal(START.replace(tzinfo=None), UtcTime)))


async def test_callers_that_are_cancelled_anywhere_leave_no_lock_and_lose_no_update(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(sa.text("CREATE TABLE tally (count INTEGER)"))
        await connection.execute(sa.text("INSERT INTO tally VALUES (0)"))

    async def increment() -> None:
        async with database.write() as connection:
            await connection.execute(sa.text("UPDATE tally SET count = count + 1"))
            await asyncio.sleep(0)

    done = cut = 0
    for round_ in range(60):
        tasks = [asyncio.create_task(increment()) for _ in range(4)]
        for _ in range(round_):
            await asyncio.sleep(0)
        tasks[round_ % 4].cancel()
        async with asyncio.timeout(20):
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert [one for one in ended if one is not None and not isinstance(one, asyncio.CancelledError)] == []
        done, cut = done + ended.count(None), cut + 4 - ended.count(None)

    async with database.read() as connection:
        count = (await connection.execute(sa.text("SELECT count FROM tally"))).scalar_one()
    # Who is cancelled while the commit runs may find it done.
    assert done <= count <= done + cut
    assert cut


async def test_t44_a_node_whose_clock_differs_from_the_database_s_is_not_ready(on_postgres: Database) -> None:
    await on_postgres.check(SystemClock())
    for away in (timedelta(seconds=5), timedelta(seconds=-5)):
        with pytest.raises(Unavailable, match="clock"):
            await on_postgres.check(HandClock(datetime.now(UTC) + away))


async def test_a_fault_of_our_own_statement_is_not_told_as_an_outage(database: Database) -> None:
    with pytest.raises(DBAPIError):
        async with database.read() as connection:
            await connection.execute(sa.text("SELECT * FROM no_such_table"))
