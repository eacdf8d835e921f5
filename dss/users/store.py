"""Queries of users. What is found is believed only once its seal is proven."""

from dataclasses import fields

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.seals import Register, Row, Stored
from dss.kernel.errors import NotFound
from dss.kernel.ids import UserId
from dss.users.model import User
from dss.users.tables import users


def _user(row: Row) -> User:
    return User(**{field.name: row[field.name] for field in fields(User)})


USERS = Register("user", users, _user, lambda _: {})


async def get(connection: AsyncConnection, id: UserId) -> Stored[User]:
    """Return a user. Raises NotFound."""
    return await _one(connection, users.c.id == id)


async def by_login(connection: AsyncConnection, login: str) -> Stored[User]:
    """Return the user of a login. Raises NotFound."""
    return await _one(connection, users.c.login == login)


async def hold(connection: AsyncConnection, id: UserId) -> None:
    """Lock a user's row until the caller's commit."""
    await connection.execute(sa.select(users.c.id).where(users.c.id == id).with_for_update())


async def page(connection: AsyncConnection, after: UserId | None, limit: int) -> list[Stored[User]]:
    """Return users in the order they were registered, those after an id."""
    query = USERS.select().order_by(users.c.id).limit(limit)
    if after is not None:
        query = query.where(users.c.id > after)
    return [Stored.of(USERS, row) for row in await connection.execute(query)]


async def id_of(connection: AsyncConnection, login_or_id: str) -> str | None:
    """Return the id of whom a login or an id names, by the row's own word, or None."""
    query = sa.select(users.c.id).where((users.c.login == login_or_id) | (users.c.id == login_or_id))
    found: str | None = (await connection.execute(query.limit(1))).scalar_one_or_none()
    return found


async def _one(connection: AsyncConnection, condition: sa.ColumnElement[bool]) -> Stored[User]:
    row = (await connection.execute(USERS.select().where(condition))).one_or_none()
    if row is None:
        raise NotFound("there is no such user")
    return Stored.of(USERS, row)
