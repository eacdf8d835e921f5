"""Proofs about Merkle trees, by the recursive definitions of RFC 6962 sections 2.1, 2.1.1 and 2.1.2."""

from hashlib import sha256

from tests.referee.refusing import Refused, require

Path = list[bytes]
LONGEST = 64  # no tree of this world is deeper


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into one."""
    return sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """Give the size of the left subtree: the largest power of two below a size of two or more."""
    return 1 << ((size - 1).bit_length() - 1)


def root_of(leaves: list[bytes]) -> bytes:
    """Compute the root over leaf hashes (section 2.1)."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = split(len(leaves))
    return node_hash(root_of(leaves[:half]), root_of(leaves[half:]))


def root_by_inclusion(leaf: int, hashed: bytes, size: int, path: Path) -> bytes:
    """Follow an inclusion proof from a leaf hash up. Refuses a path that is too short or too long."""
    require(0 <= leaf < size, "the leaf lies outside of the tree")
    require(len(path) <= LONGEST, "the inclusion proof is too long")
    if size == 1:
        require(not path, "the inclusion proof is too long")
        return hashed
    require(path, "the inclusion proof is too short")
    half = split(size)
    if leaf < half:
        return node_hash(root_by_inclusion(leaf, hashed, half, path[:-1]), path[-1])
    return node_hash(path[-1], root_by_inclusion(leaf - half, hashed, size - half, path[:-1]))


def require_consistent(first: tuple[int, bytes], second: tuple[int, bytes], path: Path) -> None:
    """Check that a tree, as size and root, is the beginning of another that is not smaller."""
    (small, old), (large, new) = first, second
    require(small <= large and len(path) <= LONGEST, "the consistency proof is for other trees")
    if small == 0:
        require(not path and old == root_of([]), "the empty tree has one root and needs no proof")
        return
    require(_roots(small, large, path, old) == (old, new), "the two trees are not one tree's beginning and its end")


def _roots(small: int, large: int, path: Path, whole: bytes | None) -> tuple[bytes, bytes]:
    """Give the roots of the smaller tree and of the larger; whole: the root given, while it still is a subtree's."""
    if small == large:
        if whole is None:
            require(len(path) == 1, "the consistency proof has another length")
            return path[0], path[0]
        require(not path, "the consistency proof is too long")
        return whole, whole
    if not path:
        raise Refused("the consistency proof is too short")
    half = split(large)
    if small <= half:
        old, new = _roots(small, half, path[:-1], whole)
        return old, node_hash(new, path[-1])
    old, new = _roots(small - half, large - half, path[:-1], None)
    return node_hash(path[-1], old), node_hash(path[-1], new)
