"""How an attempt ends the transaction that it worked on: once, with its evidence; a late one finds it ended."""

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome
from dss.evidence.service import Kept
from dss.transactions import store
from dss.transactions.machine import State
from dss.transactions.model import Transaction
from dss.transactions.parts import Parts


class Ending:
    """Ends transactions for those who performed them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def sign_off(self, connection: AsyncConnection, held: Transaction, kept: Kept | None) -> Event:
        """End a transaction as signed; return the event that tells of it, and of its evidence. Raises Late.

        kept: None where the parts of a batch were proven one by one, and for a sign-in.
        """
        p, now = self._parts, self._parts.clock.now()
        await store.finish(connection, held, State.SIGNED, now)
        details = {"lease": str(held.lease)}
        if kept is not None:
            await p.evidence.keep(connection, kept, now)
            details |= kept.details
        return Event("transaction.signed", "server", f"transaction:{held.id}", details=details)

    async def note_late(self, held: Transaction) -> None:
        """Record that a result came to nothing: the transaction ended, or is in another attempt's hands."""
        kind, details = "transaction.late_result_discarded", {"lease": str(held.lease)}
        event = Event(kind, "server", f"transaction:{held.id}", Outcome.FAILED, details)
        async with self._parts.database.write() as connection:
            await self._parts.audit.record(connection, event)
