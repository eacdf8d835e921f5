"""Queries over credentials, activations and occurrences. Sealed rows are believed only once their seal is proven."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.seals import Stored
from dss.credentials.model import LIVING, Credential, CredentialState, Spending
from dss.credentials.registers import ACTIVATIONS, CREDENTIALS
from dss.credentials.tables import activations, credentials, occurrences
from dss.kernel.ids import CredentialId, TransactionId, UserId


async def find(connection: AsyncConnection, id: CredentialId) -> Stored[Credential] | None:
    """Return a credential, if there is one of this id."""
    row = (await connection.execute(CREDENTIALS.select().where(credentials.c.id == id))).one_or_none()
    return None if row is None else Stored.of(CREDENTIALS, row)


async def page(
    connection: AsyncConnection, user_id: UserId | None, after: CredentialId | None, limit: int
) -> list[Stored[Credential]]:
    """Return credentials that have or had a certificate, by id, after one of them."""
    c = credentials
    query = CREDENTIALS.select().where(c.c.state != CredentialState.REQUESTED).order_by(c.c.id).limit(limit)
    if user_id is not None:
        query = query.where(c.c.user_id == user_id)
    if after is not None:
        query = query.where(c.c.id > after)
    return [Stored.of(CREDENTIALS, row) for row in await connection.execute(query)]


async def living_of(
    connection: AsyncConnection, user_id: UserId, states: Collection[CredentialState] = LIVING
) -> list[Stored[Credential]]:
    """Return a user's credentials whose keys exist, by id."""
    c = credentials
    query = CREDENTIALS.select().where(c.c.user_id == user_id, c.c.state.in_(states)).order_by(c.c.id)
    return [Stored.of(CREDENTIALS, row) for row in await connection.execute(query)]


async def count_by_kek(connection: AsyncConnection) -> dict[str, int]:
    """Return how many credentials each KEK wraps the key of."""
    c = credentials
    keys = sa.select(c.c.kek_id, sa.func.count()).where(c.c.state.in_((*LIVING, CredentialState.REQUESTED)))
    rows = await connection.execute(keys.group_by(c.c.kek_id))
    return {kek_id: int(count) for kek_id, count in rows}


async def spending(connection: AsyncConnection, transaction: TransactionId) -> Stored[Spending] | None:
    """Return the record of a transaction's Activation, if its answer was accepted."""
    mine = ACTIVATIONS.select().where(activations.c.transaction_id == transaction)
    row = (await connection.execute(mine)).one_or_none()
    return None if row is None else Stored.of(ACTIVATIONS, row)


async def reserve(connection: AsyncConnection, transaction: TransactionId, row: dict[str, Any]) -> bool:
    """Reserve one occurrence for one attempt; the unique row is the guard against a second signature.

    row: index, credential_id, lease and reserved_at. Returns False when it is consumed or held by a later attempt.
    """
    o = occurrences
    values = {"transaction_id": transaction, **row}
    again = (o.c.credential_id == row["credential_id"]) & (o.c.lease < row["lease"]) & o.c.consumed_at.is_(None)
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    taken = (
        insert(o)
        .values(values)
        .on_conflict_do_update(
            index_elements=[o.c.transaction_id, o.c.index], set_={"lease": row["lease"]}, where=again
        )
    )
    return (await connection.execute(taken)).rowcount == 1


async def consume(connection: AsyncConnection, transaction: TransactionId, lease: int, now: datetime) -> int:
    """Consume all occurrences that an attempt holds; return how many."""
    o = occurrences
    mine = (o.c.transaction_id == transaction) & (o.c.lease == lease) & o.c.consumed_at.is_(None)
    return (await connection.execute(sa.update(o).where(mine).values(consumed_at=now))).rowcount


def names_of(user_id: str) -> sa.Select[Any]:
    """Return the query of a user's credentials, as the log names them."""
    return sa.select(sa.literal("credential:") + credentials.c.id).where(credentials.c.user_id == user_id)
