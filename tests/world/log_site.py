"""A log with a sealer and an auditor, over software keys; with what somebody can do who rules the database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dss.audit import deletions, tiles
from dss.audit.checkpoint import Checkpoint
from dss.audit.event import Event
from dss.audit.log import Log
from dss.audit.log_store import ENTRIES
from dss.audit.merkle import Head, leaf_hash
from dss.audit.note import ED25519, Note, SignatureLine, VerifierKey
from dss.audit.policy import Policy
from dss.audit.retention import Retention
from dss.audit.sealer import Sealer
from dss.audit.seals import Sealed, Seals, Stored
from dss.audit.service import Audit
from dss.audit.store import recorded
from dss.audit.tables import audit_events, log_checkpoints, log_cosignatures, log_tiles, log_tree
from dss.devices.model import Enrolment
from dss.devices.registers import ENROLMENTS
from dss.devices.tables import enrolments
from dss.hsm.servicekeys import KeyName
from dss.infra.db import Database
from dss.transactions.auditing import Auditing, Report
from dss.wiring.kinds import KINDS
from tests.world.clock import START, HandClock
from tests.world.intruder import Intruder
from tests.world.servicekeys import SoftwareServiceKeys

ORIGIN = "sign.example.org/log"
YEARS = 7
LOG_TABLES = (audit_events, log_tree, log_tiles, log_checkpoints, log_cosignatures)
ROW = "0" * 25 + "1"

Copies = dict[str, list[dict[str, Any]]]


@dataclass
class Site:
    """One installation's log."""

    database: Database
    clock: HandClock
    audit: Audit
    keys: SoftwareServiceKeys
    seals: Seals
    sealer: Sealer
    auditing: Auditing
    retention: Retention
    log: Log
    intruder: Intruder

    async def write(self, count: int = 1, **changes: Any) -> None:
        """Write events, one a second, and seal them."""
        for number in range(count):
            self.clock.move(1)
            event = Event("thing.done", "server", f"thing:{number}", details={"number": str(number)})
            async with self.database.write() as connection:
                await self.audit.record(connection, replace(event, **changes))
        await self.sealer.round()

    async def kept(self) -> str:
        """The newest checkpoint, as somebody keeps it elsewhere."""
        return await self.log.checkpoint()

    async def verify(self, kept: str | None = None, key: VerifierKey | None = None) -> Report:
        """What an auditor finds."""
        return await self.auditing.verify(key, kept)

    async def kinds(self, kept: str | None = None) -> list[str]:
        """The kinds of what an auditor finds."""
        return [finding.kind for finding in (await self.verify(kept)).findings]

    async def leaves(self) -> list[dict[str, Any]]:
        """The rows of the events, in the order of leaves."""
        rows = await self.intruder.rows(audit_events)
        return sorted((row for row in rows if row["leaf"] is not None), key=lambda row: row["leaf"])

    async def edit(self, number: int, /, **values: Any) -> None:
        """Set columns of an event, whatever they may hold."""
        async with self.database.write() as connection:
            await connection.execute(sa.update(audit_events).where(audit_events.c.leaf == number).values(values))

    async def delete(self, *leaves: int) -> None:
        """Delete events."""
        async with self.database.write() as connection:
            await connection.execute(sa.delete(audit_events).where(audit_events.c.leaf.in_(leaves)))

    async def tell_deletion(self, leaves: Sequence[int], before: datetime) -> None:
        """Tell of a deletion, signed by the log's key, whatever it says; it is sealed."""
        signature = await self.keys.sign_ed25519(KeyName.LOG, deletions.text(ORIGIN, leaves, before))
        await self.tell(deletions.event(ORIGIN, leaves, before, signature))

    async def tell(self, event: Event) -> None:
        """Put an event into the log as the server would, and let it be sealed."""
        async with self.database.write() as connection:
            await self.audit.record(connection, event)
        await self.sealer.round()

    async def copy(self, *more: sa.Table) -> Copies:
        """A backup of the log, and of other tables."""
        return {table.name: await self.intruder.rows(table) for table in (*LOG_TABLES, *more)}

    async def restore(self, copies: Copies, *more: sa.Table) -> None:
        """Put a backup back; the processes are started anew."""
        async with self.database.write() as connection:
            for table in (*LOG_TABLES, *more):
                await connection.execute(sa.delete(table))
                if copies[table.name]:
                    await connection.execute(sa.insert(table), copies[table.name])
        self.sealer = Sealer(self.database, self.keys, self.audit, self.clock, ORIGIN)
        self.clock.move(60)

    async def rewrite(self, key: Ed25519PrivateKey | None) -> None:
        """Make the tree anew from the events as they are, and a checkpoint if there is a key to sign it."""
        entries = [recorded(row).entry() for row in await self.leaves()]
        grown = tiles.grow({}, 0, [leaf_hash(entry) for entry in entries])
        head = Head(len(entries), tiles.root(grown, len(entries)))
        bundles = {(ENTRIES, at // 256): b"".join(entries[at : at + 256]) for at in range(0, len(entries), 256)}
        rows = [{"level": place[0], "index": place[1], "data": data} for place, data in {**grown, **bundles}.items()]
        async with self.database.write() as connection:
            await connection.execute(sa.delete(log_tiles))
            await connection.execute(sa.insert(log_tiles), rows)
            await connection.execute(sa.update(log_tree).values(size=head.size, root=head.root))
            if key is not None:
                await connection.execute(sa.delete(log_checkpoints))
                row = {"size": head.size, "note": signed(Checkpoint(ORIGIN, head).text, key), "signed_at": START}
                await connection.execute(sa.insert(log_checkpoints), row)

    async def add_row(self) -> None:
        """Make a sealed row."""
        row = {"id": ROW, "user_id": "3" * 26, "state": "open", "sealed_secret": b"secret", "nonce": "n", "attempts": 0}
        draft = await self.seals.draft_new(
            ENROLMENTS, row | {"created_at": START, "expires_at": START + timedelta(days=7)}
        )
        await self._write(draft, "enrolment.opened")

    async def change_row(self) -> None:
        """Change it once more."""
        known = await self._proven()
        await self._write(await self.seals.draft(known, known.value.with_wrong_code(1000)), "enrolment.changed")

    async def _proven(self) -> Sealed[Enrolment]:
        async with self.database.read() as connection:
            found = await connection.execute(ENROLMENTS.select().where(enrolments.c.id == ROW))
            stored = Stored.of(ENROLMENTS, found.one())
        return await self.seals.prove(stored)

    async def _write(self, draft: Any, kind: str) -> None:
        async with self.database.write() as connection:
            await self.seals.write(connection, draft, Event(kind, "server", draft.sealed.name))


def signed(text: str, key: Ed25519PrivateKey) -> str:
    """A note with this text, signed in the log's name."""
    public = VerifierKey(ORIGIN, ED25519, key.public_key().public_bytes_raw())
    return Note(text, (SignatureLine(ORIGIN, public.id, key.sign(text.encode())),)).written


def site_on(database: Database, clock: HandClock, audit: Audit, witnesses: tuple[VerifierKey, ...] = ()) -> Site:
    """A log on a database."""
    keys, policy = SoftwareServiceKeys(), Policy(ORIGIN, YEARS, witnesses)
    return Site(
        database,
        clock,
        audit,
        keys,
        Seals(keys, audit),
        Sealer(database, keys, audit, clock, ORIGIN),
        Auditing(database, keys, clock, policy, KINDS),
        Retention(database, keys, audit, clock, policy),
        Log(database, keys, clock, ORIGIN, witnesses),
        Intruder(database),
    )


@pytest.fixture
def site(database: Database, clock: HandClock, audit: Audit) -> Site:
    """A log on SQLite, and another on PostgreSQL."""
    return site_on(database, clock, audit)
