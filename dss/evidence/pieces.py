"""Signatures as evidence keeps them: one by one, as a part of a batch, and as one leaf of such a part.

Source: docs/evidence.md sections 1 and 1b; RFC 6962 section 2.1 (the trees).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from dss.audit import merkle
from dss.audit.merkle import Head
from dss.evidence import fields
from dss.evidence.fields import EvidenceRefused, looking_at
from dss.kernel import b64, canonical

LONGEST_PATH = 128
LEAF = frozenset({"item", "item_path", "piece", "piece_number", "piece_path"})


@dataclass(frozen=True, slots=True)
class Piece:
    """The signature of one document.

    index:      of the document in the request.
    attributes: the signed attributes, DER, as a SET OF; empty for a bare hash.
    value:      as the HSM made it: ECDSA as DER, RSA as it is.
    """

    index: int
    attributes: bytes
    value: bytes

    def member(self) -> dict[str, Any]:
        """Return the form that stands in the file."""
        return {
            "attributes": b64.url_encode(self.attributes),
            "index": self.index,
            "value": b64.url_encode(self.value),
        }

    @classmethod
    def of_member(cls, value: object) -> Self:
        """Read what `member` wrote. Raises EvidenceRefused."""
        found = fields.members(value, "a signature", {"attributes", "index", "value"})
        return cls(
            fields.number(found["index"], "a signature's index"),
            fields.octets(found["attributes"], "a signature's attributes"),
            fields.octets(found["value"], "a signature's value"),
        )

    def leaf(self) -> bytes:
        """Return the data of its leaf in the tree of a part: canonical JSON."""
        return canonical.encode(self.member())


def part_of(pieces: Iterable[Piece]) -> Head:
    """Return the head of the tree whose leaves are these signatures, in their order."""
    hashes = _hashes(piece.leaf() for piece in pieces)
    return Head(len(hashes), merkle.root_of(hashes))


def write_pieces(pieces: Sequence[Piece]) -> bytes:
    """Return canonical JSON of a part's signatures."""
    return canonical.encode([piece.member() for piece in pieces])


def read_pieces(data: bytes) -> tuple[Piece, ...]:
    """Read what `write_pieces` wrote. Raises EvidenceRefused."""
    with looking_at("the signatures of a part"):
        found = canonical.decode(data)
    if not isinstance(found, list):
        raise EvidenceRefused("the signatures of a part are not a list")
    return tuple(Piece.of_member(one) for one in found)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One document of a batch and its signature, and the proof that each has its place.

    item:         the document's member, as the phone was shown it.
    item_path:    inclusion proof in the batch, hashes of 32 bytes.
    piece_number: which of its part's signatures, from 0; piece_path: inclusion proof in the part.
    """

    item: dict[str, Any]
    item_path: tuple[bytes, ...]
    piece: Piece
    piece_number: int
    piece_path: tuple[bytes, ...]

    @classmethod
    def of(cls, items: Sequence[bytes], pieces: Sequence[Piece], number: int) -> Self:
        """Prove the place of one of a part's signatures, and of the document that it signs.

        items: the leaf data of the whole batch, in their order. Raises EvidenceRefused for data that is no JSON.
        """
        piece = pieces[number]
        with looking_at("the leaf data of a document"):
            item = canonical.decode(items[piece.index])
        item_path = merkle.inclusion(piece.index, _hashes(items))
        return cls(item, item_path, piece, number, merkle.inclusion(number, _hashes(one.leaf() for one in pieces)))

    def require_in(self, batch: Head | None, part: Head | None) -> None:
        """Accept the leaf if its document is in the batch at its signature's index, and that signature in the part.

        batch, part: None where the request or the core has none. Raises EvidenceRefused.
        """
        if batch is None or part is None:
            raise EvidenceRefused("there is a leaf of no batch, or of no part of it")
        with looking_at("leaf.item_path"):
            merkle.require_included(self.piece.index, canonical.encode(self.item), self.item_path, batch)
        with looking_at("leaf.piece_path"):
            merkle.require_included(self.piece_number, self.piece.leaf(), self.piece_path, part)

    def member(self) -> dict[str, Any]:
        """Return the form that stands in the file."""
        return {
            "item": self.item,
            "item_path": write_path(self.item_path),
            "piece": self.piece.member(),
            "piece_number": self.piece_number,
            "piece_path": write_path(self.piece_path),
        }

    @classmethod
    def of_member(cls, value: object) -> Self:
        """Read what `member` wrote. Raises EvidenceRefused."""
        found = fields.members(value, "leaf", LEAF)
        item = found["item"]
        if not isinstance(item, dict):
            raise EvidenceRefused("leaf.item is not an object")
        return cls(
            item,
            read_path(found["item_path"], "leaf.item_path"),
            Piece.of_member(found["piece"]),
            fields.number(found["piece_number"], "leaf.piece_number"),
            read_path(found["piece_path"], "leaf.piece_path"),
        )


def write_path(path: tuple[bytes, ...]) -> list[str]:
    """Return the form of a path that stands in the file."""
    return [b64.url_encode(one) for one in path]


def read_path(value: object, what: str) -> tuple[bytes, ...]:
    """Read what `write_path` wrote. Raises EvidenceRefused."""
    return tuple(fields.digest(one, f"a hash of {what}") for one in fields.items(value, what, LONGEST_PATH))


def _hashes(leaves: Iterable[bytes]) -> list[bytes]:
    return [merkle.leaf_hash(leaf) for leaf in leaves]
