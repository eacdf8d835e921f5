"""The verb that takes back all that a relying application has asked of people, by word of an operator."""

from contextlib import suppress

from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import ClientId
from dss.transactions import preparing_store
from dss.transactions.parts import Parts
from dss.transactions.plans import Ends, Plan, Plans
from dss.transactions.preparing import Preparing
from dss.transactions.tables import transactions


class Withdrawing:
    """Takes back what applications have asked."""

    def __init__(self, parts: Parts, plans: Plans, preparing: Preparing) -> None:
        self._parts = parts
        self._plans = plans
        self._preparing = preparing

    async def all_of(self, client_id: ClientId, why: str, actor: str) -> None:
        """End all that is on its way for an application: prepared, awaited, confirmed, being signed, and its sessions.

        why: a sentence for those who wait. Raises Unavailable.
        """
        async with self._parts.database.read() as connection:
            prepared = await preparing_store.going_of(connection, client_id)
        for id in prepared:
            with suppress(Conflict, NotFound):  # over by itself, or a transaction by now, which ends with the others
                await self._preparing.cancel(client_id, id, actor)
        await self._plans.commit(Plan((), Ends(why, which=transactions.c.client_id == client_id)), actor)
