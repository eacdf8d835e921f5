"""The operations of the log that are no tiles: checkpoints, proofs, cosignatures."""

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from dss.kernel import b64
from dss.kernel.errors import BadRequest, NotFound
from dss.web.http.op import Protocol, op
from dss.web.http.reading import Upload
from dss.web.http.services import services_of

TEXT = "text/plain"
# A checkpoint is news: whoever waits for one waits no longer than this.
FOR_SECONDS = {"Cache-Control": "public, max-age=2", "Access-Control-Allow-Origin": "*"}
LONGEST_NOTE = 16 * 1024

Size = Annotated[int, Meta(ge=0, le=2**53 - 1, description="How many leaves a tree has.")]
Leaf = Annotated[int, Meta(ge=0, le=2**53 - 1, description="The number of a leaf, from 0.")]
Path = Annotated[list[str], Meta(description="Hashes in base64url, the lowest first.")]


class Inclusion(msgspec.Struct):
    """The proof that a leaf is in the tree of a size (RFC 6962 section 2.1.1)."""

    leaf: Leaf
    size: Size
    path: Path


class Consistency(msgspec.Struct):
    """The proof that the tree of size `second` begins with that of size `first` (RFC 6962 section 2.1.2)."""

    first: Size
    second: Size
    path: Path


class Cosigned(msgspec.Struct):
    """All the witnesses that cosigned the checkpoint of a size, by name."""

    size: Size
    witnesses: list[str]


@op("GET", "/log/checkpoint", public=True, gives=(TEXT,), errors=(NotFound,))
async def read_checkpoint(request: Request) -> Response:
    """Read the newest checkpoint of the log, with its cosignatures.

    A signed note (C2SP tlog-checkpoint). 404 until the first event is sealed.
    """
    return await _checkpoint(request, None)


@op("GET", "/log/checkpoint/{size}", public=True, gives=(TEXT,))
async def read_kept_checkpoint(request: Request, size: Size) -> Response:
    """Read a kept checkpoint, with its cosignatures."""
    return await _checkpoint(request, size)


@op("GET", "/log/inclusion", public=True, errors=(NotFound,))
async def prove_inclusion(request: Request, leaf: Leaf, size: Size) -> Inclusion:
    """Prove that a leaf is in the tree of a size."""
    path = await services_of(request).log.inclusion(leaf, size)
    return Inclusion(leaf, size, [b64.url_encode(step) for step in path])


@op("GET", "/log/consistency", public=True, errors=(NotFound,))
async def prove_consistency(request: Request, first: Size, second: Size) -> Consistency:
    """Prove that one tree begins with another."""
    path = await services_of(request).log.consistency(first, second)
    return Consistency(first, second, [b64.url_encode(step) for step in path])


@op("POST", "/log/cosignatures", public=True, takes=(TEXT,), limit=LONGEST_NOTE, errors=(NotFound,))
async def add_cosignatures(request: Request, body: Upload) -> Cosigned:
    """Give the log a checkpoint of it with cosignatures: those of the witnesses that it knows are kept.

    A signed note (C2SP tlog-cosignature v1).
    """
    try:
        text = b"".join([chunk async for chunk in body.chunks]).decode()
    except UnicodeDecodeError as fault:
        raise BadRequest("a note is UTF-8") from fault
    cosigned = await services_of(request).log.cosign(text)
    return Cosigned(cosigned.size, list(cosigned.witnesses))


async def _checkpoint(request: Request, size: int | None) -> Response:
    note = await services_of(request).log.checkpoint(size)
    return Response(note, headers=FOR_SECONDS, media_type=TEXT)


LOG = Protocol(
    "log",
    (read_checkpoint, read_kept_checkpoint, prove_inclusion, prove_consistency, add_cosignatures),
)
