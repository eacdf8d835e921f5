"""The tree computed again from its entries, to be compared with the tree that is stored."""

from collections.abc import Collection, Sequence

from dss.audit import tiles
from dss.audit.merkle import leaf_hash
from dss.audit.tiles import TILE_BYTES, TILE_HEIGHT, TILE_WIDTH, Coordinates


class Recomputed:
    """A tree that grows from nothing. It holds its edge only, however many leaves it has.

    wanted: the sizes at which its root is kept, in `roots`.
    """

    def __init__(self, wanted: Collection[int]) -> None:
        self._wanted = sorted(set(wanted))
        self._edge: dict[Coordinates, bytes] = {}
        self.size = 0
        self.roots: dict[int, bytes] = {}
        self._keep_root()

    def add(self, entries: Sequence[bytes]) -> dict[Coordinates, bytes]:
        """Add entries; return the tiles of hashes that came to be full."""
        full: dict[Coordinates, bytes] = {}
        end, done = self.size + len(entries), 0
        for stop in [*(size for size in self._wanted if self.size < size < end), end]:
            upto = done + stop - self.size
            full |= self._grow([leaf_hash(entry) for entry in entries[done:upto]])
            done = upto
        return full

    @property
    def edge(self) -> dict[Coordinates, bytes]:
        """The tiles that are not full."""
        return dict(self._edge)

    def _grow(self, hashes: Sequence[bytes]) -> dict[Coordinates, bytes]:
        changed = tiles.grow(self._edge, self.size, hashes)
        self.size += len(hashes)
        held = {**self._edge, **changed}
        self._edge = {place: held[place] for place in tiles.edge(self.size)}
        self._keep_root()
        return {place: data for place, data in changed.items() if len(data) == TILE_BYTES}

    def _keep_root(self) -> None:
        if self.size in self._wanted:
            self.roots[self.size] = tiles.root(self._edge, self.size)


def count_tiles(size: int) -> int:
    """Return how many tiles of hashes the tree of a size has."""
    total = 0
    while size:
        total += -(-size // TILE_WIDTH)
        size >>= TILE_HEIGHT
    return total
