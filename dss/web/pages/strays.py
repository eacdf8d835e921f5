"""What happens outside the pages, told to people by a page, and to programs as ever.

Source: RFC 9110 section 12.5.1 (Accept): a browser that opens an address names HTML, programs do not.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dss.kernel.errors import DssError
from dss.web.http import problems
from dss.web.pages.serving import refusal

PEOPLES = re.compile(r"/(signin|account|oauth/authorize|oauth/waiting)(/.*)?", re.DOTALL)
HTML = "text/html"

Handler = Callable[[Request, Any], Awaitable[Response]]


def exception_handlers() -> Mapping[Any, Any]:
    """Return Starlette's handlers for all that happens outside the operations and the pages, defects among it."""
    plain = problems.exception_handlers()
    told = {kind: _told_to_people(plain[kind]) for kind in (HTTPException, Exception)}
    return {**plain, **told}


def _told_to_people(plain: Handler) -> Handler:
    """Answer people by the page of refusals, with the headers that programs get."""

    async def told(request: Request, fault: Exception) -> Response:
        response = await plain(request, fault)
        if not _is_a_persons(request):
            return response
        error = problems.error_of(fault) if isinstance(fault, HTTPException) else DssError()
        page = refusal(request, error)
        if "Allow" in response.headers:
            page.headers["Allow"] = response.headers["Allow"]
        return page

    return told


def _is_a_persons(request: Request) -> bool:
    return PEOPLES.fullmatch(request.url.path) is not None or HTML in request.headers.get("accept", "")
