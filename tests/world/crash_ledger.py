"""What the rows of an installation say of one wish, read beside its server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from dss.audit.tables import audit_events
from dss.ca.tables import certificates
from dss.credentials.tables import activations, credentials, occurrences, sessions
from dss.evidence.tables import evidence, evidence_parts
from dss.infra.db import Database
from dss.notify.tables import outbox
from dss.transactions.tables import entries, transactions

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
AT_MOST_S = 20.0


@dataclass(frozen=True, slots=True)
class Found:
    """A transaction as its rows stand.

    state:      empty where there is no transaction.
    told:       the steps that its audit events tell, oldest first.
    spent:      for its activation and then for each occurrence, whether it is consumed.
    signatures: those that are kept for collection.
    pending:    what a transaction forgets at its end and this one has: its box, its work, its lease's end.
    proven:     whether its evidence is kept, and told of.
    """

    id: str
    state: str
    told: tuple[str, ...]
    spent: tuple[bool, ...]
    signatures: tuple[bytes, ...]
    pending: frozenset[str]
    proven: tuple[bool, bool] = (False, False)


NOTHING = Found("", "", (), (), (), frozenset())


class Ledger:
    """Reads the rows, and moves the one time that tests cannot wait for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, key: str) -> Found:
        """Return what an Idempotency-Key stands for."""
        return await self._found(transactions.c.idempotency_key == key)

    async def of(self, id: str) -> Found:
        """Return how a transaction stands."""
        return await self._found(transactions.c.id == id)

    async def _found(self, which: sa.ColumnElement[bool]) -> Found:
        t, e, a, o = transactions, entries, activations, occurrences
        rows = await self._rows(sa.select(t).where(which))
        if not rows:
            return NOTHING
        (row,) = rows
        signed = await self._rows(sa.select(e).where(e.c.transaction_id == row.id, e.c.signature.is_not(None)))
        accepted = await self._rows(sa.select(a).where(a.c.transaction_id == row.id))
        spent = await self._rows(sa.select(o).where(o.c.transaction_id == row.id))
        told = await self.told(f"transaction:{row.id}")
        proofs = await self._rows(sa.select(evidence).where(evidence.c.transaction_id == row.id))
        ends = await self._rows(sa.select(audit_events).where(audit_events.c.subject == f"transaction:{row.id}"))
        kept = {name for name in ("box", "share", "work", "lease_until") if getattr(row, name) is not None}
        return Found(
            id=row.id,
            state=row.state,
            told=tuple(kind for kind in told if kind.startswith("transaction.")),
            spent=tuple(one.consumed_at is not None for one in (*accepted, *spent)),
            signatures=tuple(one.signature for one in signed),
            pending=frozenset(kept),
            proven=(len(proofs) == 1, sum("evidence" in end.details for end in ends) == 1),
        )

    async def parts(self, id: str) -> tuple[int, ...]:
        """Return where the parts of a batch begin whose evidence is kept."""
        e = evidence_parts
        rows = await self._rows(sa.select(e).where(e.c.transaction_id == id).order_by(e.c.first))
        return tuple(row.first for row in rows)

    async def places(self, session: str) -> int:
        """Return how many places of a session are taken."""
        (row,) = await self._rows(sa.select(sessions).where(sessions.c.transaction_id == session))
        return int(row.used)

    async def told(self, subject: str) -> tuple[str, ...]:
        """Return the kinds of the events on a subject, oldest first."""
        a = audit_events
        return tuple(row.kind for row in await self._rows(sa.select(a).where(a.c.subject == subject).order_by(a.c.id)))

    async def until_told(self, subject: str, kind: str) -> None:
        """Wait for an event."""
        async with asyncio.timeout(AT_MOST_S):
            while kind not in await self.told(subject):
                await asyncio.sleep(0.05)

    async def letters(self) -> int:
        """Return how many letters there ever were: those that wait, and those that the log says were sent."""
        a = audit_events
        sent = sa.select(a.c.id).where(a.c.kind == "letter.sent")
        # In one statement: a letter goes from one place to the other while this looks.
        return len(await self._rows(sa.union_all(sent, sa.select(outbox.c.id))))

    async def certificates_of(self, credential: str) -> list[str]:
        """Return the states of all certificates that were issued for a credential's key."""
        k, c = credentials, certificates
        (row,) = await self._rows(sa.select(k).where(k.c.id == credential))
        issued = await self._rows(sa.select(c).where(c.c.subject == row.subject))
        return [one.status for one in issued if row.public_key in one.der]

    async def lapse_leases(self) -> None:
        """Let the minute pass for which a dead or stopped node still holds what it worked on."""
        async with self._database.write() as connection:
            held = sa.update(transactions).where(transactions.c.lease_until.is_not(None))
            await connection.execute(held.values(lease_until=LONG_AGO))

    async def _rows(self, query: sa.Select[Any]) -> list[Any]:
        async with self._database.read() as connection:
            return list(await connection.execute(query))


@asynccontextmanager
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    """Open the rows of an installation."""
    database = Database(database_url)
    try:
        yield Ledger(database)
    finally:
        await database.close()
