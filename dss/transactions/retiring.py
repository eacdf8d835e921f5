"""The verb retire: transactions that ended long ago are deleted with all that is kept of them, and then old events.

A transaction goes with its entries, its evidence, the records of its Activation and its session, and its events, all at
once: evidence that no event tells of proves nothing, and an event that tells of evidence that is gone looks like a
theft. Nothing that is deleted could be used once more: an Activation is refused a day after its acceptance, and a
session is over before its transaction has ended. Blocks and set-ups of codes stay, as phones and keys do: they are of
persons, not of transactions.
Source: docs/transparency-log.md section 6.
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.retention import Old, Retention, require_sealed, until_first
from dss.audit.service import Audit
from dss.infra.db import Database
from dss.kernel.clock import timestamp
from dss.kernel.errors import Overtaken
from dss.kernel.ids import TransactionId
from dss.transactions import retiring_store as store

BATCH = 50


class Retiring:
    """Deletes transactions, and leaves the other events to the retention of the log."""

    def __init__(self, database: Database, audit: Audit, retention: Retention) -> None:
        self._database = database
        self._audit = audit
        self._retention = retention

    async def round(self) -> int:
        """Delete what is old enough, a batch in each database transaction; return how many transactions went.

        A transaction stays as long as one event on it is younger, or waits for its leaf number. The events of
        transactions that stay, stay with them.
        """
        total = 0
        while gone := await until_first(self._batch):  # a session goes after what was signed in it
            total += gone
        await self._retention.round(but=store.on_a_transaction())
        return total

    async def _batch(self) -> int:
        async with self._retention.look() as look:
            chosen = await store.retired(look.connection, look.old, BATCH)
            events = await store.events_on(look.connection, chosen)
            await require_sealed(look, events)
        signed = await self._retention.sign(look.old, events)
        async with self._database.write() as connection:
            if await store.events_on(connection, chosen) != events:
                raise Overtaken("there are other events on the transactions than there were")
            await self._delete(connection, chosen, look.old)
            await store.forget_browsers(connection, look.old)
            await self._retention.delete(connection, look.old, signed)
        return len(chosen)

    async def _delete(self, connection: AsyncConnection, chosen: list[TransactionId], old: Old) -> None:
        if not chosen:
            return
        if await store.delete(connection, chosen, old) != len(chosen):
            raise Overtaken("the transactions that were to be deleted have changed")
        details = {"count": str(len(chosen)), "before": timestamp(old.before)}
        event = Event("transactions.deleted", "server", self._retention.subject, details=details)
        await self._audit.record(connection, event)
