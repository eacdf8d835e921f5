"""What awaits the person, what exactly it is, and the answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from msgspec import Meta
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from dss.kernel.clock import timestamp
from dss.kernel.errors import AnswerRefused, Conflict, Expired, Locked
from dss.kernel.ids import TransactionId
from dss.transactions.model import Transaction
from dss.web.device.enrolments import Compact
from dss.web.http.fields import Id, Time
from dss.web.http.op import op

Wait = Annotated[int, Meta(ge=0, le=60, description="seconds to wait")]
Index = Annotated[int, Meta(ge=0, le=999)]
PDF, DER, EVENTS = "application/pdf", "application/octet-stream", "text/event-stream"
PING_S, LOOK_S = 15, 30


class Notice(msgspec.Struct):
    """Something that awaits an answer."""

    id: Id
    kind: str
    expires: Time


class Notices(msgspec.Struct):
    """All that awaits an answer."""

    transactions: list[Notice]


class Shown(msgspec.Struct):
    """A transaction: its state, and the signed confirmation request."""

    state: str
    request: str


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """The phone's answer (JWS), and with a confirmation its box (JWE)."""

    answer: Compact
    box: Compact | None = None


class Answered(msgspec.Struct):
    """What the answer came to."""

    state: str


@op("GET", "/device/v1/transactions")
async def list_waiting(request: Request, wait: Wait = 0, after: Id | None = None) -> Notices:
    """List what awaits an answer and is newer than `after`; wait for it if there is nothing."""
    device, services = request.state.caller.device, request.state.services
    newer = TransactionId(after) if after else None
    return Notices([_notice(found) for found in await services.transactions.waiting(device, newer, wait)])


@op("GET", "/device/v1/transactions/{id}")
async def show_transaction(request: Request, id: Id, wait: Wait = 0) -> Shown:
    """Read the confirmation request."""
    device, services = request.state.caller.device, request.state.services
    shown = await services.transactions.show(device, TransactionId(id), wait)
    return Shown(shown.state.value, shown.request_jws)


@op("GET", "/device/v1/transactions/{id}/documents/{index}/original", gives=(PDF,))
async def read_original(request: Request, id: Id, index: Index) -> FileResponse:
    """Read a document as it was uploaded."""
    device, services = request.state.caller.device, request.state.services
    entry, _ = await services.transactions.material(device, TransactionId(id), index)
    return FileResponse(services.documents.original(entry.item.document.document_digest), media_type=PDF)


@op("GET", "/device/v1/transactions/{id}/documents/{index}/prepared", gives=(PDF,))
async def read_prepared(request: Request, id: Id, index: Index) -> FileResponse:
    """Read a document with its place for the signature."""
    device, services = request.state.caller.device, request.state.services
    _, made = await services.transactions.material(device, TransactionId(id), index)
    return FileResponse(services.documents.product(made.prepared.digest), media_type=PDF)


@op("GET", "/device/v1/transactions/{id}/documents/{index}/attributes", gives=(DER,))
async def read_attributes(request: Request, id: Id, index: Index) -> Response:
    """Read the signed attributes, DER, as a SET OF."""
    device, services = request.state.caller.device, request.state.services
    _, made = await services.transactions.material(device, TransactionId(id), index)
    return Response(made.attributes, media_type=DER)


@op("POST", "/device/v1/transactions/{id}/answer", errors=(AnswerRefused, Conflict, Expired, Locked))
async def answer_transaction(request: Request, id: Id, body: Answer) -> Answered:
    """Answer."""
    device, services = request.state.caller.device, request.state.services
    state = await services.answering.answer(device, TransactionId(id), body.answer, body.box)
    return Answered(state.value)


@op("GET", "/device/v1/stream", gives=(EVENTS,))
async def stream(request: Request) -> EventSourceResponse:
    """Receive an event for each transaction that comes to await an answer; a wake-up only."""
    return EventSourceResponse(_events(request), ping=PING_S)


async def _events(request: Request) -> AsyncIterator[ServerSentEvent]:
    device, services = request.state.caller.device, request.state.services
    newest: TransactionId | None = None
    while not await request.is_disconnected():
        for found in await services.transactions.waiting(device, newest, LOOK_S):
            newest = found.id
            wake_up = {"id": found.id, "kind": found.kind.value}
            yield ServerSentEvent(event="transaction", data=msgspec.json.encode(wake_up).decode())
        await asyncio.sleep(0)


def _notice(transaction: Transaction) -> Notice:
    return Notice(transaction.id, transaction.kind.value, timestamp(transaction.expires_at))
