"""The rows of the token keys."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.infra.inserting import insert
from dss.oauth.tables import token_keys
from dss.oauth.token_key import ONLY, TokenKey


async def keys_of(connection: AsyncConnection) -> tuple[TokenKey, ...]:
    """Return the keys in the order of their numbers; the first has no row before there is a second."""
    found = await connection.execute(sa.select(token_keys).order_by(token_keys.c.number))
    return tuple(TokenKey(**row) for row in found.mappings()) or ONLY


async def add(connection: AsyncConnection, known: Sequence[TokenKey], new: TokenKey) -> bool:
    """Add a key to those that are known. Return False if another was added meanwhile."""
    if known == ONLY:
        await _insert(connection, *ONLY)
    return await _insert(connection, new)


async def delete(connection: AsyncConnection, key: TokenKey) -> bool:
    """Delete a key's row. Return False if it was deleted already."""
    step = sa.delete(token_keys).where(token_keys.c.number == key.number)
    return (await connection.execute(step)).rowcount == 1


async def _insert(connection: AsyncConnection, key: TokenKey) -> bool:
    row = insert(connection, token_keys).values(number=key.number, signs_from=key.signs_from)
    return (await connection.execute(row.on_conflict_do_nothing())).rowcount == 1
