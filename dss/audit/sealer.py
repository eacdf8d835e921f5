"""The sealer: gives events their places in the tree, and signs what the tree has become.

Source: docs/transparency-log.md sections 1 and 2.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit import log_store, tiles
from dss.audit.checkpoint import Checkpoint, read_signed
from dss.audit.event import SALT_BYTES
from dss.audit.log_key import log_key
from dss.audit.log_pages import Found
from dss.audit.log_store import ENTRIES, Coordinates
from dss.audit.merkle import Head, LogDamaged, leaf_hash, root_of
from dss.audit.note import Note, SignatureLine, VerifierKey
from dss.audit.service import Audit
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.infra import lease
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import BadRequest, HsmUnavailable, Tampered
from dss.kernel.ids import EventId, Ids

LEASE, HELD = "sealer", timedelta(seconds=4)
BATCH, BUNDLE, ENTRY_BYTES = 1000, 256, 32
# What reading an altered log comes to; SQLite keeps a value of any type in any column.
ALTERED = (LogDamaged, BadRequest, TypeError, ValueError, AttributeError)
EMPTY = Head(0, root_of([]))


class Sealer:
    """Seals events, one process at a time.

    A lease keeps the others idle; what keeps them right is the tree's own row, which is held from the look at the
    events to the commit. It signs nothing but what extends the tree that it saw before.
    """

    def __init__(self, database: Database, keys: ServiceKeys, audit: Audit, clock: Clock, origin: str) -> None:
        self._database = database
        self._keys = keys
        self._audit = audit
        self._clock = clock
        self._origin = origin
        self._name = Ids(clock).new()
        self._key: VerifierKey | None = None
        self._seen = self._signed = EMPTY
        self._unreadable: set[str] = set()
        self._alarmed = False

    async def round(self) -> int:
        """Seal what waits, and sign a checkpoint if the tree has grown; return how many events were sealed.

        Raises Tampered with an alarm where the tree is not what it was, Conflict for a log of another name,
        HsmUnavailable, DatabaseUnavailable.
        """
        if not await self._has_work():
            return 0
        key = self._key = self._key or await log_key(self._keys, self._origin)
        known = len(self._unreadable)
        try:
            added = await self._add_all(key)
        except (
            LogDamaged,
            BadRequest,
            TypeError,
            ValueError,
            AttributeError,
        ) as fault:  # SQLite keeps any type anywhere
            await self._alarm_once(str(fault))
            raise Tampered("the log was altered, and is not signed any more", audited=True) from fault
        await self._sign(key)
        if new := sorted(self._unreadable)[known:] if len(self._unreadable) > known else []:
            await self._alarm(f"events cannot be read, and are not sealed: {len(new)}, one of them {new[0]}")
        return added

    async def _has_work(self) -> bool:
        """Return False where nothing waits for its leaf, and no leaf for its checkpoint."""
        async with self._database.read() as connection:
            if await log_store.unsealed(connection, "", 1):
                return True
            head = await log_store.tree(connection, self._origin)
            return head is None or await log_store.newest_size(connection) != head.size

    async def _add_all(self, key: VerifierKey) -> int:
        """Give all that waits its place, as long as the lease is held; return how many events."""
        added, after = 0, ""
        while True:
            async with self._database.write() as connection:
                if not await self._leads(connection):
                    return added
                held = await self._held(connection, key)
                page = await log_store.unsealed(connection, after, BATCH)
                batch = self._readable(page)
                grown = await self._grow(connection, held, batch)
            self._seen = grown
            added += len(batch)
            if len(page) < BATCH:
                return added
            after = page[-1].id

    async def _leads(self, connection: AsyncConnection) -> bool:
        now = self._clock.now()
        return await lease.take(connection, LEASE, self._name, now, now + HELD)

    async def _held(self, connection: AsyncConnection, key: VerifierKey) -> "_Held":
        """Hold the tree's row, and return the tree once it is proven to extend all that was signed and seen.

        Raises LogDamaged, BadRequest for a checkpoint that is none, Conflict.
        """
        head = await log_store.tree(connection, self._origin, locked=True)
        if head is None:
            head = await self._plant(connection)
        note = await log_store.checkpoint(connection)
        self._signed = EMPTY if note is None else read_signed(note, key).head
        for known in {self._signed, self._seen}:
            if known.size > head.size:
                raise LogDamaged(f"the log has {head.size} leaves, and had {known.size}")
        heads = {self._signed, self._seen, head}
        wanted = {place for known in heads for place in tiles.edge(known.size)}
        held = await log_store.tiles(connection, {*wanted, (ENTRIES, head.size // BUNDLE)})
        for known in heads:
            if tiles.root(held, known.size) != known.root:
                raise LogDamaged(f"the tree of {known.size} leaves has another root than it had")
        return _Held(head, held)

    async def _plant(self, connection: AsyncConnection) -> Head:
        """Begin the log. Raises Conflict where it has begun under another name."""
        await log_store.require_name(connection, self._origin)
        await log_store.plant(connection, self._origin, EMPTY)
        return await log_store.tree(connection, self._origin, locked=True) or EMPTY

    def _readable(self, page: Sequence[Found]) -> list["_Leaf"]:
        """Return the events of a page that can be sealed; the others are left, and remembered."""
        leaves = []
        for found in page:
            try:
                leaves.append(_leaf(found))
            except (ValueError, TypeError, AttributeError, OverflowError):
                self._unreadable.add(found.id)
        return leaves

    async def _grow(self, connection: AsyncConnection, held: "_Held", batch: list["_Leaf"]) -> Head:
        """Add a batch to the tree. Returns the new head."""
        head = held.head
        if not batch:
            return head
        entries = [one.entry for one in batch]
        changed = tiles.grow(held.tiles, head.size, [leaf_hash(entry) for entry in entries])
        size = head.size + len(batch)
        grown = Head(size, tiles.root({**held.tiles, **changed}, size))
        await log_store.put_tiles(connection, {**changed, **_bundles(held.tiles, head.size, entries)})
        places = enumerate(batch, head.size)
        rows = [{"row_id": one.id, "row_leaf": leaf, "row_salt": one.salt} for leaf, one in places]
        await log_store.number(connection, rows)
        await log_store.grow(connection, self._origin, grown)
        return grown

    async def _sign(self, key: VerifierKey) -> None:
        """Sign the tree, unless it is signed: also what another sealer added and died before it could sign."""
        if self._seen.size == self._signed.size:
            return
        text = Checkpoint(self._origin, self._seen).text
        signature = await self._keys.sign_ed25519(KeyName.LOG, text.encode())
        try:
            Ed25519PublicKey.from_public_bytes(key.key).verify(signature, text.encode())
        except InvalidSignature as fault:
            self._key = None
            raise HsmUnavailable("the HSM returned a signature that does not verify") from fault
        note = Note(text, (SignatureLine(key.name, key.id, signature),)).written
        async with self._database.write() as connection:
            await log_store.add_checkpoint(connection, self._seen.size, note, self._clock.now())

    async def _alarm_once(self, why: str) -> None:
        """Tell operators once: the same fault is found in every round, and each event would be one more."""
        if not self._alarmed:
            self._alarmed = True
            await self._alarm(why)

    async def _alarm(self, why: str) -> None:
        await self._audit.alarm(f"log:{self._origin}", why, kind="alarm.log_altered")


@dataclass(frozen=True, slots=True)
class _Held:
    """A tree whose row is held; tiles: those by which it grows."""

    head: Head
    tiles: Mapping[Coordinates, bytes]


@dataclass(frozen=True, slots=True)
class _Leaf:
    """An event that is to be sealed, as its entry."""

    id: EventId
    salt: bytes
    entry: bytes


def _leaf(found: Found) -> _Leaf:
    """Make the entry of an event; versions before the log was sealed gave none a salt. Raises ValueError for none."""
    if found.event is None:
        raise ValueError("the row is no event")
    event = replace(found.event, salt=found.event.salt or secrets.token_bytes(SALT_BYTES))
    if len(event.salt or b"") != SALT_BYTES:
        raise ValueError("a salt has 32 bytes")
    return _Leaf(event.id, event.salt or b"", event.entry())


def _bundles(held: Mapping[Coordinates, bytes], size: int, entries: list[bytes]) -> dict[Coordinates, bytes]:
    """Return the bundles of entries that change when a tree of this size gets more. Raises LogDamaged."""
    changed: dict[Coordinates, bytes] = {}
    if size % BUNDLE:
        place = (ENTRIES, size // BUNDLE)
        changed[place] = held.get(place, b"")
        if len(changed[place]) != size % BUNDLE * ENTRY_BYTES:
            raise LogDamaged("the entries of the log are not as many as its leaves")
    for leaf, entry in enumerate(entries, size):
        place = (ENTRIES, leaf // BUNDLE)
        changed[place] = changed.get(place, b"") + entry
    return changed
