"""What a relying application has asked of a signer: not there while it is still prepared."""

from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import ClientId, TransactionId
from dss.transactions import preparing_store as preparations
from dss.transactions import store
from dss.transactions.model import Transaction
from dss.transactions.parts import Parts


async def of_client(parts: Parts, client_id: ClientId, id: TransactionId) -> Transaction:
    """Return a relying application's transaction as it is now.

    Raises NotFound, also for another's, Conflict while there is only its preparation.
    """
    async with parts.database.read() as connection:
        # In this order: what becomes a transaction meanwhile is found as one of the two.
        preparation = await preparations.find(connection, id)
        if preparation is not None and preparation.wish.client_id == client_id:
            raise Conflict(f"the signature is {preparation.stage}")
        transaction = await store.get(connection, id)
    if transaction.client_id != client_id:
        raise NotFound
    return transaction.as_of(parts.clock.now())
