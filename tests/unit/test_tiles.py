"""The tree in tiles (C2SP tlog-tiles): every root and proof is that of RFC 6962, of few tiles."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dss.audit import tiles
from dss.audit.merkle import EMPTY_ROOT, Head, LogDamaged, leaf_hash, require_consistent, require_included
from dss.audit.tiles import Coordinates, path_of, read_path
from dss.kernel.errors import Invalid, NotFound
from tests.unit.naive_tree import NaiveTree

MOST = 70_000
TREE = NaiveTree.of(MOST)
LEAVES = [leaf_hash(entry) for entry in TREE.entries]
STORED = tiles.grow({}, 0, LEAVES)
# Both sides of where a tile of each level is full, and the examples of C2SP tlog-tiles.
BOUNDARIES = (1, 2, 3, 255, 256, 257, 511, 512, 513, 65_279, 65_280, 65_535, 65_536, 65_537, 65_792, 65_793, MOST)
sizes = st.one_of(st.sampled_from(BOUNDARIES), st.integers(1, 2_000), st.integers(1, MOST))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[int, int]:
    """Give a size, and a number below it."""
    size = draw(sizes)
    below = [boundary for boundary in BOUNDARIES if boundary < size]
    return draw(st.one_of(st.integers(0, size - 1), st.sampled_from(below or [0]))), size


def only(places: tuple[Coordinates, ...]) -> dict[Coordinates, bytes]:
    return {place: STORED[place] for place in places}


def cut(size: int) -> dict[Coordinates, bytes]:
    """Return the tiles that a tree of a size has, each as wide as it is then."""
    widths = {(level, index): (size >> 8 * level) - 256 * index for level, index in STORED}
    return {place: STORED[place][: 32 * width] for place, width in widths.items() if width > 0}


# --- growing ---


def test_a_tile_holds_the_hashes_that_the_specification_says() -> None:
    """C2SP tlog-tiles, "Merkle Tree": MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l])."""
    for (level, index), data in STORED.items():
        for place in range(len(data) // 32):
            number, span = index * 256 + place, 256**level
            assert data[32 * place : 32 * place + 32] == TREE.mth(number * span, (number + 1) * span)


def test_a_tree_of_70_000_leaves_has_the_tiles_of_the_specifications_example() -> None:
    """C2SP tlog-tiles, "Partial Tiles"."""
    widths = {place: len(data) // 32 for place, data in STORED.items()}
    full = {(0, index): 256 for index in range(273)} | {(1, 0): 256}
    assert widths == full | {(0, 273): 112, (1, 1): 17, (2, 0): 1}
    assert tiles.edge(70_000) == ((0, 273), (1, 1), (2, 0))


def test_a_tree_of_256_leaves_has_a_full_tile_and_one_hash_above_it() -> None:
    """C2SP tlog-tiles, "Partial Tiles"."""
    assert {place: len(data) // 32 for place, data in cut(256).items()} == {(0, 0): 256, (1, 0): 1}
    assert tiles.edge(256) == ((1, 0),)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.integers(0, 300), st.sampled_from([255, 256, 257, 30_000, 65_536])), max_size=6))
def test_a_tree_grows_in_rounds_to_what_it_would_be_at_once(rounds: list[int]) -> None:
    stored: dict[Coordinates, bytes] = {}
    size = 0
    for count in rounds:
        grown = min(size + count, MOST)
        held = {place: stored[place] for place in tiles.edge(size)}
        stored |= tiles.grow(held, size, LEAVES[size:grown])
        size = grown
    assert stored == cut(size)


@given(sizes)
def test_only_tiles_that_are_new_or_wider_are_written(size: int) -> None:
    before = min(size, MOST - 1)
    changed = tiles.grow(cut(before), before, [LEAVES[before]])
    after = cut(before + 1)
    assert changed == {place: data for place, data in after.items() if data != cut(before).get(place)}


def test_nothing_is_written_where_nothing_is_added() -> None:
    assert tiles.grow({}, 0, []) == {}
    assert tiles.grow(cut(300), 300, []) == {}


def test_a_tree_that_was_cut_off_grows_over_the_wider_tiles_of_before() -> None:
    grown = tiles.grow(STORED, 300, [leaf_hash(b"another")])
    assert grown == {(0, 1): STORED[0, 1][: 32 * 44] + leaf_hash(b"another")}


# --- roots and proofs ---


def test_the_empty_tree_needs_no_tiles() -> None:
    assert tiles.edge(0) == ()
    assert tiles.root({}, 0) == EMPTY_ROOT


@pytest.mark.parametrize("size", BOUNDARIES)
def test_the_root_on_both_sides_of_a_full_tile_is_that_of_the_tree(size: int) -> None:
    assert tiles.root(only(tiles.edge(size)), size) == TREE.mth(0, size)


@given(sizes)
def test_a_root_needs_only_the_tiles_that_are_named(size: int) -> None:
    """They are those of the newest tree, wider than a smaller tree needs them."""
    assert tiles.root(only(tiles.edge(size)), size) == TREE.mth(0, size)


@given(pairs())
def test_an_inclusion_proof_needs_only_the_tiles_that_are_named(pair: tuple[int, int]) -> None:
    """RFC 6962 section 2.1.1."""
    leaf, size = pair
    path = tiles.inclusion(only(tiles.tiles_for_inclusion(leaf, size)), leaf, size)
    assert list(path) == TREE.path(leaf, 0, size)
    require_included(leaf, TREE.entries[leaf], path, Head(size, TREE.mth(0, size)))


@given(pairs())
def test_a_consistency_proof_needs_only_the_tiles_that_are_named(pair: tuple[int, int]) -> None:
    """RFC 6962 section 2.1.2."""
    first, second = pair
    path = tiles.consistency(only(tiles.tiles_for_consistency(first, second)), first, second)
    assert list(path) == (TREE.proof(first, second) if first else [])
    require_consistent(Head(first, TREE.mth(0, first)), Head(second, TREE.mth(0, second)), path)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 31, 33])
def test_every_proof_of_a_small_tree_is_that_of_the_definition(size: int) -> None:
    stored = cut(size)
    for number in range(size):
        assert list(tiles.inclusion(stored, number, size)) == TREE.path(number, 0, size)
        assert list(tiles.consistency(stored, number + 1, size)) == TREE.proof(number + 1, size)


@given(pairs())
def test_a_proof_needs_few_tiles_however_large_the_tree_is(pair: tuple[int, int]) -> None:
    """On each level the one above the leaf and the last, and for two sizes the last of each."""
    number, size = pair
    levels = len(range(0, size.bit_length(), 8))
    assert len(tiles.edge(size)) <= levels
    assert len(tiles.tiles_for_inclusion(number, size)) <= 2 * levels
    assert len(tiles.tiles_for_consistency(number, size)) <= 2 * levels


@pytest.mark.parametrize("size", [1, 300, MOST])
def test_trees_of_equal_size_and_the_empty_tree_need_no_path(size: int) -> None:
    for first in (0, size):
        assert tiles.tiles_for_consistency(first, size) == ()
        assert tiles.consistency({}, first, size) == ()


# --- what is refused ---


@given(pairs())
def test_a_missing_or_too_narrow_tile_is_damage(pair: tuple[int, int]) -> None:
    number, size = pair
    held = cut(size)
    for place in tiles.edge(size):
        for damaged in ({**held, place: held[place][:-1]}, {key: held[key] for key in held if key != place}):
            with pytest.raises(LogDamaged, match=f"tile {place[1]} of level {place[0]}"):
                tiles.root(damaged, size)
    for place in tiles.tiles_for_inclusion(number, size):
        with pytest.raises(LogDamaged):
            tiles.inclusion({**held, place: b""}, number, size)
    for place in tiles.tiles_for_consistency(number, size):
        with pytest.raises(LogDamaged):
            tiles.consistency({**held, place: b""}, number, size)


@pytest.mark.parametrize("place", [(0, 255), (1, 0)])
def test_a_tree_does_not_grow_on_a_missing_or_too_narrow_tile(place: Coordinates) -> None:
    held = {edge: cut(65_535)[edge] for edge in tiles.edge(65_535)}
    for data in (b"", held[place][:-1]):
        with pytest.raises(LogDamaged):
            tiles.grow({**held, place: data}, 65_535, [bytes(32)])


@pytest.mark.parametrize(("leaf", "size"), [(0, 0), (-1, 5), (5, 5), (6, 5)])
def test_there_is_no_inclusion_proof_of_a_leaf_that_is_not_in_the_tree(leaf: int, size: int) -> None:
    with pytest.raises(Invalid):
        tiles.tiles_for_inclusion(leaf, size)
    with pytest.raises(Invalid):
        tiles.inclusion(STORED, leaf, size)


@pytest.mark.parametrize(("first", "second"), [(-1, 5), (6, 5), (1, 0), (0, -1)])
def test_there_is_no_consistency_proof_to_a_smaller_tree(first: int, second: int) -> None:
    with pytest.raises(Invalid):
        tiles.tiles_for_consistency(first, second)
    with pytest.raises(Invalid):
        tiles.consistency(STORED, first, second)


# --- paths ---

PATHS = {
    "000": (0, 256),
    "255": (255, 256),
    "999": (999, 256),
    "x001/000": (1_000, 256),
    "x001/x234/067": (1_234_067, 256),
    "x001/x234/067.p/8": (1_234_067, 8),
    "000.p/1": (0, 1),
    "273.p/112": (273, 112),
    "x999/x999/x999/x999/x999/999.p/255": (10**18 - 1, 255),
}


@pytest.mark.parametrize(("text", "place"), PATHS.items())
def test_a_path_is_written_and_read_as_the_specification_says(text: str, place: tuple[int, int]) -> None:
    """C2SP tlog-tiles, "Merkle Tree"."""
    assert path_of(*place) == text
    assert read_path(text) == place


@given(st.integers(0, 10**18 - 1), st.integers(1, 256))
def test_every_path_is_read_as_it_was_written(index: int, width: int) -> None:
    assert read_path(path_of(index, width)) == (index, width)


@given(st.text(alphabet="x/.p0128", max_size=14))
def test_whatever_path_is_read_would_have_been_written_so(text: str) -> None:
    try:
        place = read_path(text)
    except NotFound:
        return
    assert path_of(*place) == text


NO_PATHS = """
 0 00 0000 67 x067 001/234 x001/x234 x000/067 x000/x001/067 x1/067 X001/067
 /000 000/ x001//067 -01 +01 0_1 ../000 x001/../067 x001.p/1/067 x001/x000/x000/x000/x000/x000/000
 000.p 000.p/ 000.p/0 000.p/08 000.p/256 000.p/257 000.p/1000 000.p/-1 000.p/1/ 000.p/1.p/1 000p/1 000_p/1
"""


@pytest.mark.parametrize(
    "text", [*NO_PATHS.split(), "", " 000", "000 ", "000\n", "000.p/1\n", "\N{ARABIC-INDIC DIGIT ONE}" * 3]
)
def test_no_other_form_of_a_path_is_read(text: str) -> None:
    with pytest.raises(NotFound):
        read_path(text)
