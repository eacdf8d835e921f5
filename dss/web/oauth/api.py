"""/oauth: the token endpoint, the server's metadata and its public keys."""

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request

from dss.oauth.errors import InvalidClient, InvalidScope, UnsupportedGrantType
from dss.oauth.issuer import JWKS_PATH, METADATA_PATH, TOKEN_PATH
from dss.oauth.jwks import KeySet
from dss.oauth.metadata import Metadata
from dss.oauth.service import TokenRequest, TokenResponse
from dss.web.http.op import Protocol, op
from dss.web.http.reading import FORM
from dss.web.oauth.problems import OAUTH_ERRORS

FORM_LIMIT = 32 * 1024

Short = Annotated[str, Meta(max_length=1024)]


class TokenForm(msgspec.Struct):
    """A token request; a parameter that is not known is ignored (RFC 6749 section 3.2)."""

    grant_type: Annotated[str, Meta(description="client_credentials", max_length=64)]
    scope: Annotated[str, Meta(description="Scopes with a space between; all of the client's when absent.")] = ""
    client_id: Short = ""
    client_secret: Short = ""
    client_assertion_type: Short = ""
    client_assertion: Annotated[str, Meta(description="A JWT of the client (RFC 7523 section 2.2).")] = ""


@op(
    "POST",
    TOKEN_PATH,
    public=True,
    errors=(InvalidClient, InvalidScope, UnsupportedGrantType),
    takes=(FORM,),
    limit=FORM_LIMIT,
)
async def token(request: Request, body: TokenForm) -> TokenResponse:
    """Get an access token for the application itself.

    The client authenticates by private_key_jwt, or by its secret in the Authorization header (Basic) or the form.
    """
    fields = msgspec.structs.asdict(body)
    asked = TokenRequest(**fields, authorization=request.headers.get("authorization", ""))
    response: TokenResponse = await request.state.services.oauth.token(asked)
    return response


@op("GET", METADATA_PATH, public=True)
async def authorization_server(request: Request) -> Metadata:
    """Read the authorization server's metadata (RFC 8414)."""
    told: Metadata = request.state.services.oauth.metadata()
    return told


@op("GET", JWKS_PATH, public=True)
async def jwks(request: Request) -> KeySet:
    """Read the public keys that access tokens verify with."""
    keys: KeySet = await request.state.services.oauth.key_set()
    return keys


OAUTH = Protocol("oauth", (token, authorization_server, jwks), errors=OAUTH_ERRORS)
