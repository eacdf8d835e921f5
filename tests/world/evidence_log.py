"""A log in memory: leaves, proofs by the definitions of RFC 6962, and checkpoints by a software key."""

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dss.audit.checkpoint import Checkpoint
from dss.audit.merkle import Head, leaf_hash, root_of
from dss.audit.note import ED25519, Note, SignatureLine, VerifierKey

ORIGIN = "sign.example/log"


class SoftLog:
    """Stands for the log.

    entries: as they were added.
    """

    def __init__(self, origin: str = ORIGIN) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.key = VerifierKey(origin, ED25519, self._key.public_key().public_bytes_raw())
        self.entries: list[bytes] = []

    def add(self, *entries: bytes) -> int:
        """Add leaves; return the number of the first."""
        first = len(self.entries)
        self.entries.extend(entries)
        return first

    def checkpoint(self, size: int | None = None) -> str:
        """The signed head of the tree of the first so many leaves, or of all."""
        hashes = self._hashes(len(self.entries) if size is None else size)
        return self.signed(Checkpoint(self.key.name, Head(len(hashes), root_of(hashes))).text)

    def signed(self, text: str) -> str:
        """Any text as a note by the log's key."""
        line = SignatureLine(self.key.name, self.key.id, self._key.sign(text.encode()))
        return Note(text, (line,)).written

    def inclusion(self, leaf: int) -> tuple[bytes, ...]:
        """RFC 6962 section 2.1.1, in the tree of all leaves."""
        return _path(leaf, self._hashes(len(self.entries)))

    def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """RFC 6962 section 2.1.2, between the trees of the first so many leaves."""
        if first in {0, second}:
            return ()
        return _proof(first, self._hashes(second), is_whole=True)

    def _hashes(self, size: int) -> list[bytes]:
        return [leaf_hash(entry) for entry in self.entries[:size]]


def _split(count: int) -> int:
    """The largest power of two that is smaller."""
    return 1 << (count - 1).bit_length() - 1


def _path(leaf: int, hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    if len(hashes) == 1:
        return ()
    left, right = hashes[: _split(len(hashes))], hashes[_split(len(hashes)) :]
    if leaf < len(left):
        return (*_path(leaf, left), root_of(right))
    return (*_path(leaf - len(left), right), root_of(left))


def _proof(first: int, hashes: Sequence[bytes], *, is_whole: bool) -> tuple[bytes, ...]:
    if first == len(hashes):
        return () if is_whole else (root_of(hashes),)
    left, right = hashes[: _split(len(hashes))], hashes[_split(len(hashes)) :]
    if first <= len(left):
        return (*_proof(first, left, is_whole=is_whole), root_of(right))
    return (*_proof(first - len(left), right, is_whole=False), root_of(left))
