"""The lease of an attempt: it is kept while the work goes on, but not for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from dss.kernel.errors import Unavailable
from dss.transactions import store
from dss.transactions.machine import Work
from dss.transactions.model import Transaction
from dss.transactions.parts import Parts

LEASES_KEPT = 10


@asynccontextmanager
async def kept(parts: Parts, held: Transaction, work: Work) -> AsyncIterator[None]:
    """Extend a lease until the end: many large documents take longer than one."""
    keeping = asyncio.create_task(_keep(parts, held, work))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _keep(parts: Parts, held: Transaction, work: Work) -> None:
    """Extend a lease, but not for ever: work that hangs must come into other hands."""
    lease = parts.limits.lease
    for _ in range(3 * LEASES_KEPT):
        await asyncio.sleep(lease.total_seconds() / 3)
        with suppress(Unavailable):
            async with parts.database.write() as connection:
                now = parts.clock.now()
                await store.extend(connection, held, work, now, now + lease)
