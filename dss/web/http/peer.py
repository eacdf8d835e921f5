"""Who is at the other end of a connection: told by proxies, which are believed only at the addresses they have.

Source: RFC 9440 section 2; docs/authorization.md section 6.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.requests import Request

from dss.infra.proxies import Proxies
from dss.kernel.errors import BadRequest
from dss.oauth import client_certificate
from dss.web.http.services import services_of

FORWARDED = "X-Forwarded-For"
LONGEST = 2048


def certificate_of(request: Request) -> bytes | None:
    """Return the certificate that the caller showed to the proxy (DER), or None.

    Raises BadRequest, also where the header stands twice, even empty: one of them the caller may have written.
    """
    proxies = services_of(request).settings.proxies
    if not (proxies.header and proxies.trusts(_peer(request))):
        return None
    told = request.headers.getlist(proxies.header)
    if len(told) > 1:
        raise BadRequest(f"the header {proxies.header} stands more than once")
    return client_certificate.from_header(told[0]) if any(told) else None


def address_of(request: Request) -> str:
    """Return the caller's address as text, or what stands in its place where there is none (`unknown`).

    That is the last hop that is no proxy of this installation: what stands before it anybody could have written.
    """
    proxies, peer = services_of(request).settings.proxies, _peer(request)
    told = ",".join(request.headers.getlist(FORWARDED))
    return _last_hop(proxies, peer, told) if len(told) <= LONGEST else peer


def _last_hop(proxies: Proxies, peer: str, told: str) -> str:
    known = peer
    for hop in reversed([hop.strip() for hop in told.split(",")]):
        address = _address(hop)
        if not proxies.trusts(known) or address is None:
            break
        known = str(address)
    return known


def _peer(request: Request) -> str:
    address = request.client and _address(request.client.host)
    return str(address) if address else "unknown"


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address; an IPv4 one stays one where a socket for both kinds tells of it."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
