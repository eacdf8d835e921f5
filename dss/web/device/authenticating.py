"""Who calls: the phone whose key made the proof in the DPoP header."""

from dataclasses import dataclass

from starlette.requests import Request

from dss.devices.model import Device
from dss.devices.proof import Call
from dss.kernel.errors import DssError, Unauthenticated
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
    """Return the phone that calls, as its row tells."""
    phone: Phone = request.state.caller
    return phone.device


def actor_of(request: Request) -> str:
    """Return the phone that calls, as the audit log names it."""
    phone: Phone = request.state.caller
    return phone.actor


def challenge(_: Request, error: DssError) -> str | None:
    """Return the WWW-Authenticate header of a refusal (RFC 9449 section 7.1)."""
    return 'DPoP error="invalid_dpop_proof"' if error.status == Unauthenticated.status else None


DPOP = Security("dpop", {"type": "apiKey", "in": "header", "name": "DPoP"}, authenticate, challenge)
