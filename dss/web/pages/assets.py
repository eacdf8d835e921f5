"""The one style sheet and the one script, named by what is in them: a name never has other content.

Source: RFC 8246 (immutable), RFC 9110 section 15.4.5.
"""

from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dss.kernel.digest import Digest
from dss.kernel.errors import NotFound

STYLE, SCRIPT = "page.css", "page.js"
MEDIA_TYPES = {STYLE: "text/css", SCRIPT: "text/javascript"}
FOREVER = "public, max-age=31536000, immutable"
HASH_DIGITS = 16


def routes() -> list[Route]:
    """Return the route of the files."""
    return [Route("/assets/{name}", give, methods=["GET"], name="asset")]


def address(name: str) -> str:
    """Return the path of a file, STYLE or SCRIPT."""
    stem, _, suffix = name.rpartition(".")
    return f"/assets/{stem}-{Digest.of(_content(name)).value.hex()[:HASH_DIGITS]}.{suffix}"


async def give(request: Request) -> Response:
    """Give a file by its whole name. Raises NotFound, also for a name of another version."""
    for name, media_type in MEDIA_TYPES.items():
        if address(name) == f"/assets/{request.path_params['name']}":
            return Response(_content(name), media_type=media_type, headers={"Cache-Control": FOREVER})
    raise NotFound


@cache
def _content(name: str) -> bytes:
    return resources.files("dss.web.pages").joinpath(f"assets/{name}").read_bytes()
