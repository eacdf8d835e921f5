"""The referee's proofs about trees, against vectors that every log of RFC 6962 knows."""

import pytest

from tests.referee import merkle, trees
from tests.referee.refusing import Refused

ENTRIES = [
    bytes.fromhex(entry)
    for entry in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRIES]
ROOTS = (
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
FIRST_OF_EIGHT = (
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
)
SIX_IN_EIGHT = (
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
)
LARGEST = 13
MANY = [merkle.leaf_hash(bytes([number])) for number in range(LARGEST)]


def unhex(*hashes: str) -> list[bytes]:
    return [bytes.fromhex(one) for one in hashes]


def test_roots_are_those_that_every_log_knows():
    assert [merkle.root_of(LEAVES[:size]).hex() for size in range(9)] == list(ROOTS)


def test_known_proofs_hold():
    root = bytes.fromhex(ROOTS[8])

    assert merkle.root_by_inclusion(0, LEAVES[0], 8, unhex(*FIRST_OF_EIGHT)) == root
    merkle.require_consistent((1, LEAVES[0]), (8, root), unhex(*FIRST_OF_EIGHT))
    merkle.require_consistent((6, bytes.fromhex(ROOTS[6])), (8, root), unhex(*SIX_IN_EIGHT))


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_leaf_of_a_tree_is_proven_at_its_place_and_at_no_other(size: int):
    root = merkle.root_of(MANY[:size])
    for leaf in range(size):
        path = trees.inclusion(leaf, MANY[:size])
        led = {place: includes(place, MANY[leaf], size, path, root) for place in range(size + 1)}
        assert led == {place: place == leaf for place in range(size + 1)}


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_beginning_of_a_tree_is_proven_and_no_other(size: int):
    root = merkle.root_of(MANY[:size])
    for first in range(1, size + 1):
        path = trees.consistency(first, MANY[:size])
        held = {one: agrees((one, merkle.root_of(MANY[:one])), (size, root), path) for one in range(1, size + 1)}
        assert held[first]
        assert not any(held[one] for one in held if one != first)


@pytest.mark.parametrize("change", [lambda path: path[:-1], lambda path: [*path, bytes(32)], lambda path: path[::-1]])
def test_a_path_of_another_length_or_order_proves_nothing(change):
    root = merkle.root_of(MANY)
    path = change(trees.inclusion(3, MANY))
    proof = change(trees.consistency(3, MANY))

    assert not includes(3, MANY[3], LARGEST, path, root)
    assert not agrees((3, merkle.root_of(MANY[:3])), (LARGEST, root), proof)


def test_every_hash_of_a_proof_counts():
    root, old = merkle.root_of(MANY), merkle.root_of(MANY[:6])
    path, proof = trees.inclusion(5, MANY), trees.consistency(6, MANY)

    assert not any(includes(5, MANY[5], LARGEST, without(path, at), root) for at in range(len(path)))
    assert not any(agrees((6, old), (LARGEST, root), without(proof, at)) for at in range(len(proof)))


def test_the_empty_tree_is_the_beginning_of_every_tree_and_needs_no_proof():
    root = merkle.root_of(MANY)

    assert agrees((0, bytes.fromhex(ROOTS[0])), (LARGEST, root), [])
    assert not agrees((0, bytes(32)), (LARGEST, root), [])
    assert not agrees((0, bytes.fromhex(ROOTS[0])), (LARGEST, root), [bytes(32)])


def test_a_tree_that_is_too_great_to_be_one_is_refused_and_no_more():
    assert not includes(0, MANY[0], 2**5000, [bytes(32)] * 5000, bytes(32))


def without(path: list[bytes], at: int) -> list[bytes]:
    return [*path[:at], bytes(32), *path[at + 1 :]]


def includes(leaf: int, hashed: bytes, size: int, path: list[bytes], root: bytes) -> bool:
    try:
        return merkle.root_by_inclusion(leaf, hashed, size, path) == root
    except Refused:
        return False


def agrees(first: tuple[int, bytes], second: tuple[int, bytes], path: list[bytes]) -> bool:
    try:
        merkle.require_consistent(first, second, path)
    except Refused:
        return False
    return True
