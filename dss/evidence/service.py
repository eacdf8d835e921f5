"""The verbs of evidence: keep it where a transaction ends, and give it out once the log proves it.

Source: docs/evidence.md sections 1 and 5.
"""

import math
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Recorded
from dss.audit.log import Log
from dss.audit.merkle import LogDamaged, require_included
from dss.audit.service import Audit
from dss.evidence import phone_check, request_form, store
from dss.evidence.pieces import Leaf, Piece, part_of, read_pieces, write_pieces
from dss.evidence.record import Consistency, Core, LogProof, Record
from dss.evidence.stating import ChannelKeys
from dss.infra.db import Database
from dss.kernel import b64
from dss.kernel.errors import BadRequest, Conflict, NotFound, Tampered
from dss.kernel.ids import TransactionId

TOLD = "evidence"  # the member of the event's details
FIRST = "first"  # the member of a part's event that says where it begins
ALTERED = "alarm.evidence_altered"
OF_PARTS = "the evidence of a batch is of each of its documents: ask for one of them by its index"


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


@dataclass(frozen=True, slots=True)
class KeptPart:
    """Evidence of a part of a batch, ready to be written with the event that tells of it.

    first:   the index of its first document.
    core:    canonical JSON. pieces: the signatures, canonical JSON.
    details: what the event says of it.
    """

    transaction: TransactionId
    first: int
    core: bytes
    pieces: bytes
    details: dict[str, str]

    @classmethod
    def of(cls, transaction: TransactionId, core: Core, pieces: Sequence[Piece]) -> "KeptPart":
        """Write a core down, and the signatures beside it: at least one, ascending by index.

        core: without signatures; the root over them comes into it here.
        """
        whole = replace(core, part=part_of(pieces))
        first = pieces[0].index
        told = {TOLD: b64.url_encode(whole.digest()), FIRST: str(first)}
        return cls(transaction, first, whole.encoded(), write_pieces(pieces), told)


@dataclass(frozen=True, slots=True)
class _Found:
    """What is kept, and the event that tells of it."""

    recorded: Recorded
    core: Core


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

    async def keep_part(self, connection: AsyncConnection, kept: KeptPart, now: datetime) -> None:
        """Write evidence in the database transaction of the part that it proves. Raises Conflict if there is some."""
        row = {"transaction_id": kept.transaction, "first": kept.first, "core": kept.core, "pieces": kept.pieces}
        await store.add_part(connection, row | {"made_at": now})

    async def of(self, id: TransactionId, kept_size: int | None = None) -> Record | None:
        """Return the evidence of a transaction, or None until its event is under a signed checkpoint.

        kept_size: of a checkpoint that somebody kept: the record proves its consistency with the newest.
        Raises Conflict where none was kept, NotFound for a size that the log does not have, and Tampered, with an
        alarm, where what is stored is not what the log tells of, or not by this server's channel key. Raises
        HsmUnavailable.
        """
        key = await self._channel_keys.log_key()
        async with self._altered_alarms(id):
            found = await self._find(id)
            phone_check.said_by_server(found.core, key)
        proof = await self._proof(id, found.recorded, kept_size)
        return None if proof is None else Record(found.core, proof)

    async def of_leaf(
        self, id: TransactionId, index: int, leaves: Sequence[bytes], kept_size: int | None = None
    ) -> Record | None:
        """Return the evidence of one document of a batch, as `of`.

        leaves: the leaf data of all documents of the batch, in their order (`Item.leaf`).
        Raises NotFound for an index that the batch does not have, Conflict where the document has no signature.
        """
        if not 0 <= index < len(leaves):
            raise NotFound(f"the batch has no document {index}")
        key = await self._channel_keys.log_key()
        async with self._altered_alarms(id):
            found, leaf = await self._find_leaf(id, index, leaves)
            said = phone_check.said_by_server(found.core, key)
            leaf.require_in(request_form.read(said.request.payload, said.request.claims).batch, found.core.part)
        proof = await self._proof(id, found.recorded, kept_size)
        return None if proof is None else Record(found.core, proof, leaf)

    async def standing(self, ids: Collection[TransactionId]) -> dict[TransactionId, Standing]:
        """Return where the evidence of each transaction stands, without a look into it."""
        async with self._database.read() as connection:
            ends = await store.leaves(connection, [_subject(id) for id in ids])
        signed = await self._log.newest()
        size = 0 if signed is None else signed.head.size
        told = [(subject, leaf) for subject, leaf, details in ends if TOLD in details]
        return {id: _standing([leaf for subject, leaf in told if subject == _subject(id)], size) for id in ids}

    async def _find(self, id: TransactionId) -> _Found:
        """Return what is kept of a transaction, and the event of its end."""
        async with self._database.read() as connection:
            told = _telling(await store.events(connection, _subject(id), store.ENDS))
            kept = await store.core_of(connection, id)
            parts = bool(told) or await store.firsts(connection, id)
        if not told:
            raise Conflict(OF_PARTS if parts else "no evidence was kept of this transaction")
        if kept is None:
            raise ValueError("the evidence is missing")
        core = Core.read(kept)
        return _Found(_first_about(core, told), core)

    async def _find_leaf(self, id: TransactionId, index: int, leaves: Sequence[bytes]) -> tuple[_Found, Leaf]:
        """Return what is kept of one document of a batch, with the event of its part, and the proof of its place."""
        async with self._database.read() as connection:
            told = _telling(await store.events(connection, _subject(id), [store.PART]))
            firsts = await store.firsts(connection, id)
            part = await store.part_with(connection, id, index)
        core, pieces = _read_part(*part) if part else (None, ())
        number = next((number for number, piece in enumerate(pieces) if piece.index == index), None)
        if core is None or number is None:
            _require_whole(told, firsts)
            raise Conflict(f"document {index} of the batch has no signature")
        return _Found(_first_about(core, told), core), Leaf.of(leaves, pieces, number)

    async def _proof(self, id: TransactionId, recorded: Recorded, kept_size: int | None) -> LogProof | None:
        """Return the log's proof of an event, or None until it is under a signed checkpoint."""
        async with self._altered_alarms(id):
            signed = await self._log.newest()
        size, leaf = 0 if signed is None else signed.head.size, recorded.leaf
        if kept_size is not None and kept_size > size:
            raise NotFound(f"the log has no checkpoint of {kept_size} leaves: its newest has {size}")
        if signed is None or leaf is None or leaf >= size:
            return None
        async with self._altered_alarms(id):
            path, consistency = await self._log.inclusion(leaf, size), None
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


def _telling(events: Iterable[Recorded]) -> list[Recorded]:
    return [recorded for recorded in events if TOLD in recorded.event.details]


def _first_about(core: Core, told: Iterable[Recorded]) -> Recorded:
    """Return the first event that tells of a core. Raises ValueError where none does."""
    digest = b64.url_encode(core.digest())
    # Whoever adds a false event, even one with the same digest, takes nothing away from the true one before it.
    about = [recorded for recorded in told if recorded.event.details[TOLD] == digest]
    if not about:
        raise ValueError("the evidence is not what the log tells of")
    return min(about, key=_place)


def _read_part(core: bytes, pieces: bytes) -> tuple[Core, tuple[Piece, ...]]:
    """Read what is kept of a part. Raises ValueError where the signatures are not those of the core."""
    found, signatures = Core.read(core), read_pieces(pieces)
    if found.part != part_of(signatures):
        raise ValueError("the signatures of a part of the batch are not those that its evidence has")
    return found, signatures


def _require_whole(told: Iterable[Recorded], firsts: Collection[int]) -> None:
    """Raise ValueError where the log tells of a part that is not kept."""
    kept = {str(first) for first in firsts}
    if any(recorded.event.details.get(FIRST) not in kept for recorded in told):
        raise ValueError("the evidence of a part of the batch is missing")


def _place(recorded: Recorded) -> float:
    return math.inf if recorded.leaf is None else recorded.leaf


def _subject(id: TransactionId) -> str:
    return f"transaction:{id}"


def _standing(leaves: list[int | None], size: int) -> Standing:
    """Return where evidence stands that events with these leaf numbers tell of: a batch has one event for each part."""
    if not leaves:
        return Standing.NONE
    sealed = all(leaf is not None and leaf < size for leaf in leaves)
    return Standing.SEALED if sealed else Standing.PENDING
