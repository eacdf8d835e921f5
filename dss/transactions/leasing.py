"""The lease of an attempt: it is kept while the work goes on, but not for ever."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.kernel.errors import Unavailable
from dss.transactions import store
from dss.transactions.machine import Work
from dss.transactions.model import Transaction
from dss.transactions.parts import Parts

LEASES_KEPT = 10

# By a connection, now, and until when.
Extend = Callable[[AsyncConnection, datetime, datetime], Awaitable[None]]


def kept(parts: Parts, held: Transaction, work: Work) -> AbstractAsyncContextManager[None]:
    """Extend the lease of a transaction until the end."""
    return renewed(parts, lambda connection, now, until: store.extend(connection, held, work, now, until))


@asynccontextmanager
async def renewed(parts: Parts, extend: Extend) -> AsyncIterator[None]:
    """Extend a lease until the end: many large documents take longer than one."""
    keeping = asyncio.create_task(_keep(parts, extend))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _keep(parts: Parts, extend: Extend) -> None:
    """Extend a lease, but not for ever: work that hangs must come into other hands."""
    lease = parts.limits.lease
    for _ in range(3 * LEASES_KEPT):
        await asyncio.sleep(lease.total_seconds() / 3)
        with suppress(Unavailable):
            async with parts.database.write() as connection:
                now = parts.clock.now()
                await extend(connection, now, now + lease)
