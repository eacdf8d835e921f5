"""The owner's phones: which there are, and stopping one at once."""

import msgspec
from starlette.requests import Request

from dss.devices.model import Device, Standing
from dss.kernel.clock import timestamp
from dss.kernel.errors import Conflict, Locked
from dss.kernel.ids import DeviceId
from dss.web.device.authenticating import device_of, newcomer_of
from dss.web.http.fields import Id, Time
from dss.web.http.op import op
from dss.web.http.services import services_of


class OwnPhone(msgspec.Struct, omit_defaults=True):
    """A phone of the owner; active: the end of its waiting time, while it waits."""

    id: Id
    name: str
    state: Standing
    this: bool
    active: Time | None = None


class OwnPhones(msgspec.Struct):
    """The owner's phones, oldest first."""

    phones: list[OwnPhone]


class PhoneState(msgspec.Struct):
    """Where a phone stands now."""

    state: Standing


@op("GET", "/device/v1/phones")
async def list_own_phones(request: Request) -> OwnPhones:
    """List the owner's phones."""
    caller, services = newcomer_of(request), services_of(request)
    now = services.clock.now()

    def told(phone: Device) -> OwnPhone:
        standing = phone.standing(now)
        waits = timestamp(phone.active_from) if standing is Standing.WAITING and phone.active_from else None
        return OwnPhone(phone.id, phone.name, standing, phone.id == caller.id, waits)

    return OwnPhones([told(phone) for phone in await services.devices.of_user(caller.user_id)])


@op("POST", "/device/v1/phones/{id}/block", errors=(Conflict, Locked))
async def block_own_phone(request: Request, id: Id) -> PhoneState:
    """Stop a phone of the owner at once, without a PIN; one that waits is removed."""
    services = services_of(request)
    stopped = await services.phones.block_own(device_of(request), DeviceId(id))
    return PhoneState(stopped.standing(services.clock.now()))
