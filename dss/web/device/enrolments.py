"""Enrolment: the only calls a phone makes before it is known."""

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request

from dss.kernel.errors import ActivationRefused, Conflict, Expired, KeyInUse
from dss.kernel.ids import EnrolmentId
from dss.web.http.fields import Id
from dss.web.http.op import Created, op
from dss.web.http.services import services_of

Compact = Annotated[str, Meta(max_length=16384)]


class Offer(msgspec.Struct):
    """The signed offer."""

    offer: str


class Enrolment(msgspec.Struct, forbid_unknown_fields=True):
    """The phone's enrolment (JWS) and its box with the PIN proof (JWE)."""

    enrolment: Compact
    box: Compact


class Receipt(msgspec.Struct):
    """The signed receipt."""

    receipt: str


@op("GET", "/device/v1/enrolments/{id}", public=True, errors=(Expired,))
async def read_offer(request: Request, id: Id) -> Offer:
    """Read the offer that belongs to a QR code."""
    return Offer(await services_of(request).enrolling.offer(EnrolmentId(id)))


@op(
    "POST",
    "/device/v1/enrolments/{id}",
    201,
    public=True,
    errors=(ActivationRefused, Expired, Conflict, KeyInUse),
)
async def enrol(request: Request, id: Id, body: Enrolment) -> Created[Receipt]:
    """Register the phone."""
    receipt = await services_of(request).enrolling.enrol(EnrolmentId(id), body.enrolment, body.box)
    return Created(Receipt(receipt), location="/device/v1/transactions")
