"""Queries of relying applications. What is found is believed only once its seal is proven."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.seals import Stored
from dss.clients.model import Client
from dss.clients.registers import CLIENT_POLICIES, CLIENTS
from dss.clients.tables import client_policies, clients
from dss.kernel.errors import NotFound
from dss.kernel.ids import ClientId
from dss.kernel.policy import Policy


async def get(connection: AsyncConnection, id: ClientId) -> Stored[Client]:
    """Return an application. Raises NotFound."""
    row = (await connection.execute(CLIENTS.select().where(clients.c.id == id))).one_or_none()
    if row is None:
        raise NotFound("there is no such application")
    return Stored.of(CLIENTS, row)


async def page(connection: AsyncConnection, after: ClientId | None, limit: int) -> list[Stored[Client]]:
    """Return applications in the order they were registered, those after an id."""
    query = CLIENTS.select().order_by(clients.c.id).limit(limit)
    if after is not None:
        query = query.where(clients.c.id > after)
    return [Stored.of(CLIENTS, row) for row in await connection.execute(query)]


async def id_of(connection: AsyncConnection, name_or_id: str) -> str | None:
    """Return the id of the application that a name or an id names, by the row's own word, or None."""
    query = sa.select(clients.c.id).where((clients.c.name == name_or_id) | (clients.c.id == name_or_id))
    found: str | None = (await connection.execute(query.limit(1))).scalar_one_or_none()
    return found


async def policy(connection: AsyncConnection, id: ClientId) -> Stored[Policy] | None:
    """Return an application's policy, if one was set."""
    query = CLIENT_POLICIES.select().where(client_policies.c.client_id == id)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Stored.of(CLIENT_POLICIES, row)
