"""What a phone scanned from a requester's page."""

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request

from dss.kernel.errors import Conflict, Expired, NotFound, TooMany
from dss.kernel.ids import TransactionId
from dss.kernel.storable import LARGEST
from dss.transactions.linking import Scanned
from dss.web.device.authenticating import device_of
from dss.web.http.fields import Id
from dss.web.http.op import op
from dss.web.http.services import services_of

Seconds = Annotated[int, Meta(ge=0, le=LARGEST, description="Whole seconds since 1970.")]
Code = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{43}$", min_length=43, max_length=43)]


class LinkScan(msgspec.Struct, forbid_unknown_fields=True):
    """The code of a QR, with what it is for and when it was made."""

    transaction: Id
    time: Seconds
    code: Code


class LinkOpened(msgspec.Struct):
    """The transaction that the phone may be shown now."""

    transaction: Id


@op("POST", "/device/v1/links", errors=(NotFound, Conflict, Expired, TooMany))
async def open_link(request: Request, body: LinkScan) -> LinkOpened:
    """Open the transaction of a code that was scanned at most 3 seconds after it was made; one code opens it."""
    scanned = Scanned(TransactionId(body.transaction), body.time, body.code)
    await services_of(request).linking.open_by_link(device_of(request), scanned)
    return LinkOpened(body.transaction)
