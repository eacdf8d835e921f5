"""Fetching what is to be signed, a few documents at a time, and checking each before it is shown.

Source: docs/device-protocol.md sections 3 and 4.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator

from mobile_mock import pades
from mobile_mock.batch import LARGEST_LINE, MOST_OF_A_PAGE, Batch, split_lines
from mobile_mock.documents import Content, Document
from mobile_mock.link import transaction_path
from mobile_mock.matter import Credential
from mobile_mock.request import Request
from mobile_mock.server import Server

ROOM_TO_PREPARE = 8 * 1024 * 1024  # bytes that preparing may add to a document: a signature's place, fonts, a picture
LARGEST_ATTRIBUTES = 64 * 1024  # bytes
AT_A_TIME = 8  # documents that are fetched at the same time
ROOM = 64 * 1024 * 1024  # bytes that these have together, unless one alone has more

Keep = Callable[[Document, bytes], None]


async def inspect(server: Server, request: Request, keep: Keep | None) -> Request:
    """Fetch and check every document of a request, and return it with those of its batch.

    keep: is handed each original that passed, in their order; only a few documents at a time are in memory.
    Raises Difference, Refused or Unreachable.
    """
    if request.batch is not None:
        lines = await _lines(server, request.transaction, request.batch)
        request = request.with_documents(request.batch.read(lines))
    for some in _a_few(document for document in request.documents if document.content is not None):
        for document, original in zip(some, await _originals(server, request, some), strict=True):
            if keep is not None:
                keep(document, original)
    return request


async def _lines(server: Server, transaction: str, batch: Batch) -> list[bytes]:
    path, lines = f"{transaction_path(transaction)}/items", list[bytes]()
    while len(lines) < batch.count:
        most = min(MOST_OF_A_PAGE, batch.count - len(lines))
        page = await server.ask(path, {"after": len(lines), "limit": most}, most * LARGEST_LINE)
        lines += split_lines(page.content, most)
    return lines


def _a_few(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Give documents in their order, as many together as may be in memory."""
    some: list[Document] = []
    for document in documents:
        if some and (len(some) == AT_A_TIME or sum(map(_size, [*some, document])) > ROOM):
            yield some
            some = []
        some.append(document)
    if some:
        yield some


def _size(document: Document) -> int:
    return document.content.size if document.content else 0


async def _originals(server: Server, request: Request, documents: list[Document]) -> list[bytes]:
    """Fetch and check some documents at the same time; the first fault of theirs is told when all have ended."""
    work = [_original(server, request, document, document.content) for document in documents if document.content]
    ended = await asyncio.gather(*work, return_exceptions=True)
    for end in ended:
        if isinstance(end, BaseException):
            raise end
    return [end for end in ended if isinstance(end, bytes)]


async def _original(server: Server, request: Request, document: Document, content: Content) -> bytes:
    assert isinstance(request.credential, Credential)  # a request to create shows no documents
    path = f"{transaction_path(request.transaction)}/documents/{document.index}"
    original = await server.download(f"{path}/original", content.size)
    pades.check_original(original, content)
    prepared = await server.download(f"{path}/prepared", content.size + ROOM_TO_PREPARE)
    attributes = await server.download(f"{path}/attributes", LARGEST_ATTRIBUTES)
    files = pades.Files(original, prepared, attributes)
    pades.check_prepared(files, document, request.credential.certificate_sha256)
    return original
