"""Pages of a list: an opaque cursor names the last item of the page before."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta
from starlette.requests import Request

from dss.kernel import b64
from dss.kernel.errors import BadRequest, Invalid

DEFAULT = 10
LONGEST_CURSOR = 64

Limit = Annotated[int, Meta(ge=1, le=100, description="How many items a page has at most.")]
Cursor = Annotated[
    str, Meta(min_length=1, max_length=LONGEST_CURSOR, description="Where to go on; taken from `next` of a page.")
]


def after(cursor: str | None) -> str | None:
    """Return the id after which the page begins, or None for the first page. Raises Invalid on a cursor not of ours."""
    if cursor is None:
        return None
    try:
        last = b64.url_decode(cursor).decode("ascii")
    except (BadRequest, UnicodeDecodeError) as fault:
        raise Invalid("query parameter cursor: not one that a page gave") from fault
    if not last.isalnum():
        raise Invalid("query parameter cursor: not one that a page gave")
    return last


def next_link(request: Request, ids: Sequence[str], limit: int) -> str | None:
    """Return the path and query of the page after this one, or None when this one is not full.

    ids: of the items on this page, in their order.
    """
    if len(ids) < limit:
        return None
    following = request.url.include_query_params(limit=limit, cursor=b64.url_encode(ids[-1].encode("ascii")))
    return f"{following.path}?{following.query}"
