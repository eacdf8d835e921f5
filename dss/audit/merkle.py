"""The Merkle tree of the log: its hashes, and what a proof must be to be believed.

Source: RFC 6962 section 2.1 (the tree), RFC 9162 sections 2.1.3.2 and 2.1.4.2 (verification).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from dss.kernel.errors import BadRequest, Tampered

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()


class ProofRefused(BadRequest):
    """A proof that does not show what it should."""

    code, title = "proof_refused", "The proof does not hold"


class LogDamaged(Tampered):
    """What is stored of the log is not what was signed, or lacks what must be there."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a tree is, in short.

    size: its leaves. root: 32 bytes; EMPTY_ROOT for the tree without leaves.
    """

    size: int
    root: bytes


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: 32 bytes."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over two hashes: 32 bytes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root of a tree: 32 bytes."""
    if not leaf_hashes:
        return EMPTY_ROOT
    hashes = list(leaf_hashes)
    while len(hashes) > 1:
        hashes = _above(hashes)
    return hashes[0]


def inclusion(leaf: int, leaf_hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the path from a leaf that is in the tree to its root, the lowest hash first.

    leaf: its number, from 0. Source: RFC 6962 section 2.1.1.
    """
    hashes, node, path = list(leaf_hashes), leaf, []
    while len(hashes) > 1:
        if node ^ 1 < len(hashes):
            path.append(hashes[node ^ 1])
        hashes, node = _above(hashes), node >> 1
    return tuple(path)


def require_included(leaf: int, entry: bytes, path: Sequence[bytes], head: Head) -> None:
    """Accept that an entry is a leaf of a tree.

    leaf: its number, from 0. path: the hashes beside the way to the root, the lowest first.
    Raises ProofRefused, also for a path that is longer or shorter than the way. Source: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= leaf < head.size:
        raise ProofRefused(f"a tree of {head.size} leaves has no leaf {leaf}")
    _, root = _roots(leaf, head.size - 1, leaf_hash(entry), path)
    if root != head.root:
        raise ProofRefused("the path does not lead from the entry to the root")


def require_consistent(first: Head, second: Head, path: Sequence[bytes]) -> None:
    """Accept that a tree has all leaves of a smaller one in their places, and only more behind them.

    path: empty where the sizes are equal or the first is 0.
    Raises ProofRefused, also for a path of another length. Source: RFC 9162 section 2.1.4.2.
    """
    if not 0 <= first.size <= second.size:
        raise ProofRefused(f"a tree of {first.size} leaves does not grow to one of {second.size}")
    if first.size in {0, second.size}:
        expected = second.root if first.size == second.size else EMPTY_ROOT
        holds = not path and first.root == expected
    else:
        holds = _grown(first, second.size, path) == (first.root, second.root)
    if not holds:
        raise ProofRefused("the path does not lead from the first root to the second")


def _above(hashes: list[bytes]) -> list[bytes]:
    """Return the hashes of the next higher level."""
    # The last of an odd number has no sibling: it stands one level higher as it is.
    unpaired = hashes[-1:] if len(hashes) % 2 else []
    return [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=False)] + unpaired


def _grown(first: Head, size: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return both roots that a consistency path leads to."""
    height = (first.size & -first.size).bit_length() - 1  # of the full tree at the first tree's right end
    last = (first.size - 1) >> height
    if last == 0:
        path = (first.root, *path)  # it is all of the first tree, and so not in the path
    if not path:
        raise ProofRefused("the path is too short")
    return _roots(last, (size - 1) >> height, path[0], path[1:])


def _roots(node: int, last: int, value: bytes, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Climb from a node to the roots of the tree that ends with it and of the whole tree.

    node, last: its number and the last node's, on its level. value: its hash.
    """
    if any(len(one) != HASH_BYTES for one in (value, *path)):
        raise ProofRefused(f"a hash of a path has {HASH_BYTES} bytes")
    ending = whole = value
    for beside in path:
        if last == 0:
            raise ProofRefused("the path is too long")
        if node % 2 or node == last:
            ending, whole = node_hash(beside, ending), node_hash(beside, whole)
            while node and node % 2 == 0:  # the last of an odd number: it stands higher as it is
                node, last = node >> 1, last >> 1
        else:
            whole = node_hash(whole, beside)
        node, last = node >> 1, last >> 1
    if last:
        raise ProofRefused("the path is too short")
    return ending, whole
