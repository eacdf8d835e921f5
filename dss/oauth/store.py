"""Queries of grants, and of what is revoked. A grant that is found is believed only once its seal is proven."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.seals import Stored
from dss.infra.inserting import insert
from dss.kernel.errors import NotFound
from dss.kernel.ids import ClientId, GrantId, UserId
from dss.oauth.grant import Grant, Stage
from dss.oauth.registers import GRANTS
from dss.oauth.tables import grants, revoked_tokens


async def get(connection: AsyncConnection, id: GrantId) -> Stored[Grant]:
    """Return a grant. Raises NotFound."""
    row = (await connection.execute(GRANTS.select().where(grants.c.id == id))).one_or_none()
    if row is None:
        raise NotFound("there is no such grant")
    return Stored.of(GRANTS, row)


async def living(connection: AsyncConnection, user_id: UserId, now: datetime) -> list[Stored[Grant]]:
    """Return a signer's grants that are not over, oldest first."""
    return await _living(connection, grants.c.user_id == user_id, now)


async def living_of_client(connection: AsyncConnection, client_id: ClientId, now: datetime) -> list[Stored[Grant]]:
    """Return the grants of a client that are not over, oldest first."""
    return await _living(connection, grants.c.client_id == client_id, now)


async def revoke(connection: AsyncConnection, id: str, expires_at: datetime) -> None:
    """Let a token, or the tokens of a grant, be taken no more; expires_at: when the last of them ends by itself."""
    row = insert(connection, revoked_tokens).values(id=id, expires_at=expires_at)
    await connection.execute(row.on_conflict_do_nothing())


async def refuse_client(connection: AsyncConnection, id: ClientId, expires_at: datetime) -> None:
    """Let the tokens of a client be taken no more that were issued LONGEST_TOKEN before a time, whatever was said."""
    row = insert(connection, revoked_tokens).values(id=id, expires_at=expires_at)
    await connection.execute(row.on_conflict_do_update(index_elements=["id"], set_={"expires_at": expires_at}))


async def _living(connection: AsyncConnection, whose: sa.ColumnElement[bool], now: datetime) -> list[Stored[Grant]]:
    over = (grants.c.stage == Stage.ENDED.value) | (grants.c.expires_at <= now)
    query = GRANTS.select().where(whose, ~over).order_by(grants.c.id)
    return [Stored.of(GRANTS, row) for row in await connection.execute(query)]
