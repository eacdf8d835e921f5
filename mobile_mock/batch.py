"""More documents than a request can list: read as lines of canonical JSON, and held against the request's root. Pure.

Source: docs/device-protocol.md section 4; RFC 9162 section 2.1.1 (which is RFC 6962 section 2.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mobile_mock.documents import Document, read_documents
from mobile_mock.errors import Difference
from mobile_mock.forms import read_canonical, sha256
from mobile_mock.members import Members

FEWEST, MOST = 101, 10_000
MOST_OF_A_PAGE = 1000
LARGEST_LINE = 16 * 1024  # bytes; the longest names that a phone shows have less
ROOT_BYTES = 32
LEAF, NODE = b"\x00", b"\x01"


@dataclass(frozen=True, slots=True)
class Batch:
    """How many documents there are, and the root of the Merkle tree over them, 32 bytes."""

    count: int
    root: bytes

    def read(self, lines: Sequence[bytes]) -> tuple[Document, ...]:
        """Return the documents of all lines. Raises Difference unless they are, in this order, those of the root."""
        if len(lines) != self.count:
            raise Difference(f"the batch has {len(lines)} documents, the request says {self.count}")
        if root(lines) != self.root:
            raise Difference("the batch has other documents than the request says: its Merkle root differs")
        documents = read_documents([_item(line, place) for place, line in enumerate(lines)])
        if any(document.index != place for place, document in enumerate(documents)):
            raise Difference("the documents of the batch are not counted from 0 without a gap")
        return documents


def read_batch(members: Members) -> Batch:
    """Read what stands in a request for more documents than it lists. Raises Difference."""
    batch = members.object("batch", ("count", "root"))
    return Batch(batch.number("count", FEWEST, MOST), batch.raw("root", ROOT_BYTES))


def split_lines(page: bytes, most: int) -> list[bytes]:
    """Return the lines of a page of NDJSON, at least one and at most so many. Raises Difference."""
    if not page.endswith(b"\n"):
        raise Difference("a page of the batch is empty, or its last line has no end")
    lines = page[:-1].split(b"\n")
    if len(lines) > most or not all(lines):
        raise Difference("a page of the batch has an empty line, or more lines than were asked for")
    return lines


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root of the Merkle tree over leaf data, in their order, at least one; 32 bytes.

    Source: RFC 9162 section 2.1.1: leaves and nodes are hashed with different first bytes, and the left half is the
    greatest power of two that is less than the whole.
    """
    return _root([sha256(LEAF + leaf) for leaf in leaves])


def _root(hashes: Sequence[bytes]) -> bytes:
    if len(hashes) == 1:
        return hashes[0]
    left = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(NODE + _root(hashes[:left]) + _root(hashes[left:]))


def _item(line: bytes, place: int) -> Any:
    if len(line) > LARGEST_LINE:
        raise Difference(f"document {place} is described by more than {LARGEST_LINE} bytes")
    return read_canonical(line)
