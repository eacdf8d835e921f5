"""Queries of relying applications."""

from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.seals import Stored
from dss.clients.model import Client
from dss.clients.registers import CLIENT_POLICIES
from dss.clients.tables import client_policies, clients
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import ClientId
from dss.kernel.policy import Policy


async def add(connection: AsyncConnection, client: Client) -> None:
    """Add an application. Raises Conflict if the name is taken."""
    try:
        await connection.execute(sa.insert(clients).values(**asdict(client)))
    except IntegrityError as fault:
        raise Conflict(f"the name {client.name} is taken") from fault


async def get(connection: AsyncConnection, id: ClientId) -> Client:
    """Return an application. Raises NotFound."""
    row = (await connection.execute(sa.select(clients).where(clients.c.id == id))).mappings().one_or_none()
    if row is None:
        raise NotFound("there is no such application")
    return _client(row)


async def page(connection: AsyncConnection, after: ClientId | None, limit: int) -> list[Client]:
    """Return applications in the order they were registered, those after an id."""
    query = sa.select(clients).order_by(clients.c.id).limit(limit)
    if after is not None:
        query = query.where(clients.c.id > after)
    return [_client(row) for row in (await connection.execute(query)).mappings()]


async def id_of(connection: AsyncConnection, name_or_id: str) -> str | None:
    """Return the id of the application that a name or an id names, or None."""
    query = sa.select(clients.c.id).where((clients.c.name == name_or_id) | (clients.c.id == name_or_id))
    found: str | None = (await connection.execute(query.limit(1))).scalar_one_or_none()
    return found


async def policy(connection: AsyncConnection, id: ClientId) -> Stored[Policy] | None:
    """Return an application's policy, if one was set."""
    query = CLIENT_POLICIES.select().where(client_policies.c.client_id == id)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Stored.of(CLIENT_POLICIES, row)


def _client(row: sa.RowMapping) -> Client:
    return Client(**{**row, "scopes": tuple(row["scopes"])})
