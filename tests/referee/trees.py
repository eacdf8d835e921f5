"""Makes the proofs that tests.referee.merkle checks (RFC 6962 sections 2.1.1 and 2.1.2)."""

from typing import Any

from tests.referee import canonical, shapes
from tests.referee.merkle import leaf_hash, root_of, split


def inclusion(leaf: int, leaves: list[bytes]) -> list[bytes]:
    """Prove that a leaf hash stands in a tree at this place."""
    if len(leaves) == 1:
        return []
    half = split(len(leaves))
    left, right = leaves[:half], leaves[half:]
    if leaf < half:
        return [*inclusion(leaf, left), root_of(right)]
    return [*inclusion(leaf - half, right), root_of(left)]


def consistency(first: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """Prove that the first leaves' tree is the beginning of all leaves'."""
    if first == len(leaves):
        return [] if whole else [root_of(leaves)]
    half = split(len(leaves))
    left, right = leaves[:half], leaves[half:]
    if first <= half:
        return [*consistency(first, left, whole=whole), root_of(right)]
    return [*consistency(first - half, right, whole=False), root_of(left)]


def around(value: Any, number: int, count: int) -> tuple[str, list[str]]:
    """Make a tree with a value as one of its leaves, the others being anything; give its root and the leaf's path."""
    leaves = [leaf_hash(index.to_bytes(32)) for index in range(count)]
    leaves[number] = leaf_hash(canonical.encode(value))
    return shapes.text_of(root_of(leaves)), [shapes.text_of(one) for one in inclusion(number, leaves)]
