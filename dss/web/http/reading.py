"""Request bodies: content types, limits, JSON, forms and streams."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.requests import Request

from dss.kernel.errors import BadRequest, Invalid, TooLarge, UnsupportedMedia
from dss.kernel.storable import require_storable_json, require_storable_text
from dss.web.http.params import misfit, read_pairs

FORM: Final = "application/x-www-form-urlencoded"
UTF8 = frozenset({"charset=utf-8", 'charset="utf-8"'})
# More digits than any length has, fewer than are slow to read.
MOST_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Upload:
    """A body that is read while it comes.

    media_type: one of those that the operation takes, in lower case.
    chunks:     the bytes; raises TooLarge past the operation's limit.
    """

    media_type: str
    chunks: AsyncIterator[bytes]


async def read_body(request: Request, body: Any, takes: tuple[str, ...], limit: int) -> Any:
    """Read the body as the type that a handler declares.

    takes: content types. limit: in bytes.
    Raises UnsupportedMedia, TooLarge, BadRequest on what cannot be read, Invalid on values that do not fit.
    """
    media_type = _media_type(request, takes)
    chunks = _limited(request, limit)
    if body is Upload:
        return Upload(media_type, chunks)
    text = b"".join([chunk async for chunk in chunks])
    return _read_form(text, body) if media_type == FORM else _read_json(text, body)


def _read_json(text: bytes, body: Any) -> Any:
    require_storable_json(text)
    try:
        return msgspec.json.decode(text, type=body)
    except msgspec.ValidationError as fault:
        raise Invalid(misfit(fault, body)) from fault
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise BadRequest(f"the body is not JSON in UTF-8: {fault}") from fault


def _read_form(text: bytes, body: Any) -> Any:
    """Read a form; a field without a value counts as absent (RFC 6749 section 3.1)."""
    fields = {name: value for name, value in read_pairs(text, "form").items() if value}
    for name, value in fields.items():
        require_storable_text(value, f"form field {name}")
    try:
        return msgspec.convert(fields, body)
    except msgspec.ValidationError as fault:
        raise Invalid(misfit(fault, body)) from fault


def _media_type(request: Request, takes: tuple[str, ...]) -> str:
    """Return the content type. Raises UnsupportedMedia; parameters other than a charset mean nothing here."""
    media_type, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    if media_type not in takes:
        raise UnsupportedMedia(f"the content type must be {' or '.join(takes)}")
    if any(name.startswith("charset") and name not in UTF8 for name in parameters):
        raise UnsupportedMedia("the charset must be utf-8")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("the body must come without a content encoding")
    return media_type


async def _limited(request: Request, limit: int) -> AsyncIterator[bytes]:
    """Give the body's chunks. A claimed length over the limit is refused at once; what comes is counted anyway."""
    if _claimed(request) > limit:
        raise TooLarge(f"the limit of this body is {limit} bytes")
    seen = 0
    async for chunk in request.stream():
        seen += len(chunk)
        if seen > limit:
            raise TooLarge(f"the limit of this body is {limit} bytes")
        yield chunk


def _claimed(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length[:MOST_DIGITS]) if length.isascii() and length.isdecimal() else 0
