"""The verb follow: what becomes of the things in a transaction, in their order, as it comes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from itertools import takewhile

from dss.kernel.errors import NotFound, Tampered
from dss.kernel.ids import ClientId, TransactionId
from dss.transactions import entries, store
from dss.transactions import preparing_store as preparations
from dss.transactions.asked import require_asked
from dss.transactions.machine import ENDED
from dss.transactions.model import Entry
from dss.transactions.outcome import ItemState, Outcome
from dss.transactions.parts import Parts, topic
from dss.transactions.preparation import Stage

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
            # In this order: a preparation becomes a transaction, never the other way.
            preparation = await preparations.find(connection, id)
            if preparation is not None:
                return None if preparation.stage is Stage.PREPARING and preparation.wish.client_id == client_id else ()
            try:
                transaction = (await store.get(connection, id)).as_of(p.clock.now())
            except NotFound:
                return ()
            page = await entries.page(connection, id, span.start, min(PAGE, len(span)))
        try:
            await require_asked(p, client_id, transaction)
        except (NotFound, Tampered):
            return ()
        outcome = Outcome.of(transaction)
        told = (Result(entry, outcome.state_of(entry)) for entry in page)
        done = tuple(takewhile(lambda result: result.state is not ItemState.PENDING, told))
        return done if done or not page or transaction.state in ENDED else None
