"""Tiles of the log: they never change, so whoever has one need not ask again.

Source: C2SP tlog-tiles.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dss.audit.tiles import read_path
from dss.kernel.errors import NotFound
from dss.web.http.services import services_of

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "Access-Control-Allow-Origin": "*"}
OCTETS = "application/octet-stream"
LEVELS = {str(level): level for level in range(64)}


def routes() -> list[Route]:
    """Return the routes of tiles. What no checkpoint covers, and what is no tile's path, is 404."""
    return [
        Route("/log/tile/entries/{path:path}", entries, name="log_entries"),
        Route("/log/tile/{level}/{path:path}", tile, name="log_tile"),
    ]


async def tile(request: Request) -> Response:
    """GET /log/tile/L/N[.p/W]: hashes of 32 bytes."""
    level = LEVELS.get(request.path_params["level"])
    if level is None:
        raise NotFound
    index, width = read_path(request.path_params["path"])
    return Response(await services_of(request).log.tile(level, index, width), headers=FOR_EVER, media_type=OCTETS)


async def entries(request: Request) -> Response:
    """GET /log/tile/entries/N[.p/W]: entries, each after its length in two bytes."""
    index, width = read_path(request.path_params["path"])
    return Response(await services_of(request).log.entries(index, width), headers=FOR_EVER, media_type=OCTETS)
