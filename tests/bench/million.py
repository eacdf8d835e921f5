"""A log with a million leaves before the first event: what it is asked for later is as dear as in a log of years."""

import secrets
from dataclasses import dataclass, field

from dss.audit import log_store, tiles
from dss.audit.log_store import ENTRIES, Coordinates
from dss.audit.merkle import Head, leaf_hash
from dss.audit.sealer import BUNDLE, ENTRY_BYTES
from dss.wiring import Services

LEAVES = 1_000_000


@dataclass(frozen=True, slots=True)
class Planted:
    """Leaves that are no events, and the tree over them.

    entries: 32 bytes each. held: the tiles of hashes.
    """

    entries: bytes = field(repr=False)
    held: dict[Coordinates, bytes] = field(repr=False)

    @property
    def size(self) -> int:
        """The number of leaves."""
        return len(self.entries) // ENTRY_BYTES

    def entry(self, leaf: int) -> bytes:
        """Return the entry of a leaf."""
        return self.entries[leaf * ENTRY_BYTES : (leaf + 1) * ENTRY_BYTES]

    def head(self, size: int) -> Head:
        """Return the head of the tree over the first leaves."""
        return Head(size, tiles.root(self.held, size))


async def plant(services: Services, leaves: int) -> Planted:
    """Give a log that has no leaf yet so many at once, and have the sealer sign them."""
    entries = secrets.token_bytes(leaves * ENTRY_BYTES)
    hashes = [leaf_hash(entries[at : at + ENTRY_BYTES]) for at in range(0, len(entries), ENTRY_BYTES)]
    planted = Planted(entries, tiles.grow({}, 0, hashes))
    async with services.database.write() as connection:
        await log_store.plant(connection, services.settings.log_origin, planted.head(leaves))
        await log_store.put_tiles(connection, {**planted.held, **_bundles(entries)})
    await services.sealer.round()
    return planted


def _bundles(entries: bytes) -> dict[Coordinates, bytes]:
    width = BUNDLE * ENTRY_BYTES
    return {(ENTRIES, at // width): entries[at : at + width] for at in range(0, len(entries), width)}
