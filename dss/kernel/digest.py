"""Finished hashes and the algorithms they may have."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Self

from dss.kernel.errors import BadDigest

SHA256, SHA384, SHA512 = "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"
ALGORITHMS = {SHA256: ("sha256", 32), SHA384: ("sha384", 48), SHA512: ("sha512", 64)}
BY_NAME = {name: oid for oid, (name, _) in ALGORITHMS.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Digest:
    """A finished hash: the one form a digest has past the edges.

    algorithm: hash OID in dotted form, a row of ALGORITHMS.
    value:     raw bytes, as long as the algorithm says (32, 48 or 64).
    Raises BadDigest on an unknown OID or a wrong length. Compared in constant time.
    Source: RFC 5754 section 2 (OIDs).
    """

    algorithm: str
    value: bytes

    def __post_init__(self) -> None:
        name, length = ALGORITHMS.get(self.algorithm, ("", 0))
        if not name:
            raise BadDigest(
                f"hash algorithm {self.algorithm[:64]} is not supported; take one of {', '.join(ALGORITHMS)}"
            )
        if len(self.value) != length:
            raise BadDigest(f"a {name} digest has {length} bytes, not {len(self.value)}")

    @classmethod
    def of(cls, data: bytes, algorithm: str = SHA256) -> Self:
        """Hash bytes. Raises BadDigest on an unknown OID."""
        name, _ = ALGORITHMS.get(algorithm, ("sha256", 0))
        return cls(algorithm, hashlib.new(name, data).digest())

    @property
    def name(self) -> str:
        """The algorithm's name as hashlib and the wire formats write it: sha256, sha384 or sha512."""
        return ALGORITHMS[self.algorithm][0]

    @property
    def hex(self) -> str:
        """The value in lower-case hexadecimal."""
        return self.value.hex()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Digest):
            return NotImplemented
        return self.algorithm == other.algorithm and hmac.compare_digest(self.value, other.value)

    def __hash__(self) -> int:
        return hash((self.algorithm, self.value))


def algorithm_named(name: str) -> str:
    """Return the OID of sha256, sha384 or sha512. Raises BadDigest on any other name."""
    if name not in BY_NAME:
        raise BadDigest(f"hash algorithm {name[:64]!r} is not supported; take one of {', '.join(BY_NAME)}")
    return BY_NAME[name]
