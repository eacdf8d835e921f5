"""Queries over credentials, activations and occurrences. Sealed rows are believed only once their seal is proven."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.seals import Stored
from dss.credentials.model import LIVING, Credential, CredentialState, Spending
from dss.credentials.offline import OfflineKey
from dss.credentials.registers import ACTIVATIONS, CREDENTIALS, OFFLINE_KEYS, SESSIONS
from dss.credentials.session import Session
from dss.credentials.tables import activations, credentials, occurrences, offline_keys, sessions
from dss.infra.inserting import insert
from dss.kernel.ids import CredentialId, DeviceId, TransactionId, UserId


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


async def session(connection: AsyncConnection, transaction: TransactionId) -> Stored[Session] | None:
    """Return a session, if one was confirmed by this transaction."""
    row = (await connection.execute(SESSIONS.select().where(sessions.c.transaction_id == transaction))).one_or_none()
    return None if row is None else Stored.of(SESSIONS, row)


async def offline_key(connection: AsyncConnection, id: CredentialId) -> Stored[OfflineKey] | None:
    """Return what a phone set up for a credential to answer without a connection, if one ever did."""
    row = (await connection.execute(OFFLINE_KEYS.select().where(offline_keys.c.credential_id == id))).one_or_none()
    return None if row is None else Stored.of(OFFLINE_KEYS, row)


async def offline_keys_of(connection: AsyncConnection, of: CredentialId | DeviceId) -> list[Stored[OfflineKey]]:
    """Return what lasts of what was set up to answer without a connection, for a key or by a phone."""
    o = offline_keys
    query = OFFLINE_KEYS.select().where((o.c.credential_id == of) | (o.c.device_id == of), o.c.ended_at.is_(None))
    return [Stored.of(OFFLINE_KEYS, row) for row in await connection.execute(query.order_by(o.c.credential_id))]


async def reserve(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> int:
    """Reserve occurrences of one transaction for one attempt; a unique row is the guard against a second signature.

    rows: transaction_id, index, credential_id, lease and reserved_at of each. Returns how many could be: the others are
    consumed, or held by a later attempt.
    """
    o = occurrences
    new = insert(connection, o)
    free = (o.c.credential_id == new.excluded.credential_id) & (o.c.lease < new.excluded.lease)
    again = new.on_conflict_do_update(
        index_elements=[o.c.transaction_id, o.c.index],
        set_={"lease": new.excluded.lease},
        where=free & o.c.consumed_at.is_(None),
    )
    # Rows that are returned are counted: so one statement, which is compiled once, serves any number of rows.
    return len((await connection.execute(again.returning(o.c.index), list(rows))).all())


async def consumed(connection: AsyncConnection, transaction: TransactionId) -> frozenset[int]:
    """Return the indexes of what was signed already."""
    o = occurrences
    mine = sa.select(o.c.index).where(o.c.transaction_id == transaction, o.c.consumed_at.is_not(None))
    return frozenset((await connection.execute(mine)).scalars())


async def consume(connection: AsyncConnection, transaction: TransactionId, lease: int, now: datetime) -> int:
    """Consume all occurrences that an attempt holds; return how many."""
    o = occurrences
    mine = (o.c.transaction_id == transaction) & (o.c.lease == lease) & o.c.consumed_at.is_(None)
    return (await connection.execute(sa.update(o).where(mine).values(consumed_at=now))).rowcount


def names_of(user_id: str) -> sa.Select[Any]:
    """Return the query of a user's credentials, as the log names them."""
    return sa.select(sa.literal("credential:") + credentials.c.id).where(credentials.c.user_id == user_id)
