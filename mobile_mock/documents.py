"""The documents of a request to sign: read from its members into frozen values, or refused. Pure.

Source: docs/device-protocol.md section 4.
"""

import re
from dataclasses import dataclass
from typing import Any

from mobile_mock.errors import Difference
from mobile_mock.members import NAME_LIMIT, Members

BARE = ("index", "format", "scheme", "hash_algorithm", "to_sign")
WITH_CONTENT = (*BARE, "name", "media_type", "size", "document_digest")
HASH_BYTES = {"sha256": 32, "sha384": 48, "sha512": 64}
SCHEME = re.compile(r"pkcs1v15|ecdsa|pss-(?:0|[1-9][0-9]{0,3})")
PADES, BARE_HASH = "PAdES-B-B", "hash"
LARGEST_DOCUMENT = 2**31


@dataclass(frozen=True, slots=True)
class Content:
    """A document as it was uploaded; size in bytes, digest its SHA-256."""

    name: str
    media_type: str
    size: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Document:
    """One thing to sign; content is None for a bare hash, of which nothing can be seen.

    to_sign: what the key signs, a hash by `hash_algorithm`.
    """

    index: int
    format: str
    scheme: str
    hash_algorithm: str
    to_sign: bytes
    content: Content | None


def read_documents(items: list[Any]) -> tuple[Document, ...]:
    """Read the documents of a request to sign. Raises Difference."""
    if not items:
        raise Difference("the request is to sign nothing")
    documents = tuple(_document(item, place) for place, item in enumerate(items))
    indexes = [document.index for document in documents]
    if indexes != sorted(set(indexes)):
        raise Difference("the documents do not stand in the order of their indexes, each once")
    return documents


def _document(item: Any, place: int) -> Document:
    what = f"document {place}"
    form = item.get("format") if isinstance(item, dict) else None
    if form not in (PADES, BARE_HASH):  # not a set: what a server sends need not be hashable
        raise Difference(f"{what} is to be signed in a format that this phone does not know")
    members = Members(item, what, BARE if form == BARE_HASH else WITH_CONTENT)
    algorithm, scheme = members.text("hash_algorithm"), members.text("scheme")
    if algorithm not in HASH_BYTES or not SCHEME.fullmatch(scheme):
        raise Difference(f"{what} has a hash algorithm or a scheme that this phone does not know")
    return Document(
        index=members.number("index", 0, 2**31),
        format=form,
        scheme=scheme,
        hash_algorithm=algorithm,
        to_sign=members.raw("to_sign", HASH_BYTES[algorithm]),
        content=None if form == BARE_HASH else _content(members),
    )


def _content(members: Members) -> Content:
    return Content(
        members.shown("name", NAME_LIMIT),
        members.shown("media_type", NAME_LIMIT),
        members.number("size", 1, LARGEST_DOCUMENT),
        members.raw("document_digest", 32),
    )
