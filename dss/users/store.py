"""Queries of users."""

from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import UserId
from dss.users.model import User
from dss.users.tables import users


async def add(connection: AsyncConnection, user: User) -> None:
    """Add a user. Raises Conflict if the login is taken."""
    try:
        await connection.execute(sa.insert(users).values(**asdict(user)))
    except IntegrityError as fault:
        raise Conflict(f"the login {user.login} is taken") from fault


async def get(connection: AsyncConnection, id: UserId) -> User:
    """Return a user. Raises NotFound."""
    return await _one(connection, users.c.id == id)


async def by_login(connection: AsyncConnection, login: str) -> User:
    """Return the user of a login. Raises NotFound."""
    return await _one(connection, users.c.login == login)


async def page(connection: AsyncConnection, after: UserId | None, limit: int) -> list[User]:
    """Return users in the order they were registered, those after an id."""
    query = sa.select(users).order_by(users.c.id).limit(limit)
    if after is not None:
        query = query.where(users.c.id > after)
    return [User(**row) for row in (await connection.execute(query)).mappings()]


async def _one(connection: AsyncConnection, condition: sa.ColumnElement[bool]) -> User:
    row = (await connection.execute(sa.select(users).where(condition))).mappings().one_or_none()
    if row is None:
        raise NotFound("there is no such user")
    return User(**row)
