"""The log read as an auditor reads it: every event held against its entry, every entry against the tree.

Source: docs/transparency-log.md sections 5 and 6.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit import log_pages, log_store, missing
from dss.audit.event import Recorded
from dss.audit.findings import Finding
from dss.audit.heads import Known, known_heads
from dss.audit.log_pages import Found
from dss.audit.log_store import ENTRIES, Coordinates
from dss.audit.merkle import EMPTY_ROOT, Head
from dss.audit.missing import Deletions
from dss.audit.note import VerifierKey
from dss.audit.recomputing import Recomputed, count_tiles
from dss.audit.tiles import TILE_WIDTH

BUNDLES = 16  # of entries, in a page
PAGE = BUNDLES * TILE_WIDTH
ENTRY_BYTES = 32
PATIENCE = timedelta(minutes=1)  # how long an event, and a leaf, may wait for the sealer
SHOWN = 100  # events outside the tree that are told one by one


@dataclass(frozen=True, slots=True)
class Trust:
    """What the log is held against.

    key:       the log's; its name is the origin. witnesses: those whose cosignatures count.
    kept:      a checkpoint that was kept elsewhere, as a note; None where there is none.
    years:     how long records are kept. now: by the auditor's clock.
    """

    key: VerifierKey
    years: int
    now: datetime
    kept: str | None = None
    witnesses: Sequence[VerifierKey] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read.

    leaves:   of them, `deleted` have no event any more.
    newest:   the size of the newest checkpoint, None where there is no good one.
    cosigned: the size of the newest checkpoint that each witness cosigned, by the witness's name.
    """

    leaves: int
    deleted: int
    newest: int | None
    cosigned: Mapping[str, int]


class LogReading:
    """Reads a whole log in one moment's state, a page at a time."""

    def __init__(self, connection: AsyncConnection, trust: Trust) -> None:
        self._connection = connection
        self._trust = trust
        self._known = Known()
        self._leaves_read = self._deleted = 0
        self._latest: datetime | None = None  # of the events read so far, as far as they are what was sealed

    @property
    def seen(self) -> Seen:
        """What was read so far."""
        return Seen(self._leaves_read, self._deleted, self._known.newest, self._known.cosigned)

    async def findings(self) -> AsyncIterator[Finding]:
        """Give everything that is not as the sealer left it. Raises DatabaseUnavailable."""
        tree = await log_store.tree(self._connection, self._trust.key.name) or Head(0, EMPTY_ROOT)
        trust = self._trust
        self._known = await known_heads(self._connection, trust.key, trust.kept, trust.witnesses)
        for finding in self._known.findings:
            yield finding
        heads = {"the tree's own row": tree, **self._known.heads}
        computed = Recomputed([head.size for head in heads.values()])
        async for finding in self._leaves(tree, computed):
            yield finding
        for finding in _roots(heads, tree, computed):
            yield finding
        async for finding in self._around(tree):
            yield finding

    async def _leaves(self, tree: Head, computed: Recomputed) -> AsyncIterator[Finding]:
        """Read the leaves up to the tree's size, or to where there are no entries any more."""
        trust = self._trust
        told = await log_pages.deletions(self._connection)
        deletions = Deletions.of(told, trust.key, trust.years, trust.now)
        for finding in deletions.findings:
            yield finding
        for first in range(0, tree.size, PAGE):
            end = min(first + PAGE, tree.size)
            entries = await self._entries(first, end)
            found = await log_pages.of_leaves(self._connection, first, first + len(entries))
            for finding in self._events(first, entries, found, deletions):
                yield finding
            async for finding in self._tiles(computed.add(entries)):
                yield finding
            if len(entries) < end - first:
                yield Finding(
                    "entries_missing",
                    f"leaf {first + len(entries)}",
                    "the log has not one entry for each leaf from here on",
                )
                return
        async for finding in self._tiles(computed.edge):
            yield finding
        surplus = await log_pages.count_tiles(self._connection) - count_tiles(tree.size) - -(-tree.size // TILE_WIDTH)
        if surplus > 0:
            yield Finding("tiles_beyond", "the tiles", f"there are {surplus} more than the tree has")

    async def _entries(self, first: int, end: int) -> list[bytes]:
        """Return the entries of a page, up to the first that is missing, or to a bundle that holds too many."""
        places = [(ENTRIES, index) for index in range(first // TILE_WIDTH, -(-end // TILE_WIDTH))]
        held = await log_store.tiles(self._connection, places)
        entries: list[bytes] = []
        for place in places:
            width, data = min(TILE_WIDTH, end - place[1] * TILE_WIDTH), held.get(place, b"")
            found = [data[at : at + ENTRY_BYTES] for at in range(0, len(data), ENTRY_BYTES)]
            if len(found) > width:
                break
            entries += [entry for entry in found if len(entry) == ENTRY_BYTES]
            if len(data) < width * ENTRY_BYTES:
                break
        return entries

    def _events(
        self, first: int, entries: Sequence[bytes], found: Sequence[Found], deletions: Deletions
    ) -> Iterator[Finding]:
        """Hold a page's events against their entries, and what is missing among them against the deletions."""
        named = deletions.within(first, first + len(entries))
        lost: list[missing.Lost] = []
        expected = first
        for one in found:
            leaf = one.leaf
            if not isinstance(leaf, int):  # SQLite keeps 0.5 where a whole number belongs
                yield Finding("leaf_refused", f"event {one.id}", "its number is none that a leaf has")
                continue
            lost += [missing.Lost(number, self._latest) for number in range(expected, leaf)]
            if leaf < expected:
                yield Finding("leaf_twice", f"leaf {leaf}", f"event {one.id} has the number of another")
                continue
            expected = leaf + 1
            if one.is_in(entries[leaf - first]):
                self._note(one.event)
            else:
                yield Finding("event_changed", f"leaf {leaf}", f"event {one.id} is not what was sealed")
        lost += [missing.Lost(number, self._latest) for number in range(expected, first + len(entries))]
        self._leaves_read += len(entries)
        self._deleted += len(lost)
        yield from missing.judge(lost, named)

    def _note(self, event: Recorded | None) -> None:
        if event is not None:
            self._latest = event.at if self._latest is None else max(self._latest, event.at)

    async def _tiles(self, computed: Mapping[Coordinates, bytes]) -> AsyncIterator[Finding]:
        stored = await log_store.tiles(self._connection, computed)
        for (level, index), data in sorted(computed.items()):
            if stored.get((level, index)) != data:
                where = f"tile {level}/{index}"
                yield Finding("tile_differs", where, "its hashes are not those of the entries")

    async def _around(self, tree: Head) -> AsyncIterator[Finding]:
        """Look at what is not under the tree, and at what is not under a checkpoint."""
        for one in await log_pages.outside(self._connection, tree.size, SHOWN):
            yield Finding("leaf_beyond", f"leaf {one.leaf}", f"event {one.id} has a number that the tree does not have")
        patience = self._trust.now - PATIENCE
        waiting = await log_pages.waiting(self._connection, patience)
        if waiting.count:
            told = f"{waiting.count} events wait for their numbers: the sealer does not run, or cannot read them"
            yield Finding("unsealed", f"event {waiting.first}", told)
        signed = self._known.newest or 0
        unsigned = await log_pages.of_leaves(self._connection, signed, signed + 1) if signed < tree.size else []
        if any(one.event is None or one.event.at < patience for one in unsigned):
            yield Finding("unsigned", f"leaf {signed}", "no checkpoint is signed over what begins here")


def _roots(heads: Mapping[str, Head], tree: Head, computed: Recomputed) -> Iterator[Finding]:
    """Hold the heads against the tree that was computed; what no entry was found for has no root."""
    for name, head in heads.items():
        if head.size > tree.size:
            told = f"the log has {tree.size} leaves, and had {head.size}: cut off, or restored from a backup"
            yield Finding("log_shorter", name, told)
        elif computed.roots.get(head.size, head.root) != head.root:
            yield Finding("root_differs", name, f"the entries have another root at {head.size} leaves: rewritten")
