"""Answers by code: the QR for a phone without a connection, and the code that its owner types."""

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from dss.clients.model import RELYING
from dss.kernel.errors import AnswerRefused, Conflict, Expired, NotFound
from dss.kernel.ids import TransactionId
from dss.transactions.machine import State
from dss.web.http.fields import Id, Scale
from dss.web.http.op import op
from dss.web.http.pictures import PNG, qr_png
from dss.web.http.services import services_of
from dss.web.rest.calling import client_of

Code = Annotated[str, Meta(pattern="^[0-9]{8}$", min_length=8, max_length=8, description="As the phone shows it.")]
REFUSED = (AnswerRefused, Conflict, Expired, NotFound)


class OfflineQr(msgspec.Struct):
    """The text of the QR."""

    text: str


class TypedCode(msgspec.Struct, forbid_unknown_fields=True):
    """The code that the person typed: the phone shows one to confirm, and another to decline."""

    code: Code


class CodeTaken(msgspec.Struct):
    """Where the transaction stands now."""

    state: State


@op("GET", "/v1/transactions/{id}/offline-qr", scope=RELYING, errors=(Conflict, Expired, NotFound))
async def read_offline_qr(request: Request, id: Id) -> OfflineQr:
    """Read the text of the QR by which a phone without a connection is shown the request."""
    return OfflineQr(await services_of(request).offline.qr_text(client_of(request), TransactionId(id)))


@op(
    "GET",
    "/v1/transactions/{id}/offline-qr.png",
    scope=RELYING,
    errors=(Conflict, Expired, NotFound),
    gives=(PNG,),
)
async def read_offline_qr_picture(request: Request, id: Id, scale: Scale = 4) -> Response:
    """Read that QR as a picture."""
    text = await services_of(request).offline.qr_text(client_of(request), TransactionId(id))
    return Response(await qr_png(text, scale), media_type=PNG)


@op("POST", "/v1/transactions/{id}/offline-code", scope=RELYING, errors=REFUSED)
async def answer_by_code(request: Request, id: Id, body: TypedCode) -> CodeTaken:
    """Answer a transaction by the code that its signer typed.

    Three wrong ones cancel it. The code that answered it may be sent again.
    """
    offline = services_of(request).offline
    return CodeTaken(await offline.answer(client_of(request), TransactionId(id), body.code))
