"""Changes that the owner opens on a phone and then confirms there, and what one phone shares with another."""

import msgspec
from starlette.requests import Request

from dss.ca.model import Reason
from dss.devices.model import ShareState
from dss.devices.request import Action
from dss.kernel.clock import timestamp
from dss.kernel.errors import Conflict, Locked, NotFound, TooMany
from dss.kernel.ids import ClientId, CredentialId, DeviceId, TransactionId
from dss.transactions.model import OpenChange, Transaction
from dss.web.device.authenticating import device_of, newcomer_of
from dss.web.http.fields import Id, Time
from dss.web.http.op import Created, op
from dss.web.http.services import services_of


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """What the owner wishes to change."""

    action: Action
    credential: Id | None = None
    phone: Id | None = None
    reason: Reason | None = None
    relying_application: Id | None = None


class ShareWish(msgspec.Struct, forbid_unknown_fields=True):
    """With which phone of the owner the caller is to share what it holds."""

    phone: Id


class Opened(msgspec.Struct):
    """The transaction that awaits the caller's answer."""

    id: Id
    expires: Time


class Share(msgspec.Struct):
    """What another phone shared: the request and the answer (JWS) that show it, and the shares (JWE)."""

    id: Id
    request: str
    answer: str
    share: str


class Shares(msgspec.Struct):
    """What waits to be taken."""

    shares: list[Share]


class Taken(msgspec.Struct):
    """Where a share stands now."""

    state: ShareState


@op("POST", "/device/v1/changes", 201, errors=(NotFound, Conflict, Locked, TooMany))
async def open_change(request: Request, body: Change) -> Created[Opened]:
    """Open a change of what is the owner's; the phone then confirms it as any transaction."""
    credential = CredentialId(body.credential) if body.credential else None
    phone = DeviceId(body.phone) if body.phone else None
    client = ClientId(body.relying_application) if body.relying_application else None
    wish = OpenChange(body.action, credential, phone, body.reason, client)
    return _opened(await services_of(request).changing.open(device_of(request), wish))


@op("POST", "/device/v1/shares", 201, errors=(NotFound, Conflict, Locked, TooMany))
async def open_share(request: Request, body: ShareWish) -> Created[Opened]:
    """Open a share with another phone of the owner; the caller then confirms it."""
    return _opened(await services_of(request).sharing.open(device_of(request), DeviceId(body.phone)))


@op("GET", "/device/v1/shares")
async def list_shares(request: Request) -> Shares:
    """List what other phones have shared with the caller; nothing before its waiting time is over."""
    found = await services_of(request).sharing.waiting_for(newcomer_of(request))
    return Shares([Share(one.id, one.request_jws, one.answer_jws, one.jwe or "") for one in found])


@op("POST", "/device/v1/shares/{id}/taken", errors=(Conflict, Locked))
async def take_share(request: Request, id: Id) -> Taken:
    """Tell that the caller keeps a share: the server forgets it; a second time changes nothing."""
    return Taken((await services_of(request).sharing.taken(device_of(request), TransactionId(id))).state)


def _opened(transaction: Transaction) -> Created[Opened]:
    opened = Opened(transaction.id, timestamp(transaction.expires_at))
    return Created(opened, location=f"/device/v1/transactions/{transaction.id}")
