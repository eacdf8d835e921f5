"""Who calls: the phone whose key made the proof in the DPoP header."""

from dataclasses import dataclass

from starlette.requests import Request

from dss.devices.model import Device, Standing
from dss.devices.proof import Call
from dss.kernel.errors import DssError, Locked, Unauthenticated
from dss.web.http.security import Security
from dss.web.http.services import services_of


@dataclass(frozen=True, slots=True)
class Phone:
    """A caller of this protocol."""

    device: Device

    @property
    def actor(self) -> str:
        """The phone as the audit log names it."""
        return f"device:{self.device.id}"


async def authenticate(request: Request) -> Phone:
    """Return the phone that calls. Raises Unauthenticated."""
    proofs = request.headers.getlist("dpop")
    if len(proofs) != 1:
        raise Unauthenticated("the call needs one DPoP header")
    services = services_of(request)
    call = Call(request.method, f"{services.settings.public_url}{request.url.path}")
    return Phone(await services.devices.authenticate(proofs[0], call))


def device_of(request: Request) -> Device:
    """Return the phone that calls, as its row tells.

    Raises Locked for a new one that waits, and for one that was stopped: they are shown nothing.
    """
    device = newcomer_of(request)
    if device.standing(services_of(request).clock.now()) is Standing.WAITING:
        raise Locked("the phone waits: its owner may stop it until its time comes")
    if device.is_locked_for_good:
        raise Locked("the phone is locked")
    return device


def newcomer_of(request: Request) -> Device:
    """Return the phone that calls, also one that waits."""
    phone: Phone = request.state.caller
    return phone.device


def challenge(_: Request, error: DssError) -> str | None:
    """Return the WWW-Authenticate header of a refusal (RFC 9449 section 7.1)."""
    return 'DPoP error="invalid_dpop_proof"' if error.status == Unauthenticated.status else None


DPOP = Security("dpop", {"type": "apiKey", "in": "header", "name": "DPoP"}, authenticate, challenge)
