"""A small API that uses each feature of the kit once: shelves of notes, and a file."""

import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from dss.kernel.errors import Conflict, DssError, Forbidden, TooMany, Unauthenticated, Unavailable
from dss.web.http import paging
from dss.web.http.fields import Id, IdempotencyKey
from dss.web.http.op import JSON, Created, NotYet, Protocol, op
from dss.web.http.reading import Upload
from dss.web.http.security import InsufficientScope, Security

NOTE = "01KAJ9T8VX3N5Q7R9S1T2V4W6Y"
NOTES = [f"{number:026d}" for number in range(25)]
PDF = "application/pdf"
UPLOAD_LIMIT = 1000
FOLDER = tempfile.TemporaryDirectory(prefix="dss-sample-")
FILE = Path(FOLDER.name) / "sample.pdf"
FILE.write_bytes(b"%PDF-1.7")
TOKENS = {"reader": frozenset({"read"}), "writer": frozenset({"read", "write"})}


class Colour(StrEnum):
    """What a note is written on."""

    RED = "red"
    BLUE = "blue"


class NewNote(msgspec.Struct, forbid_unknown_fields=True):
    """A note to keep."""

    text: Annotated[str, Meta(min_length=1, max_length=20)]
    colour: Colour = Colour.RED
    copies: Annotated[int, Meta(ge=1, le=9)] = 1
    tags: Annotated[list[Annotated[str, Meta(max_length=8)]], Meta(max_length=3)] = []


class Note(msgspec.Struct):
    """A kept note."""

    id: Id
    text: str
    colour: Colour
    key: str | None = None


class NoteList(msgspec.Struct):
    """A page of ids."""

    items: list[Id]
    next: str | None = None


class Measured(msgspec.Struct):
    """How long an upload was, in bytes."""

    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Who calls."""

    actor: str
    scopes: frozenset[str]


async def authenticate(request: Request) -> Reader:
    """Know the two callers by their tokens."""
    name = request.headers.get("authorization", "").removeprefix("Bearer ")
    if name not in TOKENS:
        raise Unauthenticated("say who you are")
    return Reader(f"client:{name}", TOKENS[name])


def challenge(_: Request, error: DssError) -> str | None:
    """Ask for a bearer token."""
    if isinstance(error, InsufficientScope):
        return f'Bearer error="insufficient_scope", scope="{error.scope}"'
    return "Bearer" if error.status == Unauthenticated.status else None


@op("POST", "/notes", 201, scope="write", errors=(Conflict,))
async def keep_note(request: Request, body: NewNote, idempotency_key: IdempotencyKey | None = None) -> Created[Note]:
    """Keep a note.

    A note is kept for ever.
    """
    if body.text == "conflict":
        raise Conflict("there is such a note")
    if body.text == "undeclared":
        raise TooMany("never said so")
    if body.text == "defect":
        raise RuntimeError("the caller must not read this")
    return Created(Note(NOTE, body.text, body.colour, idempotency_key), location=f"/notes/{NOTE}")


@op("GET", "/notes", scope="read")
async def list_notes(
    request: Request, limit: paging.Limit = paging.DEFAULT, cursor: paging.Cursor | None = None
) -> NoteList:
    """List the notes."""
    last = paging.after(cursor)
    found = [note for note in NOTES if last is None or note > last][:limit]
    return NoteList(found, paging.next_link(request, found, limit))


@op("GET", "/notes/{id}", scope="read")
async def read_note(
    request: Request,
    id: Id,
    colour: Colour | None = None,
    big: bool = False,
    wait: Annotated[int, Meta(ge=0, le=60)] = 0,
) -> Note:
    """Read a note."""
    return Note(id, f"{wait} {big}", colour or Colour.BLUE)


@op("DELETE", "/notes/{id}", 204, scope="write")
async def drop_note(request: Request, id: Id) -> None:
    """Drop a note."""


@op("POST", "/files", 200, scope="write", takes=(PDF, "image/png"), limit=UPLOAD_LIMIT)
async def measure(request: Request, body: Upload, name: Annotated[str, Meta(min_length=1, max_length=9)]) -> Measured:
    """Measure a file while it comes."""
    size = sum([len(chunk) async for chunk in body.chunks])
    return Measured(size, body.media_type)


@op("GET", "/file", scope="read", gives=(PDF,))
async def read_file(request: Request) -> FileResponse:
    """Read the file."""
    return FileResponse(FILE, media_type=PDF)


@op("GET", "/copies/{id}", scope="read")
async def read_copy(request: Request, id: Id, ready: bool = False) -> Response | NotYet:
    """Read a copy, once it is made."""
    return Response(b'{"copy":1}', media_type=JSON) if ready else NotYet(retry_after=3)


@op("GET", "/health", public=True)
async def health(request: Request) -> Measured:
    """Tell that it works."""
    return Measured(1, "text/plain")


@op("GET", "/hasty")
async def hasty(request: Request) -> Measured:
    """Promise a result, and give none yet."""
    return NotYet(retry_after=3)  # type: ignore[return-value]


@op("GET", "/down", errors=(Forbidden,))
async def down(request: Request) -> Measured:
    """Fail for a while."""
    raise Unavailable("the kettle is cold", retry_after=7)


BEARER = Security("bearer", {"type": "http", "scheme": "bearer"}, authenticate, challenge)
SAMPLE = Protocol(
    "sample", (keep_note, list_notes, read_note, drop_note, measure, read_file, read_copy, health), security=BEARER
)
FAILING = Protocol("failing", (down, hasty), security=BEARER)
