"""Fetching what is to be signed, one document at a time, and checking each before it is shown.

Source: docs/device-protocol.md section 4.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mobile_mock import pades
from mobile_mock.request import Content, Credential, Document, Request
from mobile_mock.server import Server

ROOM_TO_PREPARE = 8 * 1024 * 1024  # bytes that preparing may add to a document: a signature's place, fonts, a picture
LARGEST_ATTRIBUTES = 64 * 1024  # bytes

Keep = Callable[[Document, bytes], None]


@dataclass(frozen=True, slots=True)
class Notice:
    """One transaction that awaits an answer."""

    id: str
    kind: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """A transaction whose request and documents passed every check of the protocol.

    state: as the server said with the request.
    """

    request: Request
    state: str

    @property
    def id(self) -> str:
        """The transaction."""
        return self.request.transaction


async def inspect(server: Server, request: Request, keep: Keep | None) -> None:
    """Fetch and check every document of a request. Raises Difference, Refused or Unreachable.

    keep: is handed each original that passed; only one document at a time is in memory.
    """
    for document in request.documents:
        if document.content is not None:
            original = await _inspect_one(server, request, document, document.content)
            if keep is not None:
                keep(document, original)


async def _inspect_one(server: Server, request: Request, document: Document, content: Content) -> bytes:
    assert isinstance(request.credential, Credential)  # a request to create shows no documents
    path = f"/device/v1/transactions/{request.transaction}/documents/{document.index}"
    original = await server.download(f"{path}/original", content.size)
    pades.check_original(original, content)
    prepared = await server.download(f"{path}/prepared", content.size + ROOM_TO_PREPARE)
    attributes = await server.download(f"{path}/attributes", LARGEST_ATTRIBUTES)
    files = pades.Files(original, prepared, attributes)
    pades.check_prepared(files, document, request.credential.certificate_sha256)
    return original
