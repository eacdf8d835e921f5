"""The query for the grant that waits for a signature."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.kernel.errors import NotFound
from dss.kernel.ids import GrantId, TransactionId
from dss.oauth.tables import grants


async def waiting_for(connection: AsyncConnection, id: TransactionId) -> GrantId:
    """Return the grant that a signature was asked for. Raises NotFound."""
    query = sa.select(grants.c.id).where(grants.c.signature_id == id)
    found = (await connection.execute(query)).scalar_one_or_none()
    if found is None:
        raise NotFound("there is no such grant")
    return GrantId(found)
