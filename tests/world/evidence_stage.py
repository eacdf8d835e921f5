"""Evidence in a database with its log, and somebody who can write to that database."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from dss.audit.checkpoint import read_signed
from dss.audit.event import Event
from dss.audit.log import Log
from dss.audit.log_key import log_key
from dss.audit.merkle import Head, leaf_hash, root_of
from dss.audit.sealer import Sealer
from dss.audit.service import Audit
from dss.audit.store import recorded
from dss.audit.tables import audit_events
from dss.devices import channel
from dss.devices.enrolment import RECEIPT
from dss.devices.request import REQUEST
from dss.evidence.pieces import Piece
from dss.evidence.record import Core, LogProof, Record
from dss.evidence.service import Evidence, Kept, KeptPart
from dss.evidence.stating import ChannelKeys
from dss.evidence.tables import evidence
from dss.hsm.servicekeys import ServiceKeys
from dss.infra.db import Database
from dss.kernel import canonical
from dss.kernel.errors import Tampered
from dss.kernel.ids import Ids, TransactionId
from tests.world.clock import HandClock
from tests.world.servicekeys import SoftwareServiceKeys

ORIGIN = "dss.test/log"
SERVER = "https://dss.test"


async def core_by(keys: ServiceKeys, channel_key: str) -> Core:
    """What a server could keep of a transaction; the phone's part is not looked at here."""
    request = await channel.sign(keys, REQUEST, canonical.encode({"server": SERVER}))
    receipt = await channel.sign(keys, RECEIPT, canonical.encode({}))
    pieces = (Piece(0, b"attributes", b"value"),)
    return Core(request, "answer", "enrolment", receipt, channel_key, pieces, (b"leaf", b"root"))


class Stage:
    """Evidence, its log, and somebody who can write to the database.

    core, other: of two transactions.
    """

    core: Core
    other: Core

    def __init__(self, database: Database, clock: HandClock) -> None:
        self.database = database
        self.clock = clock
        self.ids = Ids(clock)
        self.keys = SoftwareServiceKeys()
        self.audit = Audit(database, clock, self.ids)
        self.log = Log(database, self.keys, clock, ORIGIN)
        self.evidence = Evidence(database, self.audit, self.log, ChannelKeys(self.keys, ORIGIN, SERVER))
        self.sealer = Sealer(database, self.keys, self.audit, clock, ORIGIN)

    async def set(self) -> None:
        """Make the cores."""
        self.core = await core_by(self.keys, await self.evidence.channel_key())
        self.other = replace(self.core, answer="another answer")

    async def ended(self, core: Core | None = None) -> TransactionId:
        """Let a transaction end with evidence."""
        return await self.ended_with(core or self.core)

    async def ended_with(self, core: Core | None, kind: str = "transaction.signed") -> TransactionId:
        """Let a transaction end, with evidence or as before it was kept."""
        id = TransactionId(self.ids.new())
        kept = None if core is None else Kept.of(id, core)
        details = {"lease": "1"} if kept is None else {"lease": "1", **kept.details}
        async with self.database.write() as connection:
            if kept is not None:
                await self.evidence.keep(connection, kept, self.clock.now())
            await self.audit.record(connection, Event(kind, "server", f"transaction:{id}", details=details))
        return id

    async def part_signed(self, id: TransactionId, core: Core, pieces: Sequence[Piece]) -> None:
        """Let a part of a batch be signed."""
        kept = KeptPart.of(id, core, pieces)
        async with self.database.write() as connection:
            await self.evidence.keep_part(connection, kept, self.clock.now())
            told = Event("transaction.part_signed", "server", f"transaction:{id}", details=kept.details)
            await self.audit.record(connection, told)

    async def sealed(self, core: Core | None = None) -> TransactionId:
        """Let a transaction end, and the log seal it."""
        id = await self.ended(core)
        await self.sealer.round()
        return id

    async def record(self, id: TransactionId, kept_size: int | None = None) -> Record:
        found = await self.evidence.of(id, kept_size)
        assert found is not None
        return found

    async def run(self, statement: sa.Executable) -> None:
        async with self.database.write() as connection:
            await connection.execute(statement)

    async def edit_event(self, id: TransactionId, **values: Any) -> None:
        await self.run(sa.update(audit_events).where(audit_events.c.subject == f"transaction:{id}").values(**values))

    async def edit_core(self, id: TransactionId, core: bytes) -> None:
        await self.run(sa.update(evidence).where(evidence.c.transaction_id == id).values(core=core))

    async def require_alarm(self, id: TransactionId) -> None:
        """Assert that no evidence of a transaction is given out, and that each try is an alarm."""
        with pytest.raises(Tampered):
            await self.evidence.of(id)
        (alarm,) = await self.audit.newest(1)
        assert (alarm.event.kind, alarm.event.subject) == ("alarm.evidence_altered", f"transaction:{id}")

    async def heads(self) -> list[Head]:
        """The heads of the trees of all sizes so far."""
        async with self.database.read() as connection:
            rows = await connection.execute(sa.select(audit_events).order_by(audit_events.c.leaf))
            hashes = [leaf_hash(recorded(row).entry()) for row in rows.mappings()]
        return [Head(size, root_of(hashes[:size])) for size in range(len(hashes) + 1)]

    async def head_of(self, proof: LogProof) -> Head:
        """The head that a record's checkpoint signs, its signature proven."""
        return read_signed(proof.checkpoint, await log_key(self.keys, ORIGIN)).head
