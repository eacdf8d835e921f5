"""Signatures as relying applications see them: from the wish, over its preparation, to the end of its transaction."""

from dss.devices.request import Kind
from dss.kernel.errors import NotFound, Tampered
from dss.kernel.ids import ClientId, TransactionId, UserId
from dss.transactions import preparing_store as preparations
from dss.transactions import rules, store
from dss.transactions.machine import ENDED
from dss.transactions.model import OpenSigning, Transaction
from dss.transactions.opening import Opening
from dss.transactions.outcome import Details
from dss.transactions.parts import Parts, topic
from dss.transactions.preparation import Preparation, Stage, takes_time
from dss.transactions.preparing import Preparing
from dss.transactions.service import Transactions
from dss.transactions.spent import spent

Asked = Preparation | Details


class Signatures:
    """Asks for signatures and tells where they stand; a preparation and its transaction are one signature."""

    def __init__(self, parts: Parts, opening: Opening, preparing: Preparing, transactions: Transactions) -> None:
        self._parts = parts
        self._opening = opening
        self._preparing = preparing
        self._transactions = transactions

    async def open(self, wish: OpenSigning) -> Asked:
        """Ask for signatures; many documents are prepared before the phone is asked.

        Raises what `Opening.open_signing` and `Preparing.start` raise.
        """
        rules.require_acceptable(wish, self._parts.limits)
        made = await self._preparing.known(wish.client_id, wish.idempotency)
        if made is None:
            made = await (self._preparing.start(wish) if takes_time(wish) else self._opening.open_signing(wish))
        return made if isinstance(made, Preparation) else await self._transactions.of_client(wish.client_id, made.id)

    async def of_client(self, client_id: ClientId, id: TransactionId, wait_s: float = 0) -> Asked:
        """Return a relying application's signature; with a wait, once it has ended or the wait is over.

        What is prepared when it is asked for is returned once the phone is asked: there may be a number to show.
        Raises NotFound, also for another's.
        """
        first = last = await self._current(client_id, id)

        async def look() -> Asked | None:
            nonlocal last
            last = await self._current(client_id, id)
            return last if _is_over(last) or type(last) is not type(first) else None

        if not _is_over(first):
            await self._parts.bus.until(topic(id), look, wait_s)
        return last

    async def require_confirmed(self, client_id: ClientId, user_id: UserId, id: TransactionId) -> None:
        """Raise Tampered, with an alarm, unless a signer confirmed this signature for this client, and it was made.

        By the sealed record of what they confirmed, which is spent as the signature is released: a row is easily
        edited. Raises HsmUnavailable.
        """
        p, asked = self._parts, await spent(self._parts, id)
        named = asked and (asked.kind, asked.relying_application, asked.signer)
        if named == (Kind.SIGN, client_id, user_id):
            return
        await p.audit.alarm(f"transaction:{id}", "the row says that it is signed, and nothing that is sealed does")
        raise Tampered("a stored record was altered; it is not used, and the operators are told", audited=True)

    async def page(
        self, client_id: ClientId, after: TransactionId | None, limit: int
    ) -> list[Preparation | Transaction]:
        """Return up to `limit` of a relying application's signatures, newest first, older than `after`."""
        async with self._parts.database.read() as connection:
            # In this order: what becomes a transaction meanwhile is found twice, and never missed.
            preparing = await preparations.page_of_client(connection, client_id, after, limit)
            asked = await store.page_of_client(connection, client_id, after, limit)
        now = self._parts.clock.now()
        found: dict[TransactionId, Preparation | Transaction] = {one.id: one for one in preparing}
        found |= {one.id: one.as_of(now) for one in asked}
        return [found[id] for id in sorted(found, reverse=True)[:limit]]

    async def cancel(self, client_id: ClientId, id: TransactionId) -> Asked:
        """Cancel what is not being signed yet; a second time changes nothing. Raises NotFound, Conflict."""
        try:
            await self._preparing.cancel(client_id, id)
        except NotFound:
            return await self._transactions.cancel(client_id, id)
        return await self._current(client_id, id)

    async def _current(self, client_id: ClientId, id: TransactionId) -> Asked:
        try:
            async with self._parts.database.read() as connection:
                return await preparations.get(connection, client_id, id)
        except NotFound:
            return await self._transactions.of_client(client_id, id)


def _is_over(asked: Asked) -> bool:
    if isinstance(asked, Preparation):
        return asked.stage is not Stage.PREPARING
    return asked.transaction.state in ENDED
