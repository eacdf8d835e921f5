"""What is to be signed, as the phone shows it: as lines for a person and as members for a program. Pure."""

from collections.abc import Collection, Iterator
from typing import Any

from rich.cells import cell_len

from mobile_mock.documents import Document
from mobile_mock.showing import Shown

UNSEEN = "content not seen"
WIDTH = 70  # columns; with what stands before it, a line fits a terminal of 80
MARGIN = " " * 8


def quoted(text: str, margin: str = "    ") -> list[str]:
    """Return what another wrote, with a mark before each line, so that none of it looks like a line of the phone's."""
    return [f"{margin}| {part}" for line in text.split("\n") for part in _parts(line)]


def _parts(line: str) -> Iterator[str]:
    part, width = "", 0
    for character in line:
        cells = cell_len(character)
        if width + cells > WIDTH:
            yield part
            part, width = "", 0
        part, width = part + character, width + cells
    yield part


def document_members(document: Document, shown: Shown) -> dict[str, Any]:
    """Return what a program is told of a document; hashes in hexadecimal, sizes in bytes."""
    signed = {
        "index": document.index,
        "format": document.format,
        "scheme": document.scheme,
        "hash_algorithm": document.hash_algorithm,
        "to_sign": document.to_sign.hex(),
        "seen": document.content is not None and shown.fetched,
    }
    if document.content is None:
        return signed
    content = document.content
    seen = {"name": content.name, "media_type": content.media_type, "size": content.size}
    return signed | seen | {"sha256": content.digest.hex()}


def document_lines(shown: Shown, only: Collection[int] = ()) -> list[str]:
    """Return what a person is shown of the documents; only: the indexes of some, empty for all.

    Of a batch each has one line, and those that are picked out have all of theirs.
    """
    request = shown.request
    documents = [one for one in request.documents if not only or one.index in only]
    each = _line if request.batch and not only else _lines
    return [*_head(shown), *(line for document in documents for line in each(document, shown))]


def _head(shown: Shown) -> list[str]:
    batch = shown.request.batch
    if batch is None:
        return []
    done = "each was fetched and checked" if shown.fetched else "none was looked at"
    return [f"Batch        {batch.count} documents; {done}", f"             Merkle root {batch.root.hex()}"]


def _line(document: Document, _: Shown) -> list[str]:
    content = document.content
    if content is None:
        return [f"{document.index:>6}  {UNSEEN}, {document.hash_algorithm} {document.to_sign.hex()}"]
    first, *rest = quoted(content.name, MARGIN)
    told = f"{MARGIN}{content.size} bytes, {document.format}, SHA-256 {content.digest.hex()}"
    return [f"{document.index:>6}{first[6:]}", *rest, told]


def _lines(document: Document, shown: Shown) -> list[str]:
    how = f"    Signature: {document.format}, {document.scheme}, {document.hash_algorithm}"
    if document.content is None:
        return [f"Hash {document.index}: {UNSEEN}", f"    {document.to_sign.hex()}", how]
    content = document.content
    return [
        f"Document {document.index}:",
        *quoted(content.name),
        f"    {content.media_type}, {content.size} bytes",
        f"    SHA-256 {content.digest.hex()}",
        f"{how}; {'recomputed from the files, and it agrees' if shown.fetched else UNSEEN}",
    ]
