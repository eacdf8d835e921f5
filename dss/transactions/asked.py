"""What a relying application has asked of a signer: not there while it is still prepared."""

from dss.devices.own_requests import Whose
from dss.kernel.errors import Conflict, NotFound, Tampered
from dss.kernel.ids import ClientId, TransactionId
from dss.transactions import preparing_store as preparations
from dss.transactions import store
from dss.transactions.model import Transaction
from dss.transactions.parts import Parts


async def of_client(parts: Parts, client_id: ClientId, id: TransactionId) -> Transaction:
    """Return a relying application's transaction as it is now.

    Raises NotFound, also for another's, Conflict while there is only its preparation, Tampered.
    """
    async with parts.database.read() as connection:
        # In this order: what becomes a transaction meanwhile is found as one of the two.
        preparation = await preparations.find(connection, id)
        if preparation is not None and preparation.wish.client_id == client_id:
            raise Conflict(f"the signature is {preparation.stage}")
        transaction = await store.get(connection, id)
    await require_asked(parts, client_id, transaction)
    return transaction.as_of(parts.clock.now())


async def require_asked(parts: Parts, client_id: ClientId, transaction: Transaction) -> None:
    """Raise NotFound unless a relying application asked for this; Tampered, with an alarm, if only the row says so.

    A row that is edited to another's name lets nobody collect: who asked stands in the request that the server signed.
    """
    if transaction.client_id != client_id:
        raise NotFound
    if await parts.devices.requests.whose(transaction.request_jws) == Whose(transaction.id, client_id):
        return
    why = "the row and its signed request name two applications, or transactions"
    await parts.audit.alarm(f"transaction:{transaction.id}", why)
    raise Tampered("a stored record was altered; it is not used, and the operators are told", audited=True)
