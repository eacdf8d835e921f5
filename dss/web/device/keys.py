"""The owner's keys as a phone sees them, and blocking one at once."""

import msgspec
from starlette.requests import Request

from dss.credentials import model
from dss.credentials.model import CredentialState
from dss.kernel import b64
from dss.kernel.clock import timestamp
from dss.kernel.digest import Digest
from dss.kernel.errors import Conflict, Locked
from dss.kernel.ids import CredentialId, DeviceId
from dss.kernel.keyspec import KeySpec
from dss.web.device.authenticating import device_of
from dss.web.http.fields import Id, Time
from dss.web.http.op import op
from dss.web.http.services import services_of

MOST_KEYS = 1000


class OwnCredential(msgspec.Struct):
    """A key of the owner with its certificate; held: the caller's share opens it."""

    id: Id
    state: CredentialState
    key_type: KeySpec
    subject: str
    certificate_sha256: str
    not_after: Time
    has_password: bool
    relock: bool
    held: bool


class OwnCredentials(msgspec.Struct):
    """The owner's keys, oldest first."""

    credentials: list[OwnCredential]


class KeyState(msgspec.Struct):
    """Where a key stands now."""

    state: CredentialState


@op("GET", "/device/v1/credentials")
async def list_own_credentials(request: Request) -> OwnCredentials:
    """List the owner's keys that have or had a certificate."""
    phone = device_of(request)
    found = await services_of(request).credentials.page(phone.user_id, None, MOST_KEYS)
    return OwnCredentials([_told(credential, phone.id) for credential in found if credential.is_certified])


@op("POST", "/device/v1/credentials/{id}/suspend", errors=(Conflict, Locked))
async def suspend_own_credential(request: Request, id: Id) -> KeyState:
    """Block a key at once, without a PIN; what waits for it is cancelled."""
    keys = services_of(request).keys
    return KeyState((await keys.suspend_own(device_of(request), CredentialId(id))).state)


def _told(credential: model.Credential, phone: DeviceId) -> OwnCredential:
    return OwnCredential(
        id=credential.id,
        state=credential.state,
        key_type=credential.key_spec,
        subject=credential.subject or "",
        certificate_sha256=b64.url_encode(Digest.of(credential.certificate or b"").value),
        not_after=timestamp(credential.not_after) if credential.not_after else "",
        has_password=credential.password is not None,
        relock=credential.relock,
        held=phone in credential.holders,
    )
