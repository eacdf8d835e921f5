"""What one transaction is to sign: a list of things, or a batch that a Merkle root stands for. Pure.

Source: docs/device-protocol.md section 4; RFC 9162 section 2.1.1 (the root).
"""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from dss.audit import merkle
from dss.kernel import b64, canonical
from dss.kernel.digest import SHA256, Digest, algorithm_named

LISTED = 100  # that many stand in the request itself
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Shown:
    """A document as the phone shows it; size in bytes."""

    name: str
    media_type: str
    size: int
    document_digest: Digest

    def members(self) -> dict[str, Any]:
        """Return the members that a document adds to its item."""
        digest = b64.url_encode(self.document_digest.value)
        return {"name": self.name, "media_type": self.media_type, "size": self.size, "document_digest": digest}

    @classmethod
    def of_members(cls, value: dict[str, Any]) -> Self:
        """Read what `members` wrote. Raises KeyError, BadRequest, BadDigest."""
        digest = Digest(SHA256, b64.url_decode(value["document_digest"]))
        return cls(value["name"], value["media_type"], value["size"], digest)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to sign.

    to_sign:  what the key signs.
    scheme:   pkcs1v15, pss-N or ecdsa.
    document: name, media type, size in bytes and SHA-256 of what the person is shown; None for a bare hash.
    """

    index: int
    format: str
    scheme: str
    to_sign: Digest
    document: Shown | None = None

    def member(self) -> dict[str, Any]:
        """Return the form that stands in the request."""
        signed = {"hash_algorithm": self.to_sign.name, "to_sign": b64.url_encode(self.to_sign.value)}
        plain = {"index": self.index, "format": self.format, "scheme": self.scheme, **signed}
        return plain if self.document is None else plain | self.document.members()

    def leaf(self) -> bytes:
        """Return the data of its leaf in a batch: canonical JSON."""
        return canonical.encode(self.member())

    @classmethod
    def of_member(cls, value: dict[str, Any]) -> Self:
        """Read what `member` wrote. Raises KeyError, BadRequest, BadDigest."""
        to_sign = Digest(algorithm_named(value["hash_algorithm"]), b64.url_decode(value["to_sign"]))
        document = Shown.of_members(value) if "document_digest" in value else None
        return cls(value["index"], value["format"], value["scheme"], to_sign, document)


@dataclass(frozen=True, slots=True)
class Batch:
    """How many things a request stands for, and the root of the tree whose leaves they are (32 bytes)."""

    count: int
    root: bytes

    @classmethod
    def of(cls, items: Sequence[Item]) -> Self:
        """Return what stands for these things."""
        return cls(len(items), _root(item.leaf() for item in items))

    def member(self) -> dict[str, Any]:
        """Return the form that stands in the request."""
        return {"count": self.count, "root": b64.url_encode(self.root)}

    @classmethod
    def of_member(cls, value: dict[str, Any]) -> Self:
        """Read what `member` wrote. Raises KeyError, BadRequest."""
        return cls(value["count"], b64.url_decode(value["root"]))

    def is_of(self, items: Sequence[Item]) -> bool:
        """Return True when these are the things that it stands for, in their order."""
        in_place = len(items) == self.count and all(item.index == place for place, item in enumerate(items))
        return in_place and hmac.compare_digest(Batch.of(items).root, self.root)


def _root(leaves: Iterable[bytes]) -> bytes:
    return merkle.root_of([merkle.leaf_hash(leaf) for leaf in leaves])
