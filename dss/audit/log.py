"""The log as others read it: checkpoints, tiles, proofs, and what witnesses say of it.

Source: docs/transparency-log.md sections 2 to 4; C2SP tlog-tiles, tlog-cosignature.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit import log_store, tiles
from dss.audit.checkpoint import Checkpoint, cosigned_at, read_signed
from dss.audit.log_key import log_key
from dss.audit.log_store import ENTRIES
from dss.audit.merkle import Head, LogDamaged
from dss.audit.note import Note, SignatureLine, VerifierKey
from dss.hsm.servicekeys import ServiceKeys
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import BadRequest, Invalid, NotFound
from dss.kernel.ids import made_at

HASH_BYTES = ENTRY_BYTES = 32
SKEW, PATIENCE = timedelta(minutes=1), timedelta(minutes=1)
KEPT, PERIOD = timedelta(days=1), timedelta(hours=1)
HIGHEST_LEVEL, HIGHEST_INDEX = 63, 2**53


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A checkpoint; note: with the log's own signature and no other."""

    head: Head
    note: str


@dataclass(frozen=True, slots=True)
class Cosigned:
    """Who cosigned the checkpoint of a size, by name."""

    size: int
    witnesses: tuple[str, ...]


class Log:
    """Reads the log, and believes no checkpoint that its key did not sign.

    origin: the log's name. witnesses: those whose cosignatures are kept.
    """

    def __init__(
        self, database: Database, keys: ServiceKeys, clock: Clock, origin: str, witnesses: Sequence[VerifierKey] = ()
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._origin = origin
        self._witnesses = tuple(witnesses)
        self._key: VerifierKey | None = None
        self._known: SignedHead | None = None

    async def newest(self) -> SignedHead | None:
        """Return the newest checkpoint, None before the first. Raises LogDamaged, HsmUnavailable."""
        async with self._reading() as connection:
            return await self._newest(connection)

    async def checkpoint(self, size: int | None = None) -> str:
        """Return a checkpoint with its cosignatures: the newest, or a kept one of a size. Raises NotFound."""
        async with self._reading() as connection:
            note = await log_store.checkpoint(connection, size)
            if note is None:
                raise NotFound("there is no such checkpoint, or it is not kept any more")
            signed = self._verified(note)
            cosigned = await log_store.cosignatures(connection, signed.head.size)
        return note + "".join(cosigned.values())

    async def inclusion(self, leaf: int, size: int) -> tuple[bytes, ...]:
        """Return the proof that a leaf is in the tree of a size (RFC 6962 section 2.1.1). Raises NotFound."""
        async with self._reading() as connection:
            await self._require_signed(connection, size)
            if not 0 <= leaf < size:
                raise NotFound(f"a tree of {size} leaves has no leaf {leaf}")
            held = await log_store.tiles(connection, tiles.tiles_for_inclusion(leaf, size))
        return tiles.inclusion(held, leaf, size)

    async def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """Return the proof that one tree begins with another (RFC 6962 section 2.1.2). Raises NotFound."""
        async with self._reading() as connection:
            await self._require_signed(connection, second)
            if not 0 <= first <= second:
                raise NotFound(f"a tree of {second} leaves does not begin with one of {first}")
            held = await log_store.tiles(connection, tiles.tiles_for_consistency(first, second))
        return tiles.consistency(held, first, second)

    async def tile(self, level: int, index: int, width: int) -> bytes:
        """Return the first `width` hashes of a tile, 32 bytes each. Raises NotFound for what no checkpoint covers."""
        if not 0 <= level <= HIGHEST_LEVEL:
            raise NotFound
        return await self._tile(level, index, width)

    async def entries(self, index: int, width: int) -> bytes:
        """Return the first `width` entries of a bundle, each after its length in two bytes. Raises NotFound."""
        data = await self._tile(ENTRIES, index, width)
        prefix = ENTRY_BYTES.to_bytes(2)
        return b"".join(prefix + data[at : at + ENTRY_BYTES] for at in range(0, len(data), ENTRY_BYTES))

    async def cosign(self, text: str) -> Cosigned:
        """Keep the lines of known witnesses under a checkpoint that is kept here.

        text: the checkpoint as a note with their lines. Raises NoteRefused for what is no note and for a known
        witness's line that does not verify, NotFound for another text than the kept checkpoint's, Invalid for a line
        from the future.
        """
        note = Note.read(text)
        size = Checkpoint.read(note.text).head.size
        found = [self._checked(line, witness, note.text) for line in note.lines for witness in self._named_by(line)]
        async with self._database.read() as connection:
            kept = await log_store.checkpoint(connection, size)
            if kept is None or Note.read(kept).text != note.text:
                raise NotFound("this is not one of the log's kept checkpoints")
            names = await log_store.cosignatures(connection, size)
        if found:
            async with self._database.write() as connection:
                for row in found:
                    await log_store.add_cosignature(connection, {**row, "size": size})
                names = await log_store.cosignatures(connection, size)
        return Cosigned(size, tuple(names))

    async def is_behind(self) -> bool:
        """Return True when an event has waited for its leaf for more than a minute: the sealer does not get on."""
        async with self._database.read() as connection:
            oldest = await log_store.oldest_unsealed(connection)
        try:
            return oldest is not None and made_at(oldest) < self._clock.now() - PATIENCE
        except (ValueError, TypeError):  # an id that nobody made
            return True

    async def thin(self) -> int:
        """Delete checkpoints of more than a day ago, but the last of each hour and what was cosigned; say how many."""
        async with self._database.write() as connection:
            period = int(PERIOD.total_seconds()) * 1_000_000
            return await log_store.thin(connection, self._clock.now() - KEPT, period)

    async def _tile(self, level: int, index: int, width: int) -> bytes:
        if not 0 <= index <= HIGHEST_INDEX:
            raise NotFound
        async with self._reading() as connection:
            newest = await self._newest(connection)
            held = await log_store.tiles(connection, [(level, index)])
        size = 0 if newest is None else newest.head.size
        signed = size >> 8 * max(level, 0)
        data = held.get((level, index), b"")[: width * HASH_BYTES]
        if index * 256 + width > signed or len(data) != width * HASH_BYTES:
            raise NotFound("no checkpoint covers this tile")
        return data

    def _named_by(self, line: SignatureLine) -> list[VerifierKey]:
        return [witness for witness in self._witnesses if (witness.name, witness.id) == (line.name, line.id)]

    def _checked(self, line: SignatureLine, witness: VerifierKey, text: str) -> dict[str, Any]:
        """Return a line as it is kept, once it is verified."""
        at = cosigned_at(line, witness, text)
        if at > self._clock.now() + SKEW:
            raise Invalid(f"the cosignature of {witness.name} is from the future")
        return {"witness": line.name, "line": line.text, "cosigned_at": at}

    async def _newest(self, connection: AsyncConnection) -> SignedHead | None:
        note = await log_store.checkpoint(connection)
        if note is None:
            return None
        if self._known is None or self._known.note != note:
            self._known = self._verified(note)
        return self._known

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection, once the log's key is known: the HSM is asked for it once, and not meanwhile."""
        self._key = self._key or await log_key(self._keys, self._origin)
        async with self._database.read() as connection:
            yield connection

    def _verified(self, note: str) -> SignedHead:
        """Return a checkpoint that the log's key signed. Raises LogDamaged for any other."""
        key, self._key = self._key, None  # asked for anew after a failure: another token may have been put in place
        try:
            if key is None:
                raise LogDamaged("the log's key is not known")
            signed = SignedHead(read_signed(note, key).head, note)
        except (BadRequest, TypeError) as fault:
            raise LogDamaged("a stored checkpoint was not signed by the log's key") from fault
        self._key = key
        return signed

    async def _require_signed(self, connection: AsyncConnection, size: int) -> None:
        """Raise NotFound for a size that no checkpoint covers yet."""
        known = await self._newest(connection)
        newest = 0 if known is None else known.head.size
        if size > newest:
            raise NotFound(f"the log's newest checkpoint has {newest} leaves")
