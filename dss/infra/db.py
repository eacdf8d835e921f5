"""The database: SQLite or PostgreSQL behind one engine, with writers that never lose an update."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from dss.kernel.clock import Clock
from dss.kernel.errors import DatabaseUnavailable, Invalid, Unavailable

POOL = 16
BUSY_TIMEOUT_MS = 30_000
# Classes of SQLSTATE that say nothing of our statement: connection, rollback (deadlock), resources, operator, system.
# Source: PostgreSQL manual, appendix A.
PASSING = ("08", "40", "53", "57P", "58")
PASSING_SQLITE = tuple(
    f"SQLITE_{name}" for name in ("BUSY", "LOCKED", "CANTOPEN", "IOERR", "FULL", "NOMEM", "PROTOCOL")
)
CLOCK_SKEW = timedelta(seconds=1)


Done = TypeVar("Done")


class Database:
    """Opens connections for reading and transactions for writing.

    url: `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`; the asynchronous driver is chosen here.
    Raises Invalid for another form.
    """

    def __init__(self, url: str) -> None:
        self.url = _read_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._engine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url)
        self._one_writer = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for queries. Raises DatabaseUnavailable."""
        with _told_as_unavailable():
            async with _WholeConnection(self._engine) if self.is_sqlite else self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection whose queries all see the database as it was at the first one; it writes nothing.

        Raises DatabaseUnavailable.
        """
        async with self.read() as connection:
            if not self.is_sqlite:
                await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                yield connection
                return
            await connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                await connection.exec_driver_sql("ROLLBACK")

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection inside a transaction that commits at the end, or rolls back on any error.

        On SQLite it begins with BEGIN IMMEDIATE, so that what is read inside cannot change before the commit; writers
        of one process queue here rather than poll the file's lock. On PostgreSQL a decision needs its guard in the
        WHERE of the statement that acts on it. Raises DatabaseUnavailable.
        """
        with _told_as_unavailable():
            if not self.is_sqlite:
                async with self._engine.begin() as connection:
                    yield connection
                return
            async with self._one_writer, _WholeConnection(self._engine) as connection:
                await _immediate(connection)
                try:
                    yield connection
                except BaseException:
                    await connection.exec_driver_sql("ROLLBACK")
                    raise
                await connection.exec_driver_sql("COMMIT")

    async def check(self, clock: Clock) -> None:
        """Ask the database for its time, and compare it with this node's: nodes judge by their own clocks.

        A database file has the clock of its machine. Raises DatabaseUnavailable, and Unavailable when the two are more
        than CLOCK_SKEW apart.
        """
        asked = sa.select(1) if self.is_sqlite else sa.select(sa.func.clock_timestamp())
        async with self.read() as connection:
            before = clock.now()
            told = (await connection.execute(asked)).scalar_one()
            after = clock.now()
        if isinstance(told, datetime) and not before - CLOCK_SKEW <= told <= after + CLOCK_SKEW:
            raise Unavailable(f"this node's clock is more than {CLOCK_SKEW.seconds} s from the database's")

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def _read_url(url: str) -> sa.URL:
    try:
        return sa.make_url(url)
    except (ArgumentError, ValueError):
        # Without the cause: it repeats what it could not read, and that may be a part of the password.
        raise Invalid("the database's address cannot be read: is its password percent-encoded?") from None


class _WholeConnection(AsyncConnection):
    """A connection whose statements are never cut short: who is cancelled meanwhile is told when they are over.

    A statement that is cut short leaves its thread at work: the connection is lost, and a rollback on it never ends.
    """

    async def start(self, *arguments: Any, **options: Any) -> Self:
        """Connect."""
        try:
            await _whole(super().start(*arguments, **options))
        except asyncio.CancelledError:
            await self.close()
            raise
        return self

    async def execute(self, *arguments: Any, **options: Any) -> Any:
        """Execute a statement."""
        return await _whole(super().execute(*arguments, **options))

    async def exec_driver_sql(self, *arguments: Any, **options: Any) -> Any:
        """Execute a statement as text."""
        return await _whole(super().exec_driver_sql(*arguments, **options))


async def _immediate(connection: AsyncConnection) -> None:
    try:
        await connection.exec_driver_sql("BEGIN IMMEDIATE")
    except asyncio.CancelledError:
        await connection.exec_driver_sql("ROLLBACK")
        raise


async def _whole(work: Coroutine[Any, Any, Done]) -> Done:
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


class _told_as_unavailable:  # noqa: N801  used as a statement, so named as one
    """Turn the driver's connection failures into DatabaseUnavailable; leave faults of our statements as they are."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError | TimeoutError | PoolTimeout) or (
            isinstance(error, DBAPIError) and _passes(error)
        ):
            raise DatabaseUnavailable from error


def _passes(error: DBAPIError) -> bool:
    """Return True for what says nothing of our statement, and may be gone the next time."""
    sqlite_name: str | None = getattr(error.orig, "sqlite_errorname", None)
    if sqlite_name is not None:
        return sqlite_name.startswith(PASSING_SQLITE)
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        return True
    return str(getattr(error.orig, "sqlstate", None)).startswith(PASSING)


def _postgres_engine(url: sa.URL) -> AsyncEngine:
    asynchronous = url.set(drivername="postgresql+asyncpg")
    return create_async_engine(
        asynchronous, pool_size=POOL, max_overflow=0, pool_pre_ping=True, pool_timeout=10, hide_parameters=True
    )


def _sqlite_engine(url: sa.URL) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"), isolation_level="AUTOCOMMIT", pool_size=POOL, hide_parameters=True
    )

    @sa.event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        # Bytes that are no UTF-8 were put there by somebody else: what they say is found to be altered, not a failure.
        connection.driver_connection.text_factory = partial(str, encoding="utf-8", errors="replace")
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine
