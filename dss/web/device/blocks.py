"""The applications that may not ask the owner."""

import msgspec
from starlette.requests import Request

from dss.kernel.clock import timestamp
from dss.web.device.authenticating import device_of
from dss.web.http.fields import Id, Time
from dss.web.http.op import op
from dss.web.http.services import services_of


class Stopped(msgspec.Struct):
    """A relying application by its id, and by its name at that time."""

    id: Id
    name: str


class OwnBlock(msgspec.Struct):
    """An application that the owner stopped, and since when."""

    relying_application: Stopped
    blocked: Time


class OwnBlocks(msgspec.Struct):
    """What the owner stopped, oldest first."""

    blocks: list[OwnBlock]


@op("GET", "/device/v1/blocks")
async def list_own_blocks(request: Request) -> OwnBlocks:
    """List the applications that may not ask the owner."""
    found = await services_of(request).blocking.standing(device_of(request).user_id)
    told = [OwnBlock(Stopped(one.pair.client_id, one.name), timestamp(one.blocked_at)) for one in found]
    return OwnBlocks(told)
