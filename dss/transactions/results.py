"""The verb follow: what becomes of the things in a transaction, in their order, as it comes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from itertools import takewhile

from dss.kernel.errors import NotFound
from dss.kernel.ids import ClientId, TransactionId
from dss.transactions import entries, store
from dss.transactions.machine import ENDED
from dss.transactions.model import Entry
from dss.transactions.outcome import ItemState, Outcome
from dss.transactions.parts import Parts, topic

PAGE = 500


@dataclass(frozen=True, slots=True)
class Result:
    """One thing, and what became of it."""

    entry: Entry
    state: ItemState


class Results:
    """Tells relying applications of each thing by itself."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def follow(
        self, client_id: ClientId, id: TransactionId, span: range, wait_s: float
    ) -> AsyncIterator[tuple[Result, ...]]:
        """Give what became of the things in a span of indexes, up to the first that is on its way.

        With a wait, on as it comes, until span, transaction or wait has ended. Of what is another's or absent, nothing.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_s
        while span:
            look = partial(self._done, client_id, id, span)
            done = await self._parts.bus.until(topic(id), look, max(end - loop.time(), 0))
            if not done:
                return
            yield done
            span = span[len(done) :]

    async def _done(self, client_id: ClientId, id: TransactionId, span: range) -> tuple[Result, ...] | None:
        """Return what is done of the first page of a span; None while that is nothing, and something may come."""
        p = self._parts
        async with p.database.read() as connection:
            try:
                transaction = (await store.get(connection, id)).as_of(p.clock.now())
            except NotFound:  # its documents are being prepared
                return None
            if transaction.client_id != client_id:
                return ()
            page = await entries.page(connection, id, span.start, min(PAGE, len(span)))
        outcome = Outcome.of(transaction)
        told = (Result(entry, outcome.state_of(entry)) for entry in page)
        done = tuple(takewhile(lambda result: result.state is not ItemState.PENDING, told))
        return done if done or not page or transaction.state in ENDED else None
