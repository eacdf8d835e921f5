"""Access tokens in the Authorization header, with the proofs that belong to them.

Source: RFC 6750 sections 2.1 and 3, RFC 9449 section 7.1, RFC 9068 section 4.
"""

from urllib.parse import quote

from starlette.requests import Request

from dss.kernel.errors import DssError, Unauthenticated
from dss.oauth import calling
from dss.oauth.caller import Caller
from dss.oauth.dpop import ALGORITHMS
from dss.oauth.errors import ProofRefused
from dss.oauth.presented import Presented
from dss.web.http.peer import certificate_of
from dss.web.http.security import InsufficientScope, Security
from dss.web.http.services import services_of

NONCE = "DPoP-Nonce"
ALGS = f'algs="{" ".join(ALGORITHMS)}"'
SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token that is bound to a key comes as `DPoP`, with a proof in the header `DPoP` (RFC 9449).",
}


async def presented_of(request: Request) -> Presented:
    """Return what a request brings along to prove whose it is; to one with or in need of a proof, a nonce is told.

    Raises BadRequest, HsmUnavailable.
    """
    services, proofs = services_of(request), request.headers.getlist("dpop")
    if proofs or _scheme(request) == calling.DPOP:
        request.state.answer_headers[NONCE] = await services.calling.proofs.nonce()
    return Presented(
        method=request.method,
        url=services.settings.public_url + _path(request),
        authorization=request.headers.get("authorization", ""),
        dpop=", ".join(proofs),
        certificate=certificate_of(request),
    )


async def _authenticate(request: Request) -> Caller:
    return await services_of(request).calling.caller(await presented_of(request))


def _challenge(request: Request, error: DssError) -> str | None:
    used = _scheme(request)
    scheme, more = ("DPoP", f", {ALGS}") if used == calling.DPOP else ("Bearer", "")
    if isinstance(error, InsufficientScope):
        return f'{scheme} error="{error.code}", scope="{error.scope}"{more}'
    if error.status != Unauthenticated.status:
        return None
    if used not in {calling.BEARER, calling.DPOP}:
        return f"Bearer, DPoP {ALGS}"
    code = error.code if isinstance(error, ProofRefused) else "invalid_token"
    return f'{scheme} error="{code}"{more}'


def _scheme(request: Request) -> str:
    return request.headers.get("authorization", "").partition(" ")[0].lower()


def _path(request: Request) -> str:
    """Return the path as it was sent."""
    raw: bytes = request.scope.get("raw_path") or quote(request.url.path).encode()
    return raw.partition(b"?")[0].decode("latin-1")


BEARER = Security("bearer", SCHEME, _authenticate, _challenge, tells=(NONCE,))
