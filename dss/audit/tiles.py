"""The tree as it is stored: tiles of up to 256 hashes, of which every root and every proof is made.

The tile (level, index) holds the hashes of full subtrees of 256 ** level leaves, from number 256 * index on. What a
root or a proof needs are hashes of spans of leaves; a span is a few full subtrees, each of them within one tile.
Source: RFC 6962 section 2.1, C2SP tlog-tiles.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce

from dss.audit.merkle import EMPTY_ROOT, HASH_BYTES, LogDamaged, node_hash, root_of
from dss.kernel.errors import Invalid, NotFound

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_BYTES
# Six groups of three digits: more leaves than any log has, and an index that a database's integer holds.
PATH = re.compile(r"((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")

Coordinates = tuple[int, int]  # level, index
Tiles = Mapping[Coordinates, bytes]
Span = tuple[int, int]  # the first leaf, and the one behind the last
Subtree = tuple[int, int]  # its height, and its number among the full subtrees of this height


def path_of(index: int, width: int) -> str:
    """Write which tile of a level: `x001/x234/067`, and `.p/<width>` behind it for a width below 256."""
    *above, last = (group.zfill(3) for group in f"{index:,}".split(","))
    return "".join(f"x{group}/" for group in above) + last + (f".p/{width}" if width < TILE_WIDTH else "")


def read_path(text: str) -> tuple[int, int]:
    """Read the index and the width that `path_of` wrote. Raises NotFound on any other text."""
    if found := PATH.fullmatch(text):
        index, width = int(re.sub("[x/]", "", found[1])), int(found[2] or TILE_WIDTH)
        if path_of(index, width) == text:
            return index, width
    raise NotFound("tiles are named as C2SP tlog-tiles says: x001/x234/067, x001/x234/067.p/8")


def edge(size: int) -> tuple[Coordinates, ...]:
    """Return the partial tiles of a tree: those it needs to grow, and all that its root is made of."""
    levels = range(-(-size.bit_length() // TILE_HEIGHT))
    counts = [(level, size >> level * TILE_HEIGHT) for level in levels]
    return tuple((level, count // TILE_WIDTH) for level, count in counts if count % TILE_WIDTH)


def grow(tiles: Tiles, size: int, leaf_hashes: Sequence[bytes]) -> dict[Coordinates, bytes]:
    """Return the tiles that are new or changed when leaves are added.

    tiles: those of `edge(size)`. size: the leaves before. Raises LogDamaged.
    """
    grown: dict[Coordinates, bytes] = {}
    level, hashes = 0, leaf_hashes
    while hashes:
        index, width = divmod(size >> level * TILE_HEIGHT, TILE_WIDTH)
        data = _cut(tiles, (level, index), width) + b"".join(hashes)
        row = [data[start : start + TILE_BYTES] for start in range(0, len(data), TILE_BYTES)]
        grown |= {(level, number): tile for number, tile in enumerate(row, index)}
        level, hashes = level + 1, [_root(tile) for tile in row if len(tile) == TILE_BYTES]
    return grown


def root(tiles: Tiles, size: int) -> bytes:
    """Return the root of a tree, 32 bytes. Raises LogDamaged."""
    return _hash(tiles, (0, size)) if size else EMPTY_ROOT


def tiles_for_inclusion(leaf: int, size: int) -> tuple[Coordinates, ...]:
    """Return the tiles that `inclusion` needs. Raises Invalid for a leaf that is not in the tree."""
    return _tiles_of(_beside(leaf, size))


def inclusion(tiles: Tiles, leaf: int, size: int) -> tuple[bytes, ...]:
    """Return the path from a leaf to the root, the lowest hash first.

    Raises Invalid for a leaf that is not in the tree, LogDamaged. Source: RFC 6962 section 2.1.1.
    """
    return tuple(_hash(tiles, span) for span in _beside(leaf, size))


def tiles_for_consistency(first: int, second: int) -> tuple[Coordinates, ...]:
    """Return the tiles that `consistency` needs. Raises Invalid for a first size above the second."""
    return _tiles_of(_between(first, second))


def consistency(tiles: Tiles, first: int, second: int) -> tuple[bytes, ...]:
    """Return the path from the tree of one size to that of another; empty where they are equal or the first is 0.

    Raises Invalid for a first size above the second, LogDamaged. Source: RFC 6962 section 2.1.2.
    """
    return tuple(_hash(tiles, span) for span in _between(first, second))


def _beside(leaf: int, size: int) -> list[Span]:
    """Return the spans beside the way from a leaf to the root, the smallest first."""
    if not 0 <= leaf < size:
        raise Invalid(f"a tree of {size} leaves has no leaf {leaf}")
    begin, end = 0, size
    spans = []
    while end - begin > 1:
        middle = _middle(begin, end)
        if leaf < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    return spans[::-1]


def _between(first: int, second: int) -> list[Span]:
    """Return the spans that both trees are made of, the smallest first, but for a first tree that is one of them."""
    if not 0 <= first <= second:
        raise Invalid(f"a tree of {first} leaves does not grow to one of {second}")
    if first == 0:
        return []
    begin, end = 0, second
    spans = []
    while end != first:
        middle = _middle(begin, end)
        if first <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    return ([*spans, (begin, end)] if begin else spans)[::-1]


def _middle(begin: int, end: int) -> int:
    """Return where a span of more than one leaf parts: behind the largest power of two that is not all of it."""
    return begin + (1 << (end - begin - 1).bit_length() - 1)


def _subtrees(span: Span) -> Iterator[Subtree]:
    """Give the full subtrees of a span, the leftmost and largest first."""
    begin, end = span
    while begin < end:
        height = (end - begin).bit_length() - 1
        yield height, begin >> height
        begin += 1 << height


def _place(subtree: Subtree) -> tuple[Coordinates, int, int]:
    """Return the tile that a full subtree is in, its first hash there and how many it has."""
    level, height = divmod(subtree[0], TILE_HEIGHT)
    index, start = divmod(subtree[1] << height, TILE_WIDTH)
    return (level, index), start, 1 << height


def _tiles_of(spans: Iterable[Span]) -> tuple[Coordinates, ...]:
    return tuple(sorted({_place(subtree)[0] for span in spans for subtree in _subtrees(span)}))


def _hash(tiles: Tiles, span: Span) -> bytes:
    """Return the hash of a span: its subtrees, joined from the right."""
    hashes = [_subtree_hash(tiles, subtree) for subtree in _subtrees(span)]
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes))


def _subtree_hash(tiles: Tiles, subtree: Subtree) -> bytes:
    place, start, count = _place(subtree)
    return _root(_cut(tiles, place, start + count)[start * HASH_BYTES :])


def _root(data: bytes) -> bytes:
    """Return the root over concatenated hashes."""
    return root_of([data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES)])


def _cut(tiles: Tiles, place: Coordinates, width: int) -> bytes:
    """Return a tile as narrow as it is needed: one of a later tree is wider."""
    data = tiles.get(place, b"")[: width * HASH_BYTES]
    if len(data) != width * HASH_BYTES:
        raise LogDamaged(f"tile {place[1]} of level {place[0]} does not hold {width} hashes")
    return data
