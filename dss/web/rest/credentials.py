"""People's credentials: asking for one, and reading what is known of it."""

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request

from dss.credentials import model
from dss.kernel import b64
from dss.kernel.clock import timestamp
from dss.kernel.errors import Conflict, IdempotencyConflict, NotFound
from dss.kernel.ids import ClientId, CredentialId
from dss.kernel.keyspec import KeySpec
from dss.transactions.model import Idempotency, OpenCreation
from dss.web.http import paging
from dss.web.http.fields import Id, IdempotencyKey, Time
from dss.web.http.op import Created, op
from dss.web.rest.signatures import Wait


class CredentialRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A wish for a new credential of a signer, by login."""

    user: Annotated[str, Meta(min_length=1, max_length=64)]
    key_type: KeySpec = KeySpec.P256


class Requested(msgspec.Struct):
    """A credential that the signer's phone was asked to confirm."""

    id: Id
    state: str
    transaction_id: Id
    expires_at: Time


class Credential(msgspec.Struct):
    """A credential; state is `active` once there is a certificate, and tells of the request for it before.

    certificate and chain: base64 DER, the issuing CA first in the chain.
    """

    id: Id
    state: str
    key_type: KeySpec | None = None
    subject: str | None = None
    certificate: str | None = None
    chain: list[str] = []
    not_before: Time | None = None
    not_after: Time | None = None
    reason: str | None = None


class CredentialList(msgspec.Struct):
    """A page of credentials."""

    items: list[Credential]
    next: str | None = None


@op("POST", "/v1/credentials", 201, scope="credentials", errors=(NotFound, Conflict, IdempotencyConflict))
async def request_credential(
    request: Request, body: CredentialRequest, idempotency_key: IdempotencyKey | None = None
) -> Created[Requested]:
    """Ask a signer's phone to confirm a new key and certificate."""
    caller, services = request.state.caller, request.state.services
    digest = hashlib.sha256(msgspec.json.encode(body)).digest()
    used = None if idempotency_key is None else Idempotency(idempotency_key, digest)
    opened = await services.opening.open_creation(
        OpenCreation(ClientId(caller.client_id), body.user, body.key_type, used)
    )
    state, expires = opened.state.value, timestamp(opened.expires_at)
    requested = Requested(opened.credential_id, state, opened.id, expires)
    return Created(requested, location=f"/v1/credentials/{opened.credential_id}")


@op("GET", "/v1/credentials", scope="credentials")
async def list_credentials(
    request: Request,
    user: Annotated[str, Meta(min_length=1, max_length=64, description="the signer's login")],
    limit: paging.Limit = paging.DEFAULT,
    cursor: paging.Cursor | None = None,
) -> CredentialList:
    """List a signer's active credentials, by page; an unknown signer has none."""
    services = request.state.services
    after = paging.after(cursor)
    try:
        signer = await services.users.by_login(user)
    except NotFound:
        return CredentialList([])
    found = await services.credentials.page(signer.id, CredentialId(after) if after else None, limit)
    next_link = paging.next_link(request, [credential.id for credential in found], limit)
    return CredentialList([_credential(credential) for credential in found], next_link)


@op("GET", "/v1/credentials/{id}", scope="credentials")
async def read_credential(request: Request, id: Id, wait: Wait = 0) -> Credential:
    """Read a credential; one that the caller asked for can be read, and with `wait` waited for, before it is active."""
    caller, services = request.state.caller, request.state.services
    try:
        credential = await services.credentials.get(CredentialId(id))
    except NotFound:
        credential = None
    if credential is not None and credential.state is model.CredentialState.ACTIVE:
        return _credential(credential)
    asked = await services.transactions.creation_of(CredentialId(id), ClientId(caller.client_id), wait)
    if asked.state.value == "signed":
        return _credential(await services.credentials.get(CredentialId(id)))
    return Credential(id=id, state=asked.state.value, reason=asked.why or None)


def _credential(credential: model.Credential) -> Credential:
    return Credential(
        id=credential.id,
        state=credential.state.value,
        key_type=credential.key_spec,
        subject=credential.subject,
        certificate=b64.encode(credential.certificate or b""),
        chain=[b64.encode(link) for link in credential.chain],
        not_before=timestamp(credential.not_before) if credential.not_before else None,
        not_after=timestamp(credential.not_after) if credential.not_after else None,
    )
