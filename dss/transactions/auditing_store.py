"""Queries that hold rows and evidence against the log. What is read here may have been altered."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit import log_pages
from dss.audit.seals import Register
from dss.audit.tables import audit_events
from dss.evidence.store import ENDS, PART
from dss.evidence.tables import evidence, evidence_parts
from dss.transactions.tables import entries, transactions

PREFIX, OPENED = "transaction:", "transaction.opened"


@dataclass(frozen=True, slots=True)
class Newest:
    """A sealed row's version and seal, and the newest that the log tells of it."""

    key: str
    version: int | None
    seal: bytes | None
    logged_version: int | None
    logged_seal: bytes | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The event of a transaction's end by an answer, with the evidence that is kept; details: as far as readable."""

    subject: str
    details: dict[str, str]
    core: bytes | None


@dataclass(frozen=True, slots=True)
class Signed:
    """The event of a part of a batch; details: as far as readable."""

    subject: str
    details: dict[str, str]


@dataclass(frozen=True, slots=True)
class Opened:
    """The event of a transaction's opening. is_there: its row. items: how many things to sign are kept of it."""

    subject: str
    details: dict[str, str]
    is_there: bool
    items: int


async def newest_seals(connection: AsyncConnection, register: Register[Any], page: int) -> AsyncIterator[Newest]:
    """Give the seals of a register's rows; no other column is read. page: how many are held at once."""
    whole, key = register.select(), register.table.c[register.key]
    told = [whole.selected_columns[name] for name in ("version", "seal", "logged_version", "logged_seal")]
    query, after = whole.with_only_columns(key, *told).order_by(key).limit(page), ""
    while rows := (await connection.execute(query.where(key > after))).all():
        for row in rows:
            yield Newest(*row)
        after = rows[-1][0]


async def rows_gone(connection: AsyncConnection, register: Register[Any], limit: int) -> list[str]:
    """Return the sealed rows that the log tells of and that are not there, as the log names them."""
    e, prefix = audit_events, f"{register.kind}:"
    there = sa.exists().where(register.table.c[register.key] == sa.func.substr(e.c.sealed_row, len(prefix) + 1))
    gone = sa.select(e.c.sealed_row).where(e.c.sealed_row.startswith(prefix, autoescape=True), ~there)
    return list((await connection.execute(gone.distinct().order_by(e.c.sealed_row).limit(limit))).scalars())


async def opened(connection: AsyncConnection, page: int) -> AsyncIterator[Opened]:
    """Give the openings of transactions, with what is kept of these. page: how many are held at once."""
    e, t, items = audit_events, transactions, entries
    name = sa.func.substr(e.c.subject, len(PREFIX) + 1)
    there = sa.exists().where(t.c.id == name)
    count = sa.select(sa.func.count()).where(items.c.transaction_id == name).scalar_subquery()
    query = sa.select(e.c.subject, sa.cast(e.c.details, sa.Text), there, count, e.c.id)
    query, after = query.where(e.c.kind == OPENED).order_by(e.c.id).limit(page), ""
    while rows := (await connection.execute(query.where(e.c.id > after))).all():
        for subject, text, is_there, number, id in rows:
            yield Opened(subject, _details(text), bool(is_there), number)
            after = id


async def ends(connection: AsyncConnection, page: int) -> AsyncIterator[Ended]:
    """Give the ends of transactions by answers, with their evidence. page: how many are held at once."""
    e, v = audit_events, evidence
    of = e.outerjoin(v, v.c.transaction_id == sa.func.substr(e.c.subject, len(PREFIX) + 1))
    query = sa.select(e.c.subject, sa.cast(e.c.details, sa.Text), v.c.core, e.c.id).select_from(of)
    query, after = query.where(e.c.kind.in_(ENDS)).order_by(e.c.id).limit(page), ""
    while rows := (await connection.execute(query.where(e.c.id > after))).all():
        for subject, text, core, id in rows:
            yield Ended(subject, _details(text), core)
            after = id


async def untold_evidence(connection: AsyncConnection, limit: int) -> list[str]:
    """Return the transactions whose evidence no event tells of."""
    e, v = audit_events, evidence
    told = sa.exists().where(e.c.subject == sa.literal(PREFIX) + v.c.transaction_id, e.c.kind.in_(ENDS))
    query = sa.select(v.c.transaction_id).where(~told).order_by(v.c.transaction_id).limit(limit)
    return list((await connection.execute(query)).scalars())


async def signed_parts(connection: AsyncConnection, page: int) -> AsyncIterator[Signed]:
    """Give the events of parts of batches. page: how many are held at once."""
    e = audit_events
    query = sa.select(e.c.subject, sa.cast(e.c.details, sa.Text), e.c.id)
    query, after = query.where(e.c.kind == PART).order_by(e.c.id).limit(page), ""
    while rows := (await connection.execute(query.where(e.c.id > after))).all():
        for subject, text, id in rows:
            yield Signed(subject, _details(text))
            after = id


async def part(connection: AsyncConnection, subject: str, first: str) -> tuple[bytes, bytes] | None:
    """Return core and pieces of the part of a batch that begins where its event says, or None."""
    p = evidence_parts
    mine = (p.c.transaction_id == subject.removeprefix(PREFIX)) & (sa.cast(p.c.first, sa.Text) == first)
    row = (await connection.execute(sa.select(p.c.core, p.c.pieces).where(mine))).one_or_none()
    return None if row is None else (row.core, row.pieces)


async def kept_parts(connection: AsyncConnection, page: int) -> AsyncIterator[tuple[str, list[str]]]:
    """Give the batches of which parts are kept: as the log names each, and where its parts begin.

    page: how many batches are held at once.
    """
    p = evidence_parts
    query, after = sa.select(p.c.transaction_id).distinct().order_by(p.c.transaction_id).limit(page), ""
    while ids := (await connection.execute(query.where(p.c.transaction_id > after))).scalars().all():
        for id in ids:
            first = sa.select(p.c.first).where(p.c.transaction_id == id).order_by(p.c.first)
            yield f"{PREFIX}{id}", [str(one) for one in (await connection.execute(first)).scalars()]
        after = ids[-1]


async def told_parts(connection: AsyncConnection, subject: str) -> list[dict[str, str]]:
    """Return what the events of a batch's parts tell."""
    e = audit_events
    query = sa.select(sa.cast(e.c.details, sa.Text)).where(e.c.subject == subject, e.c.kind == PART)
    return [_details(text) for text in (await connection.execute(query)).scalars()]


def _details(text: str) -> dict[str, str]:
    """Read an event's details; what is none is found by the log's own reading."""
    try:
        return log_pages.read_details(text)
    except (ValueError, TypeError, RecursionError):
        return {}
