"""The verbs of evidence: keep it where a transaction ends, and give it out once the log proves it.

Source: docs/evidence.md sections 1 and 5.
"""

import math
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Recorded
from dss.audit.log import Log, SignedHead
from dss.audit.merkle import LogDamaged, require_included
from dss.audit.service import Audit
from dss.evidence import phone_check, store
from dss.evidence.record import Consistency, Core, LogProof, Record
from dss.evidence.stating import ChannelKeys
from dss.infra.db import Database
from dss.kernel import b64
from dss.kernel.errors import BadRequest, Conflict, NotFound, Tampered
from dss.kernel.ids import TransactionId

TOLD = "evidence"  # the member of the event's details
ALTERED = "alarm.evidence_altered"


class Standing(StrEnum):
    """Where the evidence of a transaction stands: under a checkpoint, on its way there, or there is none."""

    SEALED = "sealed"
    PENDING = "pending"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Kept:
    """Evidence that is ready to be written with the end of its transaction.

    core:    canonical JSON.
    details: what the event of the end says of it.
    """

    transaction: TransactionId
    core: bytes
    details: dict[str, str]

    @classmethod
    def of(cls, transaction: TransactionId, core: Core) -> "Kept":
        """Write a core down."""
        return cls(transaction, core.encoded(), {TOLD: b64.url_encode(core.digest())})


class Evidence:
    """Keeps what proves transactions, and gives it out with the log's proof."""

    def __init__(self, database: Database, audit: Audit, log: Log, channel_keys: ChannelKeys) -> None:
        self._database = database
        self._audit = audit
        self._log = log
        self._channel_keys = channel_keys

    async def channel_key(self) -> str:
        """Return the server's word for its channel key, which a core carries. Raises HsmUnavailable."""
        return await self._channel_keys.statement()

    async def keep(self, connection: AsyncConnection, kept: Kept, now: datetime) -> None:
        """Write evidence in the database transaction of the end that it proves. Raises Conflict if there is some."""
        row = {"transaction_id": kept.transaction, "core": kept.core, "made_at": now}
        await store.add(connection, row)

    async def of(self, id: TransactionId, kept_size: int | None = None) -> Record | None:
        """Return the evidence of a transaction, or None until its event is under a signed checkpoint.

        kept_size: of a checkpoint that somebody kept: the record proves its consistency with the newest.
        Raises Conflict where none was kept, NotFound for a size that the log does not have, and Tampered, with an
        alarm, where what is stored is not what the log tells of, or not by this server's channel key. Raises
        HsmUnavailable.
        """
        key = await self._channel_keys.log_key()
        async with self._altered_alarms(id):
            recorded, core = await self._find(id)
            phone_check.said_by_server(core, key)
            signed = await self._log.newest()
        size = 0 if signed is None else signed.head.size
        if kept_size is not None and kept_size > size:
            raise NotFound(f"the log has no checkpoint of {kept_size} leaves: its newest has {size}")
        if signed is None or recorded.leaf is None or recorded.leaf >= size:
            return None
        async with self._altered_alarms(id):
            return Record(core, await self._proof(recorded, recorded.leaf, signed, kept_size))

    async def export(self, id: TransactionId, actor: str) -> Record | None:
        """Return the evidence of a transaction to an operator, as `of`; the log tells who took it."""
        record = await self.of(id)
        if record is not None:
            async with self._database.write() as connection:
                await self._audit.record(connection, Event("evidence.exported", actor, _subject(id)))
        return record

    async def standing(self, ids: Collection[TransactionId]) -> dict[TransactionId, Standing]:
        """Return where the evidence of each transaction stands, without a look into it."""
        async with self._database.read() as connection:
            ends = await store.leaves(connection, [_subject(id) for id in ids])
        signed = await self._log.newest()
        size = 0 if signed is None else signed.head.size
        leaves = {subject: leaf for subject, leaf, details in ends if TOLD in details}
        return {id: _standing(leaves, _subject(id), size) for id in ids}

    async def _find(self, id: TransactionId) -> tuple[Recorded, Core]:
        """Return the event of a transaction's end, and the core that it tells of."""
        async with self._database.read() as connection:
            ends = await store.ends(connection, _subject(id))
            kept = await store.core_of(connection, id)
        told = [recorded for recorded in ends if TOLD in recorded.event.details]
        if not told:
            raise Conflict("no evidence was kept of this transaction")
        if kept is None:
            raise ValueError("the evidence is missing")
        core = Core.read(kept)
        digest = b64.url_encode(core.digest())
        # Whoever adds a false end, even one with the same digest, takes nothing away from the true one before it.
        fitting = [recorded for recorded in told if recorded.event.details[TOLD] == digest]
        if not fitting:
            raise ValueError("the evidence is not what the log tells of")
        return min(fitting, key=_place), core

    async def _proof(self, recorded: Recorded, leaf: int, signed: SignedHead, kept_size: int | None) -> LogProof:
        size, consistency = signed.head.size, None
        path = await self._log.inclusion(leaf, size)
        require_included(leaf, recorded.entry(), path, signed.head)
        if kept_size not in (None, size):
            consistency = Consistency(kept_size, await self._log.consistency(kept_size, size))
        return LogProof(recorded.members(), recorded.salt or b"", leaf, path, signed.note, consistency)

    @asynccontextmanager
    async def _altered_alarms(self, id: TransactionId) -> AsyncIterator[None]:
        """Turn whatever cannot be in an unaltered database into an alarm and Tampered."""
        try:
            yield
        except (BadRequest, NotFound, LogDamaged, ValueError, TypeError) as fault:
            await self._audit.alarm(_subject(id), str(fault), ALTERED)
            told = "the evidence of the transaction was altered; it is not given out, and the operators are told"
            raise Tampered(told, audited=True) from fault


def _place(recorded: Recorded) -> float:
    return math.inf if recorded.leaf is None else recorded.leaf


def _subject(id: TransactionId) -> str:
    return f"transaction:{id}"


def _standing(leaves: dict[str, int | None], subject: str, size: int) -> Standing:
    if subject not in leaves:
        return Standing.NONE
    leaf = leaves[subject]
    return Standing.SEALED if leaf is not None and leaf < size else Standing.PENDING
