"""People's credentials: asking for one, and reading what is known of it."""

import hashlib
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request

from dss.credentials import model
from dss.devices.answer import Cause
from dss.kernel import b64
from dss.kernel.clock import timestamp
from dss.kernel.errors import Conflict, IdempotencyConflict, Invalid, NotFound, TooMany
from dss.kernel.ids import CredentialId, UserId
from dss.kernel.keyspec import KeySpec
from dss.kernel.policy import Mode
from dss.transactions.machine import State
from dss.transactions.model import Idempotency, OpenCreation, Transaction
from dss.transactions.outcome import Outcome
from dss.web.http import paging
from dss.web.http.fields import Browser, Id, IdempotencyKey, Time, Wait
from dss.web.http.op import Created, op
from dss.web.http.services import services_of
from dss.web.rest.calling import READS_KEYS, client_of, signer_of
from dss.web.rest.forms import AnsweredBy, Verification, answered, cause, verification

Login = Annotated[str, Meta(min_length=1, max_length=64, description="the signer's login")]


class CredentialState(StrEnum):
    """Where a credential stands; until it has its certificate, where the request for it stands."""

    AWAITING = "awaiting"
    CONFIRMED = "confirmed"
    SIGNING = "signing"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    DESTROYED = "destroyed"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @classmethod
    def of(cls, request: State) -> "CredentialState":
        """Return where the credential stands whose request is in a state."""
        return cls.ACTIVE if request is State.SIGNED else cls(request.value)


class CredentialRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A wish for a new credential of a signer, by login; it may replace one, which ends the moment this one begins.

    verification: how the signer makes sure that it is theirs, at least; policies may ask for more, never for less.
    """

    user: Annotated[str, Meta(min_length=1, max_length=64)]
    key_type: KeySpec = KeySpec.P256
    replaces: Id | None = None
    verification: Mode = Mode.NONE
    browser: Browser | None = None


class Requested(msgspec.Struct):
    """A credential that the signer's phone was asked to confirm.

    page: where a browser is sent that is to be shown how it goes on, and what is to be scanned.
    """

    id: Id
    state: CredentialState
    transaction_id: Id
    expires_at: Time
    verification: Verification
    page: str


class Credential(msgspec.Struct):
    """A credential; until it has a certificate it tells of the request for it.

    verification: how the signer makes sure that the request is theirs, and answered, by what they confirmed it, are
    there until then; reason and cause at a bad end.
    certificate and chain: base64 DER, the issuing CA first in the chain.
    """

    id: Id
    state: CredentialState
    key_type: KeySpec | None = None
    subject: str | None = None
    certificate: str | None = None
    chain: list[str] = []
    not_before: Time | None = None
    not_after: Time | None = None
    verification: Verification | None = None
    answered: AnsweredBy | None = None
    reason: str | None = None
    cause: Cause | None = None


class CredentialList(msgspec.Struct):
    """A page of credentials."""

    items: list[Credential]
    next: str | None = None


@op("POST", "/v1/credentials", 201, scope="credentials", errors=(NotFound, TooMany, Conflict, IdempotencyConflict))
async def request_credential(
    request: Request, body: CredentialRequest, idempotency_key: IdempotencyKey | None = None
) -> Created[Requested]:
    """Ask a signer's phone to confirm a new key and certificate."""
    digest = hashlib.sha256(msgspec.json.encode(body)).digest()
    wish = OpenCreation(
        client_id=client_of(request),
        login=body.user,
        key_spec=body.key_type,
        replaces=CredentialId(body.replaces) if body.replaces else None,
        idempotency=None if idempotency_key is None else Idempotency(idempotency_key, digest),
        mode=body.verification,
        browser=body.browser or "",
    )
    services = services_of(request)
    opened = await services.opening.open_creation(wish)
    requested = Requested(
        id=opened.key,
        state=CredentialState.of(opened.state),
        transaction_id=opened.id,
        expires_at=timestamp(opened.expires_at),
        verification=verification(opened),
        page=await services.linking.page(opened.id),
    )
    return Created(requested, location=f"/v1/credentials/{opened.key}")


@op("GET", "/v1/credentials", scope=READS_KEYS)
async def list_credentials(
    request: Request,
    user: Login | None = None,
    limit: paging.Limit = paging.DEFAULT,
    cursor: paging.Cursor | None = None,
) -> CredentialList:
    """List a signer's credentials that have or had a certificate, by page; an unknown signer has none.

    An application that calls for itself names the signer; a signer's token lists that signer's own.
    """
    after, signer = paging.after(cursor), await _signer(request, user)
    if signer is None:
        return CredentialList([])
    found = await services_of(request).credentials.page(signer, CredentialId(after) if after else None, limit)
    next_link = paging.next_link(request, [credential.id for credential in found], limit)
    return CredentialList([_certified(credential) for credential in found], next_link)


@op("GET", "/v1/credentials/{id}", scope=READS_KEYS)
async def read_credential(request: Request, id: Id, wait: Wait = 0) -> Credential:
    """Read a credential, certified or asked for by the caller.

    With `wait`, once the request for it has come to its end or the wait is over. A signer's token reads what is
    certified of that signer's own.
    """
    signer = signer_of(request)
    if signer is not None:
        return _certified(await _own(request, signer, CredentialId(id)))
    found = await services_of(request).transactions.credential_of(client_of(request), CredentialId(id), wait)
    return _requested(found) if isinstance(found, Transaction) else _certified(found)


async def _signer(request: Request, login: str | None) -> UserId | None:
    """Return whose credentials are listed; None for a signer who is unknown, or another than the token's."""
    own, users = signer_of(request), services_of(request).users
    if login is None and own is None:
        raise Invalid("query parameter user is missing")
    if login is None:
        return own
    try:
        named = (await users.by_login(login)).id
    except NotFound:
        return None
    return named if own in {None, named} else None


async def _own(request: Request, signer: UserId, id: CredentialId) -> model.Credential:
    credential = (await services_of(request).keys.own(signer, id)).value
    if not credential.is_certified:
        raise NotFound("there is no such credential")
    return credential


def _requested(asked: Transaction) -> Credential:
    return Credential(
        id=asked.key,
        state=CredentialState.of(asked.state),
        verification=verification(asked),
        answered=answered(Outcome.of(asked)),
        reason=asked.why or None,
        cause=cause(asked),
    )


def _certified(credential: model.Credential) -> Credential:
    return Credential(
        id=credential.id,
        state=CredentialState(credential.state.value),
        key_type=credential.key_spec,
        subject=credential.subject,
        certificate=b64.encode(credential.certificate or b""),
        chain=[b64.encode(link) for link in credential.chain],
        not_before=timestamp(credential.not_before) if credential.not_before else None,
        not_after=timestamp(credential.not_after) if credential.not_after else None,
    )
