"""Is the server able to work? The same in every role."""

from typing import Literal

import msgspec
from starlette.requests import Request

from dss.web.http.bearer import BEARER
from dss.web.http.op import Protocol, op
from dss.web.http.services import services_of


class Health(msgspec.Struct):
    """The server works; role is what this process does.

    log: `behind` when an event has waited for more than a minute to be sealed: evidence is late, signing goes on.
    """

    status: str
    role: str
    log: Literal["sealed", "behind"]


@op("GET", "/v1/health", public=True)
async def read_health(request: Request) -> Health:
    """Tell that the database and the tokens of this process answer; else 503, and its code tells which does not."""
    services = services_of(request)
    await services.ready.require()
    log: Literal["sealed", "behind"] = "behind" if await services.log.is_behind() else "sealed"
    return Health("ok", services.settings.role.value, log)


HEALTH = Protocol("health", (read_health,), security=BEARER)
