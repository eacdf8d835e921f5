"""Bearer tokens in the Authorization header. Source: RFC 6750 sections 2.1 and 3, RFC 9068 section 4."""

from starlette.requests import Request

from dss.kernel.errors import DssError, Unauthenticated
from dss.oauth.service import Caller
from dss.web.http.security import InsufficientScope, Security
from dss.web.http.services import services_of


async def _authenticate(request: Request) -> Caller:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("an access token is needed, as `Authorization: Bearer`")
    return await services_of(request).oauth.authenticate(token.strip(" "))


def _challenge(request: Request, error: DssError) -> str | None:
    if isinstance(error, InsufficientScope):
        return f'Bearer error="insufficient_scope", scope="{error.scope}"'
    if error.status != Unauthenticated.status:
        return None
    return 'Bearer error="invalid_token"' if "authorization" in request.headers else "Bearer"


BEARER = Security("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}, _authenticate, _challenge)
