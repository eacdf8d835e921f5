"""The Merkle tree of the log (RFC 6962 section 2.1) and its proofs (RFC 9162 sections 2.1.3 and 2.1.4)."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.audit.merkle import (
    EMPTY_ROOT,
    Head,
    LogDamaged,
    ProofRefused,
    leaf_hash,
    node_hash,
    require_consistent,
    require_included,
    root_of,
)
from dss.kernel.errors import BadRequest, Tampered
from tests.unit.naive_tree import NaiveTree

# The inputs, roots and proofs that Certificate Transparency's implementations are tested with.
ENTRIES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
HASHES = {
    "leaf 0": "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "leaf 1": "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "leaf 4": "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "0 to 1": "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "2 to 3": "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "4 to 5": "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "6 to 7": "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "0 to 3": "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4 to 7": "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
}
INCLUSIONS = [
    (0, 1, []),
    (0, 8, ["leaf 1", "2 to 3", "4 to 7"]),
    (5, 8, ["leaf 4", "6 to 7", "0 to 3"]),
    (2, 3, ["0 to 1"]),
    (1, 5, ["leaf 0", "2 to 3", "leaf 4"]),
]
CONSISTENCIES = [
    (0, 5, []),
    (1, 1, []),
    (1, 8, ["leaf 1", "2 to 3", "4 to 7"]),
    (6, 8, ["4 to 5", "6 to 7", "0 to 3"]),
    (2, 5, ["2 to 3", "leaf 4"]),
]
TREE = NaiveTree.of(2_000)
EXHAUSTED = 36  # every proof up to here: both sides of 1, 2, 4, 8, 16 and 32


def head(size: int) -> Head:
    return Head(size, TREE.mth(0, size))


def hashes(names: list[str]) -> list[bytes]:
    return [bytes.fromhex(HASHES[name]) for name in names]


def flipped(value: bytes, bit: int) -> bytes:
    return (int.from_bytes(value) ^ 1 << bit % (8 * len(value))).to_bytes(len(value))


# --- the tree ---


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots_are_computed(size: int) -> None:
    """RFC 6962 section 2.1."""
    assert root_of([leaf_hash(entry) for entry in ENTRIES[:size]]) == ROOTS[size]


def test_a_leaf_that_looks_like_a_node_has_another_hash() -> None:
    """RFC 6962 section 2.1: the prefixes give second preimage resistance."""
    left, right = leaf_hash(b"left"), leaf_hash(b"right")
    assert leaf_hash(left + right) != node_hash(left, right)


@given(st.integers(0, 2_000))
def test_a_root_is_what_the_definition_says(size: int) -> None:
    assert root_of([leaf_hash(entry) for entry in TREE.entries[:size]]) == TREE.mth(0, size)


# --- inclusion ---


@pytest.mark.parametrize(("leaf", "size", "path"), INCLUSIONS)
def test_the_published_inclusion_proofs_are_accepted(leaf: int, size: int, path: list[str]) -> None:
    require_included(leaf, ENTRIES[leaf], hashes(path), Head(size, ROOTS[size]))


@pytest.mark.parametrize("size", range(1, EXHAUSTED))
def test_every_inclusion_proof_of_a_small_tree_is_accepted(size: int) -> None:
    """RFC 9162 section 2.1.3.2."""
    for leaf in range(size):
        require_included(leaf, TREE.entries[leaf], TREE.path(leaf, 0, size), head(size))


@pytest.mark.parametrize("size", range(1, EXHAUSTED))
def test_an_inclusion_proof_is_of_one_leaf_only(size: int) -> None:
    for leaf in range(size):
        path = TREE.path(leaf, 0, size)
        for other in {*range(-1, size + 1)} - {leaf}:
            with pytest.raises(ProofRefused):
                require_included(other, TREE.entries[leaf], path, head(size))


@pytest.mark.parametrize("size", range(1, EXHAUSTED))
def test_an_inclusion_proof_is_of_one_tree_only(size: int) -> None:
    for leaf in range(size):
        path = TREE.path(leaf, 0, size)
        for other in {*range(EXHAUSTED)} - {size}:
            with pytest.raises(ProofRefused):
                require_included(leaf, TREE.entries[leaf], path, head(other))


@st.composite
def inclusions(draw: st.DrawFn) -> tuple[int, Head, list[bytes]]:
    size = draw(st.integers(2, len(TREE.entries)))
    leaf = draw(st.integers(0, size - 1))
    return leaf, head(size), TREE.path(leaf, 0, size)


@given(inclusions(), st.integers(0), st.integers(0))
def test_an_inclusion_proof_is_accepted_but_not_with_any_bit_changed(
    proof: tuple[int, Head, list[bytes]], at: int, bit: int
) -> None:
    leaf, of, path = proof
    entry, place = TREE.entries[leaf], at % len(path)
    require_included(leaf, entry, path, of)
    for changed in (
        (leaf, entry, [*path[:place], flipped(path[place], bit), *path[place + 1 :]], of),
        (leaf, flipped(entry, bit), path, of),
        (leaf, entry, path, replace(of, root=flipped(of.root, bit))),
    ):
        with pytest.raises(ProofRefused):
            require_included(*changed)


@given(inclusions(), st.integers(0), st.binary(min_size=32, max_size=32))
def test_an_inclusion_path_of_another_length_is_refused(
    proof: tuple[int, Head, list[bytes]], at: int, more: bytes
) -> None:
    """RFC 9162 section 2.1.3.2, steps 4a and 5."""
    leaf, of, path = proof
    place = at % len(path)
    shorter, longer = [*path[:place], *path[place + 1 :]], [*path[:place], more, *path[place:]]
    for changed in (shorter, longer, [*path, more], path[:-1], []):
        with pytest.raises(ProofRefused):
            require_included(leaf, TREE.entries[leaf], changed, of)


@given(inclusions(), st.integers(0), st.sampled_from([0, 31, 33, 64]))
def test_a_hash_of_another_length_is_refused(proof: tuple[int, Head, list[bytes]], at: int, length: int) -> None:
    leaf, of, path = proof
    path[at % len(path)] = bytes(length)
    with pytest.raises(ProofRefused, match="32 bytes"):
        require_included(leaf, TREE.entries[leaf], path, of)


def test_a_node_is_not_taken_for_an_entry() -> None:
    """A path that begins a level higher, with the node's two children as the entry."""
    path, children = TREE.path(0, 0, 8), leaf_hash(TREE.entries[0]) + leaf_hash(TREE.entries[1])
    for size in (4, 8):
        with pytest.raises(ProofRefused):
            require_included(0, children, path[1:], Head(size, head(8).root))


def test_a_path_that_is_longer_than_the_tree_is_high_is_refused_though_it_leads_to_the_root() -> None:
    """RFC 9162 section 2.1.3.2, step 4a: the last leaf's siblings are all on its left, as are those of leaf 0 of 1."""
    with pytest.raises(ProofRefused):
        require_included(0, TREE.entries[7], TREE.path(7, 0, 8), Head(1, head(8).root))


def test_the_empty_tree_includes_nothing() -> None:
    with pytest.raises(ProofRefused):
        require_included(0, b"", [], Head(0, EMPTY_ROOT))


# --- consistency ---


@pytest.mark.parametrize(("first", "second", "path"), CONSISTENCIES)
def test_the_published_consistency_proofs_are_accepted(first: int, second: int, path: list[str]) -> None:
    require_consistent(Head(first, ROOTS[first]), Head(second, ROOTS[second]), hashes(path))


@pytest.mark.parametrize("second", range(1, EXHAUSTED))
def test_every_consistency_proof_of_a_small_tree_is_accepted(second: int) -> None:
    """RFC 9162 section 2.1.4.2."""
    for first in range(1, second + 1):
        require_consistent(head(first), head(second), TREE.proof(first, second))


@pytest.mark.parametrize("second", range(1, EXHAUSTED))
def test_a_consistency_proof_is_of_two_trees_only(second: int) -> None:
    for first, other in product(range(1, second), range(EXHAUSTED)):
        path = TREE.proof(first, second)
        for heads in {(head(other), head(second)), (head(first), head(other))} - {(head(first), head(second))}:
            with pytest.raises(ProofRefused):
                require_consistent(*heads, path)


@st.composite
def consistencies(draw: st.DrawFn) -> tuple[Head, Head, list[bytes]]:
    second = draw(st.integers(2, len(TREE.entries)))
    first = draw(st.integers(1, second - 1))
    return head(first), head(second), TREE.proof(first, second)


@given(consistencies(), st.integers(0), st.integers(0))
def test_a_consistency_proof_is_accepted_but_not_with_any_bit_changed(
    proof: tuple[Head, Head, list[bytes]], at: int, bit: int
) -> None:
    first, second, path = proof
    place = at % len(path)
    require_consistent(*proof)
    for changed in (
        (first, second, [*path[:place], flipped(path[place], bit), *path[place + 1 :]]),
        (replace(first, root=flipped(first.root, bit)), second, path),
        (first, replace(second, root=flipped(second.root, bit)), path),
    ):
        with pytest.raises(ProofRefused):
            require_consistent(*changed)


@given(consistencies(), st.integers(0), st.binary(min_size=32, max_size=32))
def test_a_consistency_path_of_another_length_is_refused(
    proof: tuple[Head, Head, list[bytes]], at: int, more: bytes
) -> None:
    """RFC 9162 section 2.1.4.2, steps 1, 6a and 7."""
    first, second, path = proof
    place = at % len(path)
    shorter, longer = [*path[:place], *path[place + 1 :]], [*path[:place], more, *path[place:]]
    for changed in (
        shorter,
        longer,
        [*path, more],
        path[:-1],
        [],
        [*path[:place], path[place][:31], *path[place + 1 :]],
    ):
        with pytest.raises(ProofRefused):
            require_consistent(first, second, changed)


@given(consistencies())
def test_a_tree_is_not_consistent_with_a_smaller_one(proof: tuple[Head, Head, list[bytes]]) -> None:
    first, second, path = proof
    with pytest.raises(ProofRefused):
        require_consistent(second, first, path)


@pytest.mark.parametrize("size", [-1, 3])
def test_a_size_that_no_earlier_tree_can_have_is_refused_though_the_hashes_fit(size: int) -> None:
    leaves = [leaf_hash(entry) for entry in TREE.entries[:2]]
    with pytest.raises(ProofRefused):
        require_consistent(Head(size, leaves[0]), head(2), leaves)


@pytest.mark.parametrize("size", [0, 1, 2, 7, 8])
def test_trees_of_equal_size_are_consistent_by_an_empty_path_and_equal_roots(size: int) -> None:
    require_consistent(head(size), head(size), [])
    for second, path in ((head(size), [bytes(32)]), (Head(size, bytes(32)), [])):
        with pytest.raises(ProofRefused):
            require_consistent(head(size), second, path)


@pytest.mark.parametrize("size", [1, 2, 7, 8])
def test_every_tree_grew_from_the_empty_one_by_an_empty_path(size: int) -> None:
    require_consistent(Head(0, EMPTY_ROOT), head(size), [])
    for first, path in ((Head(0, EMPTY_ROOT), [head(size).root]), (Head(0, bytes(32)), [])):
        with pytest.raises(ProofRefused):
            require_consistent(first, head(size), path)


def test_a_refused_proof_is_the_callers_fault_and_a_damaged_log_is_not() -> None:
    assert issubclass(ProofRefused, BadRequest)
    assert (ProofRefused.code, ProofRefused.status) == ("proof_refused", 400)
    assert issubclass(LogDamaged, Tampered)
