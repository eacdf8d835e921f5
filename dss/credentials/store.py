"""Queries over credentials and occurrences."""

import base64
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.credentials.model import Credential, CredentialState
from dss.credentials.tables import credentials, occurrences
from dss.kernel.errors import Conflict
from dss.kernel.ids import CredentialId, TransactionId, UserId
from dss.kernel.keyspec import KeySpec

KEPT = ("id", "user_id", "state", "key_spec", "kek_id", "key_blob", "public_key", "created_at")


async def add(connection: AsyncConnection, credential: Credential) -> None:
    """Add a requested credential. Raises sqlalchemy's IntegrityError when it exists."""
    row = {name: getattr(credential, name) for name in KEPT}
    await connection.execute(sa.insert(credentials).values(**row, request_csr=credential.csr))


async def find(connection: AsyncConnection, id: CredentialId) -> Credential | None:
    """Return a credential, if there is one of this id."""
    row = (await connection.execute(sa.select(credentials).where(credentials.c.id == id))).one_or_none()
    return None if row is None else _credential(row)


async def page(
    connection: AsyncConnection, user_id: UserId | None, after: CredentialId | None, limit: int
) -> list[Credential]:
    """Return credentials that have a certificate, by id, after one of them."""
    c = credentials
    query = sa.select(c).where(c.c.state == CredentialState.ACTIVE).order_by(c.c.id).limit(limit)
    if user_id is not None:
        query = query.where(c.c.user_id == user_id)
    if after is not None:
        query = query.where(c.c.id > after)
    return [_credential(row) for row in await connection.execute(query)]


async def count_by_kek(connection: AsyncConnection) -> dict[str, int]:
    """Return how many credentials each KEK wraps the key of."""
    c = credentials
    rows = await connection.execute(sa.select(c.c.kek_id, sa.func.count()).group_by(c.c.kek_id))
    return {kek_id: int(count) for kek_id, count in rows}


async def certify(connection: AsyncConnection, credential: Credential) -> None:
    """Give a requested credential its certificate. Raises Conflict if it has one."""
    c = credentials
    chain = [base64.b64encode(link).decode() for link in credential.chain]
    issued = {"state": CredentialState.ACTIVE, "certificate": credential.certificate, "chain": chain}
    told = {name: getattr(credential, name) for name in ("subject", "not_before", "not_after")}
    step = sa.update(c).where(c.c.id == credential.id, c.c.state == CredentialState.REQUESTED)
    if (await connection.execute(step.values(**issued, **told))).rowcount != 1:
        raise Conflict("the credential has a certificate")


async def reserve(connection: AsyncConnection, transaction: TransactionId, row: dict[str, Any], *, first: bool) -> bool:
    """Reserve one occurrence for one attempt; the unique row is the guard against a second signature.

    row:   index, credential_id, lease and reserved_at.
    first: False once new occurrences may no longer be reserved; recovery of an earlier reservation may go on.
    Returns False when it is consumed, held by a later attempt, or too late.
    """
    o = occurrences
    values = {"transaction_id": transaction, **row}
    again = (o.c.credential_id == row["credential_id"]) & (o.c.lease < row["lease"]) & o.c.consumed_at.is_(None)
    if not first:
        key = (o.c.transaction_id == transaction) & (o.c.index == row["index"])
        step = sa.update(o).where(key, again).values(lease=row["lease"])
        return (await connection.execute(step)).rowcount == 1
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    step_in = insert(o).values(values)
    taken = step_in.on_conflict_do_update(
        index_elements=[o.c.transaction_id, o.c.index], set_={"lease": row["lease"]}, where=again
    )
    return (await connection.execute(taken)).rowcount == 1


async def consume(connection: AsyncConnection, transaction: TransactionId, lease: int, now: datetime) -> int:
    """Consume all occurrences that an attempt holds; return how many."""
    o = occurrences
    mine = (o.c.transaction_id == transaction) & (o.c.lease == lease) & o.c.consumed_at.is_(None)
    return (await connection.execute(sa.update(o).where(mine).values(consumed_at=now))).rowcount


def _credential(row: Any) -> Credential:
    return Credential(
        id=CredentialId(row.id),
        user_id=UserId(row.user_id),
        state=CredentialState(row.state),
        key_spec=KeySpec(row.key_spec),
        kek_id=row.kek_id,
        key_blob=row.key_blob,
        public_key=row.public_key,
        csr=row.request_csr,
        subject=row.subject,
        certificate=row.certificate,
        chain=tuple(base64.b64decode(link) for link in row.chain or ()),
        not_before=row.not_before,
        not_after=row.not_after,
        created_at=row.created_at,
    )
