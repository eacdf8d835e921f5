"""Whether a given file is one of the documents: as the person was shown it, or signed.

Source: docs/evidence.md section 4; ISO 32000-1 section 12.8.1, ETSI EN 319 142-1 section 6.3.
"""

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from asn1crypto import cms

from dss.evidence.fields import EvidenceRefused, require
from dss.evidence.pieces import Piece
from dss.evidence.signature_check import message_digest
from dss.evidence.verifying import Proven

BYTE_RANGE = re.compile(rb"/ByteRange ?\[ ?0 +(\d{1,10}) +(\d{1,10}) +(\d{1,10}) ?\]")
MOST_RANGES, LARGEST_GAP = 100, 1024 * 1024
HEXADECIMAL = re.compile(rb"<((?:[0-9A-Fa-f]{2})+)>")


@dataclass(frozen=True, slots=True)
class Given:
    """Which document a file is.

    number:    counted from 1, in the request's order.
    is_signed: True for the finished file, False for the one that the person was shown.
    """

    number: int
    is_signed: bool


@dataclass(frozen=True, slots=True)
class _Begun:
    """A document as which the file begins; piece: its signature, None where it was declined."""

    number: int
    size: int
    hash_name: str
    piece: Piece | None


@dataclass(frozen=True, slots=True)
class _Signature:
    """A signature in the file, over all of it but what stands from `start` to `end`."""

    start: int
    end: int
    value: bytes
    attributes: bytes


def check(file: bytes, proven: Proven) -> Given:
    """Return which document a file is.

    Raises EvidenceRefused when it is none, when it was changed after signing, or when finding out takes too much work.
    """
    begun = _begun(file, proven)
    require(bool(begun), "the file is none of the documents of the request")
    for one in begun:
        if one.size == len(file):
            return Given(one.number, is_signed=False)
    signatures = list(_signatures(file, min(one.size for one in begun)))
    for one in begun:
        if any(_is_by(found, one, file) for found in signatures):
            return Given(one.number, is_signed=True)
    raise EvidenceRefused("the file begins as a document of the request, but ends without the signature proven here")


def _begun(file: bytes, proven: Proven) -> list[_Begun]:
    pieces = {piece.index: piece for piece in proven.signatures}
    hashes = _beginnings(file, {item.document.size for item in proven.documents if item.document is not None})
    return [
        _Begun(item.index + 1, item.document.size, item.to_sign.name, pieces.get(item.index))
        for item in proven.documents
        if item.document is not None and hashes.get(item.document.size) == item.document.document_digest.value
    ]


def _beginnings(file: bytes, sizes: Collection[int]) -> dict[int, bytes]:
    """Return the SHA-256 of the file's first so many bytes for each size, in one pass."""
    hashed, at, found = hashlib.sha256(), 0, {}
    for size in sorted(size for size in sizes if size <= len(file)):
        hashed.update(memoryview(file)[at:size])
        at, found[size] = size, hashed.digest()
    return found


def _signatures(file: bytes, begin: int) -> Iterator[_Signature]:
    """Give the signatures that were put behind the beginning, and cover the file to its last byte."""
    ranges = list(islice(BYTE_RANGE.finditer(file, begin), MOST_RANGES + 1))
    require(len(ranges) <= MOST_RANGES, f"the file has more than {MOST_RANGES} signatures, and no more are looked at")
    for found in ranges:
        start, end, rest = (int(number) for number in found.groups())
        if begin <= start < end and end + rest == len(file):
            gap_fits = end - start <= LARGEST_GAP
            require(gap_fits, f"the file has a place for a signature of more than {LARGEST_GAP} bytes; none is read")
            signature = _read(file, start, end)
            if signature is not None:
                yield signature


def _read(file: bytes, start: int, end: int) -> _Signature | None:
    """Return the signature in the gap of a byte range, None where there is none."""
    written = HEXADECIMAL.fullmatch(file, start, end)
    if written is None:
        return None
    try:
        # The place is longer than what was put in: zeros follow.
        (signed,) = cms.ContentInfo.load(bytes.fromhex(written[1].decode()))["content"]["signer_infos"]
        return _Signature(start, end, signed["signature"].native, signed["signed_attrs"].untag().dump())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _is_by(found: _Signature, one: _Begun, file: bytes) -> bool:
    """Whether a signature is the one that is proven of a document, made over all around it."""
    piece = one.piece
    if piece is None or found.start < one.size or (found.value, found.attributes) != (piece.value, piece.attributes):
        return False
    around = hashlib.new(one.hash_name, memoryview(file)[: found.start])
    around.update(memoryview(file)[found.end :])
    return around.digest() == message_digest(piece.attributes)
