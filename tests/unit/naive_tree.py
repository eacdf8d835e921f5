"""The tree and its proofs as RFC 6962 section 2.1 defines them: recursive, however they may be stored."""

import hashlib


class NaiveTree:
    """The first leaves of a list are a tree, for every size."""

    def __init__(self, entries: list[bytes]) -> None:
        self.entries = entries
        self._known: dict[tuple[int, int], bytes] = {}

    @classmethod
    def of(cls, size: int) -> "NaiveTree":
        """Return a tree with leaves that all differ."""
        return cls([b"entry %d" % number for number in range(size)])

    def mth(self, begin: int, end: int) -> bytes:
        """MTH(D[begin:end]), the Merkle Tree Hash."""
        if begin == end:
            return hashlib.sha256(b"").digest()
        if (begin, end) not in self._known:
            self._known[begin, end] = self._mth(begin, end)
        return self._known[begin, end]

    def _mth(self, begin: int, end: int) -> bytes:
        if end - begin == 1:
            return hashlib.sha256(b"\x00" + self.entries[begin]).digest()
        middle = begin + largest_power_below(end - begin)
        return hashlib.sha256(b"\x01" + self.mth(begin, middle) + self.mth(middle, end)).digest()

    def path(self, leaf: int, begin: int, end: int) -> list[bytes]:
        """PATH(leaf, D[begin:end]), leaf counted from the first of all (section 2.1.1)."""
        if end - begin == 1:
            return []
        middle = begin + largest_power_below(end - begin)
        if leaf < middle:
            return [*self.path(leaf, begin, middle), self.mth(middle, end)]
        return [*self.path(leaf, middle, end), self.mth(begin, middle)]

    def proof(self, first: int, second: int) -> list[bytes]:
        """PROOF(first, D[second]), of 0 < first (section 2.1.2)."""
        return self._subproof(first, 0, second, known=True)

    def _subproof(self, first: int, begin: int, end: int, *, known: bool) -> list[bytes]:
        if first == end:
            return [] if known else [self.mth(begin, end)]
        middle = begin + largest_power_below(end - begin)
        if first <= middle:
            return [*self._subproof(first, begin, middle, known=known), self.mth(middle, end)]
        return [*self._subproof(first, middle, end, known=False), self.mth(begin, middle)]


def largest_power_below(count: int) -> int:
    """Return the largest power of two smaller than a number above 1."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power
