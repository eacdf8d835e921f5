"""Fetching what is to be signed, one document at a time, and checking each before it is shown.

Source: docs/device-protocol.md section 4.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mobile_mock import pades
from mobile_mock.documents import Content, Document
from mobile_mock.matter import Credential
from mobile_mock.members import Members
from mobile_mock.owned import WaitingPhone, read_waiting
from mobile_mock.request import Request
from mobile_mock.server import Server

ROOM_TO_PREPARE = 8 * 1024 * 1024  # bytes that preparing may add to a document: a signature's place, fonts, a picture
LARGEST_ATTRIBUTES = 64 * 1024  # bytes
MOST_NOTICES = 10_000
MOST_KNOWN = 100
MOST_PHONES = 100
KIND_LIMIT = 32

Keep = Callable[[Document, bytes], None]


@dataclass(frozen=True, slots=True)
class Notice:
    """One transaction that awaits an answer."""

    id: str
    kind: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class News:
    """What the server tells a phone that looks: transactions that await an answer, and new phones that wait."""

    transactions: list[Notice]
    phones: list[WaitingPhone]


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


def read_news(answer: object) -> News:
    """Read the list of what waits. Raises Difference."""
    listed = Members(answer, "the list", ("transactions",), ("waiting_phones",))
    items = [Members(item, "a notice", ("id", "kind", "expires")) for item in listed.list("transactions", MOST_NOTICES)]
    notices = [Notice(item.id("id"), item.shown("kind", KIND_LIMIT), item.time("expires")) for item in items]
    phones = listed.list("waiting_phones", MOST_PHONES) if "waiting_phones" in listed.value else []
    return News(notices, read_waiting(phones))


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
