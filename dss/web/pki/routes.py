"""CA certificates and CRLs, served from the database without any HSM.

Source: RFC 2585 sections 3 and 4, RFC 5280 sections 4.2.1.13 and 4.2.2.1, RFC 9110 sections 8.8 and 13.
"""

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dss.ca.model import AUTHORITY_NAME
from dss.ca.service import Ca
from dss.kernel.digest import Digest
from dss.kernel.errors import NotFound

CRL_AGE_S = 300  # a cache hides a revocation for this long at most
CERTIFICATE_AGE_S = 86_400


@dataclass(frozen=True, slots=True)
class Published:
    """A file to serve; at is when it was made, and age how many seconds a cache may keep it."""

    der: bytes
    media_type: str
    at: datetime
    age: int


def routes() -> list[Route]:
    """Return the routes of CRLs and CA certificates. They raise NotFound for a CA that there is not."""
    return [
        Route("/pki/{ca}.crl", crl, name="crl"),
        Route("/pki/{ca}.cer", certificate, name="ca_certificate"),
    ]


async def crl(request: Request) -> Response:
    """GET /pki/{ca}.crl: the newest CRL of a CA, DER."""
    ca: Ca = request.state.services.ca
    current = await ca.crl(_name(request))
    return _answer(request, Published(current.der, "application/pkix-crl", current.this_update, CRL_AGE_S))


async def certificate(request: Request) -> Response:
    """GET /pki/{ca}.cer: the certificate of a CA, DER."""
    ca: Ca = request.state.services.ca
    own = await ca.certificate(_name(request))
    return _answer(request, Published(own.der, "application/pkix-cert", own.validity.not_before, CERTIFICATE_AGE_S))


def _name(request: Request) -> str:
    """Return the CA that is asked for. What cannot be a name is not looked up: databases refuse some characters."""
    name: str = request.path_params["ca"]
    if not AUTHORITY_NAME.fullmatch(name):
        raise NotFound
    return name


def _answer(request: Request, published: Published) -> Response:
    headers = {
        "ETag": f'"{Digest.of(published.der).hex}"',
        "Last-Modified": format_datetime(published.at, usegmt=True),
        "Cache-Control": f"public, max-age={published.age}",
    }
    if _is_known(request, headers["ETag"], headers["Last-Modified"]):
        return Response(status_code=304, headers=headers)
    return Response(published.der, headers=headers, media_type=published.media_type)


def _is_known(request: Request, etag: str, last_modified: str) -> bool:
    """Tell whether the caller has this version; the tag decides where both are sent (RFC 9110 section 13.2.2)."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in tags.split(",")}
    return request.headers.get("if-modified-since") == last_modified
