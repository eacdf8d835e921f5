"""What operators do to signers' keys and phones. Where the policy asks for two, a second one makes the same call."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request

from dss.ca.model import Reason
from dss.credentials.model import Authority, Credential
from dss.devices.model import Device, LockReason, Standing
from dss.kernel.clock import timestamp
from dss.kernel.errors import Conflict
from dss.kernel.ids import CredentialId, DeviceId
from dss.kernel.keyspec import KeySpec
from dss.oauth.caller import Caller
from dss.operators import model
from dss.web.http import paging
from dss.web.http.fields import Id, Time
from dss.web.http.op import op
from dss.web.http.services import services_of

SCOPE = "operators"
Login = Annotated[str, Meta(min_length=1, max_length=64, description="the signer's login")]


class RevokeRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Why a certificate is revoked, in the words of RFC 5280 section 5.3.1."""

    reason: Reason


class KeyState(StrEnum):
    """Where a key stands; a revoked or destroyed one is gone."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    DESTROYED = "destroyed"


class SigningKey(msgspec.Struct):
    """Where a signer's key stands.

    suspended_by: whose word it waits for. not_after: until when its certificate holds.
    """

    id: Id
    state: KeyState
    key_type: KeySpec
    suspended_by: Authority | None = None
    not_after: Time | None = None


class SigningKeys(msgspec.Struct):
    """A page of a signer's keys, oldest first, revoked and destroyed ones too."""

    items: list[SigningKey]
    next: str | None = None


class RegisteredPhone(msgspec.Struct):
    """Where a signer's phone stands.

    until:    the end of a lock that ends by itself, or of a new phone's waiting time.
    destroys: the keys that are destroyed with the phone if it is removed, as no other phone holds a share of them.
    """

    id: Id
    name: str
    state: Standing
    enrolled_at: Time
    lock_reason: LockReason | None = None
    until: Time | None = None
    destroys: list[Id] = []


class RegisteredPhones(msgspec.Struct):
    """A signer's phones, oldest first."""

    items: list[RegisteredPhone]


class Proposal(msgspec.Struct):
    """What waits for a second operator, who makes the same call before it expires."""

    id: Id
    action: str
    subject: str
    proposed_by: str
    expires_at: Time


class Proposals(msgspec.Struct):
    """What waits for a second operator, oldest first."""

    items: list[Proposal]


class KeyOutcome(msgspec.Struct):
    """done: the key as it is now. Not done: what was proposed instead."""

    done: bool
    credential: SigningKey | None = None
    proposal: Proposal | None = None


class PhoneOutcome(msgspec.Struct):
    """done: the phone as it is now. Not done: what was proposed instead."""

    done: bool
    phone: RegisteredPhone | None = None
    proposal: Proposal | None = None


@op("GET", "/v1/proposals", scope=SCOPE)
async def list_open_proposals(request: Request) -> Proposals:
    """List what one operator proposed and a second one has not agreed to yet."""
    return Proposals([_proposal(one) for one in await services_of(request).approvals.list_open()])


@op("GET", "/v1/users/{login}/credentials", scope=SCOPE)
async def list_signer_credentials(
    request: Request, login: Login, limit: paging.Limit = paging.DEFAULT, cursor: paging.Cursor | None = None
) -> SigningKeys:
    """List a signer's keys that have or had a certificate, by page."""
    services, after = services_of(request), paging.after(cursor)
    user = await services.users.by_login(login)
    found = await services.credentials.page(user.id, CredentialId(after) if after else None, limit)
    return SigningKeys([_key(key) for key in found], paging.next_link(request, [key.id for key in found], limit))


@op("POST", "/v1/credentials/{id}/suspend", scope=SCOPE, errors=(Conflict,))
async def suspend_signer_credential(request: Request, id: Id) -> SigningKey:
    """Block a key at once; what waits for it is cancelled, and only an operator resumes it."""
    return _key(await services_of(request).keys.suspend(CredentialId(id), _operator(request)))


@op("POST", "/v1/credentials/{id}/resume", scope=SCOPE, errors=(Conflict,))
async def resume_signer_credential(request: Request, id: Id) -> KeyOutcome:
    """Let a suspended key be used again; where the policy asks for two operators, the first one proposes it."""
    done = await services_of(request).keys.resume(CredentialId(id), _operator(request))
    if isinstance(done, model.Proposal):
        return KeyOutcome(done=False, proposal=_proposal(done))
    return KeyOutcome(done=True, credential=_key(done))


@op("POST", "/v1/credentials/{id}/revoke", scope=SCOPE, errors=(Conflict,))
async def revoke_signer_credential(request: Request, id: Id, body: RevokeRequest) -> SigningKey:
    """Revoke a certificate for good and destroy its key; the next list of revoked certificates follows in seconds."""
    return _key(await services_of(request).keys.revoke(CredentialId(id), body.reason, _operator(request)))


@op("POST", "/v1/credentials/{id}/destroy", scope=SCOPE, errors=(Conflict,))
async def destroy_signer_credential(request: Request, id: Id) -> SigningKey:
    """Destroy a key for good; its certificate stands, for what it signed before."""
    return _key(await services_of(request).keys.destroy(CredentialId(id), _operator(request)))


@op("GET", "/v1/users/{login}/phones", scope=SCOPE)
async def list_signer_phones(request: Request, login: Login) -> RegisteredPhones:
    """List a signer's phones."""
    services = services_of(request)
    user = await services.users.by_login(login)
    return RegisteredPhones([await _phone(request, device) for device in await services.devices.ever_of_user(user.id)])


@op("POST", "/v1/phones/{id}/block", scope=SCOPE, errors=(Conflict,))
async def block_signer_phone(request: Request, id: Id) -> RegisteredPhone:
    """Lock a phone at once until an operator lifts the lock; what only it can answer is cancelled.

    A new phone that still waits is removed.
    """
    return await _phone(request, await services_of(request).phones.block(DeviceId(id), _operator(request)))


@op("POST", "/v1/phones/{id}/unlock", scope=SCOPE, errors=(Conflict,))
async def unlock_signer_phone(request: Request, id: Id) -> PhoneOutcome:
    """Lift a phone's lock and forget its wrong PINs; where the policy asks for two operators, the first proposes it.

    The PIN stays as it is: nobody can tell or set it.
    """
    done = await services_of(request).phones.unlock(DeviceId(id), _operator(request))
    if isinstance(done, model.Proposal):
        return PhoneOutcome(done=False, proposal=_proposal(done))
    return PhoneOutcome(done=True, phone=await _phone(request, done))


@op("POST", "/v1/phones/{id}/remove", scope=SCOPE, errors=(Conflict,))
async def remove_signer_phone(request: Request, id: Id) -> RegisteredPhone:
    """Remove a phone for good.

    Keys that it holds a share of are locked anew at the next confirmation; those of which no other phone holds a share
    are destroyed: `destroys` of the phone names them beforehand.
    """
    return await _phone(request, await services_of(request).phones.remove(DeviceId(id), _operator(request)))


OPERATIONS = (
    list_open_proposals,
    list_signer_credentials,
    suspend_signer_credential,
    resume_signer_credential,
    revoke_signer_credential,
    destroy_signer_credential,
    list_signer_phones,
    block_signer_phone,
    unlock_signer_phone,
    remove_signer_phone,
)


def _operator(request: Request) -> str:
    caller: Caller = request.state.caller
    return f"operator:{caller.actor}"


def _key(credential: Credential) -> SigningKey:
    return SigningKey(
        id=credential.id,
        state=KeyState(credential.state.value),
        key_type=credential.key_spec,
        suspended_by=credential.suspended_by,
        not_after=timestamp(credential.not_after) if credential.not_after else None,
    )


async def _phone(request: Request, device: Device) -> RegisteredPhone:
    services = services_of(request)
    now = services.clock.now()
    standing, until = device.standing(now), device.until(now)
    return RegisteredPhone(
        id=device.id,
        name=device.name,
        state=standing,
        enrolled_at=timestamp(device.enrolled_at),
        lock_reason=device.lock_reason if standing is Standing.LOCKED else None,
        until=timestamp(until) if until else None,
        destroys=[key.id for key in await services.phones.lost_without(device)],
    )


def _proposal(proposal: model.Proposal) -> Proposal:
    return Proposal(
        id=proposal.id,
        action=proposal.action,
        subject=proposal.subject,
        proposed_by=proposal.proposed_by,
        expires_at=timestamp(proposal.expires_at),
    )
