"""Writing that is taken back: what was done for nothing shows by no time that it took."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection


@asynccontextmanager
async def kept_if(meant: bool, connection: AsyncConnection) -> AsyncIterator[None]:
    """Keep what is written inside if it is meant, and take it back otherwise, in the caller's transaction."""
    await connection.exec_driver_sql("SAVEPOINT pretence")
    yield
    await connection.exec_driver_sql(f"{'RELEASE' if meant else 'ROLLBACK TO'} SAVEPOINT pretence")
