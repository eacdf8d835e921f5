"""The evidence of a transaction, and of one thing of a batch: its leaf, proven without the others."""

from dss.devices import request
from dss.evidence.record import Record
from dss.kernel.errors import Invalid
from dss.transactions import entries
from dss.transactions.model import Transaction
from dss.transactions.parts import Parts
from dss.transactions.proving import require_answered, require_provable


async def evidence_of(
    parts: Parts, transaction: Transaction, kept_size: int | None, index: int | None
) -> Record | None:
    """Return the evidence of a transaction, or None until it is sealed.

    kept_size: of a checkpoint that somebody kept, to which the log is to be proven consistent.
    index: of the one thing of a batch that it is of; a part of a batch that was released is proven, whatever comes
    of the others.
    Raises Invalid for an index where there is no batch, Conflict where there is none, NotFound, Tampered.
    """
    if index is None:
        require_answered(transaction.state)
        require_provable(transaction)
        return await parts.evidence.of(transaction.id, kept_size)
    if request.read(transaction.request).batch is None:
        raise Invalid("the evidence is of all that was signed at once: ask for it without an index")
    async with parts.database.read() as connection:
        asked = await entries.of(connection, transaction.id)
    leaves = [entry.item.leaf() for entry in asked]
    return await parts.evidence.of_leaf(transaction.id, index, leaves, kept_size)
