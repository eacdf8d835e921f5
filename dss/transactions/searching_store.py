"""Queries of events by whose they are: the log names things, the capabilities' tables tell to whom these belong."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit import log_pages
from dss.audit.log_pages import Found
from dss.audit.tables import audit_events
from dss.ca import store as ca
from dss.credentials import store as credentials
from dss.devices import store as devices
from dss.documents import store as documents
from dss.transactions.tables import blocks, transactions

Names = sa.CompoundSelect[Any]


def names_of_signer(user_id: str) -> Names:
    """Return the query of all that is a signer's, as the log names it, the signer among it."""
    phones = devices.names_of(user_id)
    return sa.union_all(
        sa.select(sa.literal(f"user:{user_id}")),
        *phones,
        credentials.names_of(user_id),
        ca.names_of(sa.union_all(*phones)),
        _blocks(blocks.c.user_id == user_id),
        *_transactions(transactions.c.user_id == user_id),
    )


def names_of_client(client_id: str) -> Names:
    """Return the query of all that is a relying application's, as the log names it, the application among it."""
    return sa.union_all(
        sa.select(sa.literal(f"client:{client_id}")),
        sa.select(sa.literal(f"operator:client:{client_id}")),
        documents.names_of(client_id),
        _blocks(blocks.c.client_id == client_id),
        *_transactions(transactions.c.client_id == client_id),
    )


def names_of_transaction(id: str) -> Names:
    """Return the query of what the log calls a transaction, and what it is made of."""
    return sa.union_all(*(sa.select(sa.literal(f"{kind}:{id}")) for kind in ("transaction", "activation", "share")))


def of_any(names: Names) -> sa.ColumnElement[bool]:
    """Return the condition that an event is on or by one of these: two looks into an index, not one at all events."""
    e = audit_events
    on, by = (sa.select(e.c.id).where(column.in_(names)) for column in (e.c.subject, e.c.actor))
    return e.c.id.in_(sa.union_all(on, by))


def between(since: datetime | None, until: datetime | None) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that an event was written since a time, and before another."""
    at = audit_events.c.at
    return [*([] if since is None else [at >= since]), *([] if until is None else [at < until])]


async def page(
    connection: AsyncConnection, which: Sequence[sa.ColumnElement[bool]], after: str, limit: int
) -> list[Found]:
    """Return the events to which all conditions apply, oldest first, those after an id."""
    id = audit_events.c.id
    return await log_pages.fetch(connection, log_pages.plain().where(*which, id > after).order_by(id).limit(limit))


def _blocks(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(sa.literal("block:") + blocks.c.id).where(which)


def _transactions(which: sa.ColumnElement[bool]) -> list[sa.Select[Any]]:
    return [
        sa.select(sa.literal(f"{kind}:") + transactions.c.id).where(which) for kind in ("transaction", "activation")
    ]
