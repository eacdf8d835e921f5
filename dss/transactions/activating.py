"""From what is stored of a transaction to the Activation that it carries to the door."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.credentials.activation import Activation
from dss.devices.request import Kind
from dss.kernel.ids import DeviceId
from dss.transactions import entries, store
from dss.transactions.model import Entry, Transaction


async def activation_of(
    connection: AsyncConnection, held: Transaction
) -> tuple[Activation, tuple[Entry, ...], Transaction | None]:
    """Return the Activation of a confirmed transaction, what it is to sign, and the session that it is in."""
    asked = await entries.of(connection, held.id) if held.kind is Kind.SIGN else ()
    activation = replace(of(held), items=tuple(entry.item for entry in asked))
    if held.session_id is None:
        return activation, asked, None
    session = await store.get(connection, held.session_id)
    return replace(activation, session=of(session)), asked, session


def of(held: Transaction) -> Activation:
    """Return the Activation of a transaction's own answer."""
    return Activation(
        request=held.request,
        request_jws=held.request_jws,
        answer=held.answer or "",
        box=held.box or "",
        device=held.device_id or DeviceId(""),
        lease=held.lease,
        share=held.share,
        number_salt=held.number_salt,
        code=held.code,
        number=held.number,
    )
