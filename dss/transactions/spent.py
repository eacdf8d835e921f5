"""What a person confirmed and the server carried out, by sealed records: the state of a row is not asked."""

import hmac

from dss.credentials import store as credentials
from dss.devices import request
from dss.devices.request import Asked
from dss.kernel.errors import BadRequest
from dss.kernel.ids import TransactionId
from dss.transactions import store
from dss.transactions.parts import Parts


async def spent(parts: Parts, id: TransactionId) -> Asked | None:
    """Return what a transaction asked for, once its Activation is spent; None before, and where only its row says so.

    The request is the one that the answer was bound to. Raises Tampered, HsmUnavailable.
    """
    async with parts.database.read() as connection:
        rows = await store.among(connection, [id])
        stored = await credentials.spending(connection, id)
    if not rows or stored is None:
        return None
    spending, asked = (await parts.seals.prove(stored)).value, _read(rows[0].request)
    if asked is None or spending.consumed_at is None or not hmac.compare_digest(asked.binding, spending.binding):
        return None
    named = (asked.server, asked.transaction, asked.kind)
    return asked if named == (parts.server, id, spending.kind) else None


def _read(payload: bytes) -> Asked | None:
    try:
        return request.read(payload)
    except BadRequest:
        return None
