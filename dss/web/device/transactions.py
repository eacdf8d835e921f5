"""What awaits the person, what exactly it is, and the answer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Annotated

import msgspec
import structlog
from msgspec import Meta
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dss.devices import answer as answers
from dss.devices.answer import Came
from dss.devices.model import Device, Standing
from dss.devices.request import Kind
from dss.documents.model import PDF, Prepared
from dss.kernel.clock import timestamp
from dss.kernel.errors import AnswerRefused, Conflict, Expired, Locked, TooMany, Unauthenticated, Unavailable
from dss.kernel.ids import TransactionId
from dss.transactions.machine import State
from dss.transactions.model import Transaction
from dss.transactions.parts import WAITING
from dss.web.device.authenticating import device_of
from dss.web.device.enrolments import Compact
from dss.web.http.fields import From, Id, Index, Time, Wait
from dss.web.http.files import WholeFile
from dss.web.http.op import NDJSON, op
from dss.web.http.services import services_of

DER, EVENTS = "application/octet-stream", "text/event-stream"
PING_S, LOOK_S = 15, 30
LONGEST_PAGE = 1000

Many = Annotated[int, Meta(ge=1, le=LONGEST_PAGE, description="How many items to list at most.")]
Known = Annotated[
    str,
    Meta(
        pattern="^([0-9A-HJKMNP-TV-Z]{26}(,[0-9A-HJKMNP-TV-Z]{26})*)?$",
        max_length=27 * WAITING,
        description="Ids that the phone knows already, with commas between.",
    ),
]

log = structlog.get_logger(__name__)


class Notice(msgspec.Struct):
    """Something that awaits an answer."""

    id: Id
    kind: Kind
    expires: Time


class WaitingPhone(msgspec.Struct):
    """A new phone of the owner that may do nothing yet."""

    id: Id
    name: str
    active: Time


class Notices(msgspec.Struct):
    """What awaits an answer, what does so no more, and the new phones that the owner is told of."""

    transactions: list[Notice]
    gone: list[Id]
    waiting_phones: list[WaitingPhone]


class Shown(msgspec.Struct):
    """A transaction: its state, and the signed confirmation request."""

    state: State
    request: str


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """The phone's answer (JWS), with a confirmation its box (JWE), and with a share what is shared (JWE)."""

    answer: Annotated[str, Meta(max_length=answers.LONGEST)]
    box: Compact | None = None
    share: Compact | None = None


class Answered(msgspec.Struct):
    """What the answer came to."""

    state: State


@op("GET", "/device/v1/transactions", errors=(TooMany,))
async def list_waiting(request: Request, wait: Wait = 0, known: Known = "") -> Notices:
    """List what awaits an answer, oldest first, at most 100.

    With `known`, what is not among these ids, and which of these do so no more; with `wait`, once there is any or the
    wait is over.
    """
    seen = [TransactionId(id) for id in known.split(",") if id]
    device, services = device_of(request), services_of(request)
    with _waiting(request, device, wait):
        news = await services.transactions.waiting(device, seen, wait)
    others = await services.devices.of_user(device.user_id)
    if not any(phone.id == device.id and not phone.is_locked_for_good for phone in others):
        raise Unauthenticated("the phone was removed or stopped")
    now = services.clock.now()
    new = [phone for phone in others if phone.standing(now) is Standing.WAITING and phone.id != device.id]
    told = [WaitingPhone(phone.id, phone.name, timestamp(phone.active_from)) for phone in new if phone.active_from]
    return Notices([_notice(transaction) for transaction in news.new], list(news.gone), told)


@op("GET", "/device/v1/transactions/{id}", errors=(TooMany,))
async def show_transaction(request: Request, id: Id, wait: Wait = 0) -> Shown:
    """Read a transaction's state and its confirmation request.

    With `wait`, once it is neither confirmed nor being signed, or the wait is over.
    """
    device = device_of(request)
    with _waiting(request, device, wait):
        shown = await services_of(request).transactions.show(device, TransactionId(id), wait)
    return Shown(shown.state, shown.request_jws)


@op("GET", "/device/v1/transactions/{id}/items", gives=(NDJSON,))
async def list_items(request: Request, id: Id, after: From = 0, limit: Many = LONGEST_PAGE) -> Response:
    """List what a batch stands for, one line of canonical JSON each, until the transaction has ended."""
    transactions = services_of(request).transactions
    items = await transactions.items(device_of(request), TransactionId(id), after, limit)
    return Response(b"".join(item.leaf() + b"\n" for item in items), media_type=NDJSON)


@op("GET", "/device/v1/transactions/{id}/documents/{index}/original", gives=(PDF,))
async def read_original(request: Request, id: Id, index: Index) -> WholeFile:
    """Read a document as it was uploaded, until the transaction has ended."""
    made = await _material(request, id, index)
    return WholeFile(services_of(request).documents.original(made.document_digest), media_type=PDF)


@op("GET", "/device/v1/transactions/{id}/documents/{index}/prepared", gives=(PDF,))
async def read_prepared(request: Request, id: Id, index: Index) -> WholeFile:
    """Read a document with its place for the signature, until the transaction has ended."""
    made = await _material(request, id, index)
    return WholeFile(services_of(request).documents.product(made.prepared.digest), media_type=PDF)


@op("GET", "/device/v1/transactions/{id}/documents/{index}/attributes", gives=(DER,))
async def read_attributes(request: Request, id: Id, index: Index) -> Response:
    """Read the signed attributes, DER, as a SET OF, until the transaction has ended."""
    return Response((await _material(request, id, index)).attributes, media_type=DER)


@op("POST", "/device/v1/transactions/{id}/answer", errors=(AnswerRefused, Conflict, Expired, Locked))
async def answer_transaction(request: Request, id: Id, body: Answer) -> Answered:
    """Confirm or decline; the same answer again changes nothing."""
    answering = services_of(request).answering
    came = Came(body.answer, body.box, body.share)
    return Answered(await answering.answer(device_of(request), TransactionId(id), came))


@op("GET", "/device/v1/stream", gives=(EVENTS,), errors=(TooMany,))
async def stream(request: Request) -> EventSourceResponse:
    """Receive an event for each transaction that comes to await an answer, or does so no more; a wake-up only."""
    device, turnstile = device_of(request), services_of(request).waits
    turnstile.enter(device.id)
    return _Stream(_events(request, device), partial(turnstile.leave, device.id))


class _Stream(EventSourceResponse):
    """Events until the phone has gone, and then what is to be done at the end, however it came."""

    def __init__(self, events: AsyncIterator[ServerSentEvent], leave: Callable[[], None]) -> None:
        super().__init__(events, ping=PING_S)
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()


async def _events(request: Request, device: Device) -> AsyncIterator[ServerSentEvent]:
    """Give the events until the phone has gone; without a database the stream ends, and the phone opens another."""
    transactions = services_of(request).transactions
    told: list[TransactionId] = []
    while not await request.is_disconnected():
        try:
            current = await services_of(request).devices.get(device.id)
            if current.is_removed or current.is_locked_for_good:
                return
            news = await transactions.waiting(device, told, LOOK_S)
        except Unavailable as fault:
            log.warning("stream ended", device=device.id, error_code=fault.code)
            return
        told = [id for id in told if id not in news.gone] + [found.id for found in news.new]
        for found in news.new:
            yield _event("transaction", {"id": found.id, "kind": found.kind})
        for id in news.gone:
            yield _event("gone", {"id": id})
        await asyncio.sleep(0)


def _waiting(request: Request, device: Device, wait: float) -> AbstractContextManager[None]:
    """Count a call that waits as one of the phone's. Raises TooMany."""
    return services_of(request).waits.within(device.id) if wait else nullcontext()


def _event(name: str, told: dict[str, str]) -> ServerSentEvent:
    return ServerSentEvent(event=name, data=msgspec.json.encode(told).decode())


async def _material(request: Request, id: Id, index: Index) -> Prepared:
    return await services_of(request).transactions.material(device_of(request), TransactionId(id), index)


def _notice(transaction: Transaction) -> Notice:
    return Notice(transaction.id, transaction.kind, timestamp(transaction.expires_at))
