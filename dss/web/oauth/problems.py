"""Errors in the form of OAuth. Source: RFC 6749 section 5.2."""

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from dss.kernel.errors import DssError, Unauthenticated, Unavailable
from dss.web.http.op import JSON
from dss.web.http.problems import ErrorForm

CODES = frozenset(
    {
        "invalid_authorization_details",
        "invalid_client",
        "invalid_dpop_proof",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "invalid_target",
        "request_not_supported",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_response_type",
        "use_dpop_nonce",
    }
)
OWN_STATUS = frozenset({401, 413, 415, 429})


class OAuthError(msgspec.Struct, omit_defaults=True):
    """Why no token was given."""

    error: Annotated[str, Meta(description="A code of RFC 6749 section 5.2.")]
    error_description: Annotated[str, Meta(description="What is wrong in this request.")] = ""


def oauth_problem(error: DssError) -> Response:
    """Write an error as OAuth does; a 401 names the Basic scheme, as HTTP asks for a challenge in each."""
    body = OAuthError(_code(type(error)), _description(error.detail))
    response = Response(msgspec.json.encode(body), _status(type(error)), media_type=JSON)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Basic realm="oauth"'
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _code(error: type[DssError]) -> str:
    if error.code in CODES:
        return error.code
    return "temporarily_unavailable" if issubclass(error, Unavailable) else "invalid_request"


def _status(error: type[DssError]) -> int:
    """Return 400 for most of what a client does wrong (RFC 6749 section 5.2)."""
    return error.status if error.status in OWN_STATUS or error.status >= 500 else 400


def _description(detail: str) -> str:
    """Keep to the characters that error_description may have."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in detail)


OAUTH_ERRORS = ErrorForm(oauth_problem, _code, _status, OAuthError, JSON)
