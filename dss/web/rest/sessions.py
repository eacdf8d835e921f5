"""Sessions: asking for one, how it stands, and its end."""

import hashlib
from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request

from dss.devices.answer import Cause
from dss.kernel.clock import timestamp
from dss.kernel.errors import Conflict, DeceptiveText, Forbidden, IdempotencyConflict, NotFound, TooMany
from dss.kernel.ids import CredentialId, TransactionId
from dss.kernel.policy import Bounds, Mode
from dss.transactions.machine import State
from dss.transactions.model import Asking, Idempotency, OpenSession
from dss.transactions.outcome import Outcome
from dss.transactions.sessions import Standing
from dss.web.http.fields import Browser, Id, IdempotencyKey, Time, Wait
from dss.web.http.op import Created, op
from dss.web.http.services import services_of
from dss.web.rest.calling import client_of
from dss.web.rest.forms import AnsweredBy, Verification, answered, cause, verification

OPENING = (Conflict, DeceptiveText, Forbidden, IdempotencyConflict, NotFound, TooMany)


class SessionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """How many signatures by one key, within how many minutes from the signer's answer."""

    credential_id: Id
    signatures: Annotated[int, Meta(ge=1, le=10_000)]
    minutes: Annotated[int, Meta(ge=1, le=480)]
    text: Annotated[str, Meta(max_length=500)] = ""
    verification: Mode = Mode.NONE
    browser: Browser | None = None
    expires_in: Annotated[int, Meta(ge=10, le=3600)] | None = None


class SessionTold(msgspec.Struct):
    """A session: `confirmed` while signatures may be asked for in it; used, started and ends once it was confirmed.

    answered tells by what it was, reason and cause why it was declined or otherwise ended.

    page, told to who opens it: where a browser is sent that is to be shown how it goes on, and what is to be scanned.
    """

    id: Id
    state: State
    credential_id: Id
    signatures: int
    minutes: int
    text: str
    opened_at: Time
    expires_at: Time
    verification: Verification
    answered: AnsweredBy | None = None
    used: int | None = None
    started_at: Time | None = None
    ends_at: Time | None = None
    reason: str | None = None
    cause: Cause | None = None
    page: str | None = None


class SessionList(msgspec.Struct):
    """Sessions that go on, oldest first."""

    items: list[SessionTold]


@op("POST", "/v1/sessions", 201, scope="signatures", errors=OPENING)
async def open_session(
    request: Request, body: SessionRequest, idempotency_key: IdempotencyKey | None = None
) -> Created[SessionTold]:
    """Ask a signer for a session: one confirmation for a counted number of signatures within a time.

    Nothing of what will be signed is shown to them. Off unless an operator allowed it for the key.
    """
    client, services = client_of(request), services_of(request)
    body_sha256 = hashlib.sha256(msgspec.json.encode(body)).digest()
    within = None if body.expires_in is None else timedelta(seconds=body.expires_in)
    wish = OpenSession(
        client_id=client,
        credential_id=CredentialId(body.credential_id),
        bounds=Bounds(body.signatures, body.minutes),
        asked=Asking(body.text, body.verification, body.browser or "", within),
        idempotency=None if idempotency_key is None else Idempotency(idempotency_key, body_sha256),
    )
    opened = await services.sessions.open(wish)
    answer = told(await services.sessions.of_client(client, opened.id))
    answer.page = await services.linking.page(opened.id)
    return Created(answer, location=f"/v1/sessions/{opened.id}")


@op("GET", "/v1/sessions", scope="signatures")
async def list_sessions(request: Request) -> SessionList:
    """List the caller's sessions that go on, up to 100."""
    found = await services_of(request).sessions.list_of_client(client_of(request))
    return SessionList([told(one) for one in found])


@op("GET", "/v1/sessions/{id}", scope="signatures")
async def read_session(request: Request, id: Id, wait: Wait = 0) -> SessionTold:
    """Read a session.

    With `wait`, once the signer has answered or the wait is over.
    """
    return told(await services_of(request).sessions.of_client(client_of(request), TransactionId(id), wait))


@op("POST", "/v1/sessions/{id}/end", scope="signatures")
async def end_session(request: Request, id: Id) -> SessionTold:
    """End a session at once, when the person logs out for instance; a second time changes nothing."""
    return told(await services_of(request).sessions.end(client_of(request), TransactionId(id)))


def told(standing: Standing) -> SessionTold:
    """Return how a session looks to the relying application."""
    transaction, known = standing.transaction, standing.known
    return SessionTold(
        id=transaction.id,
        state=transaction.state,
        credential_id=transaction.key,
        signatures=standing.bounds.signatures,
        minutes=standing.bounds.minutes,
        text=transaction.text,
        opened_at=timestamp(transaction.opened_at),
        expires_at=timestamp(transaction.expires_at),
        verification=verification(transaction),
        answered=answered(Outcome.of(transaction)),
        used=None if known is None else known.used,
        started_at=None if known is None else timestamp(known.started_at),
        ends_at=None if known is None else timestamp(known.ends_at),
        reason=transaction.why or None,
        cause=cause(transaction),
    )
