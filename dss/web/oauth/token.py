"""POST /oauth/token: the token endpoint."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.requests import Request

from dss.kernel.errors import TooMany
from dss.login.model import Where
from dss.oauth.errors import (
    InvalidClient,
    InvalidDpopProof,
    InvalidGrant,
    InvalidScope,
    InvalidTarget,
    UnauthorizedClient,
    UnsupportedGrantType,
    UseDpopNonce,
)
from dss.oauth.issuer import TOKEN_PATH
from dss.oauth.issuing import Asked, TokenRequest
from dss.web.http.bearer import NONCE, presented_of
from dss.web.http.op import op
from dss.web.http.peer import address_of
from dss.web.http.reading import FORM
from dss.web.http.services import services_of
from dss.web.oauth.proving import FORM_LIMIT, ClientForm, proof_of

Short = Annotated[str, Meta(max_length=1024)]
Url = Annotated[str, Meta(max_length=2000)]


class TokenForm(ClientForm, kw_only=True):
    """A token request."""

    grant_type: Annotated[str, Meta(description="One of grant_types_supported in the metadata.", max_length=64)]
    scope: Annotated[str, Meta(description="Scopes with a space between; all that there are when absent.")] = ""
    code: Annotated[str, Meta(description="What came back from the authorization endpoint.", max_length=128)] = ""
    redirect_uri: Annotated[Url, Meta(description="As in the authorization request, where it is given.")] = ""
    code_verifier: Annotated[str, Meta(description="The secret of code_challenge (RFC 7636).", max_length=256)] = ""
    refresh_token: Annotated[str, Meta(description="The newest one: each is good once.", max_length=128)] = ""
    subject_token: Annotated[str, Meta(description="A signer's access token (RFC 8693).")] = ""
    subject_token_type: Short = ""
    actor_token: Annotated[str, Meta(description="An access token of the client's own (RFC 8693).")] = ""
    actor_token_type: Short = ""
    requested_token_type: Short = ""
    audience: Short = ""
    resource: Url = ""
    username: Short = ""
    password: Short = ""


class TokenAnswer(msgspec.Struct, omit_defaults=True):
    """Tokens that were issued (RFC 6749 section 5.1)."""

    access_token: str
    token_type: Annotated[str, Meta(description="Bearer, or DPoP for a token that is bound to a DPoP key.")]
    expires_in: Annotated[int, Meta(description="Seconds.")]
    scope: str
    refresh_token: str = ""
    authorization_details: Annotated[
        tuple[dict[str, Any], ...], Meta(description="What was authorized, with signature_id (RFC 9396 section 7).")
    ] = ()
    issued_token_type: Annotated[str, Meta(description="After a token exchange (RFC 8693 section 2.2.1).")] = ""


@op(
    "POST",
    TOKEN_PATH,
    public=True,
    errors=(
        InvalidClient,
        InvalidDpopProof,
        InvalidGrant,
        InvalidScope,
        InvalidTarget,
        TooMany,
        UnauthorizedClient,
        UnsupportedGrantType,
        UseDpopNonce,
    ),
    takes=(FORM,),
    tells=(NONCE,),
    limit=FORM_LIMIT,
)
async def token(request: Request, body: TokenForm) -> TokenAnswer:
    """Get an access token: for the application itself, or for a signer who allowed it.

    The client authenticates by private_key_jwt, by its secret in the Authorization header (Basic) or the form, or by
    its TLS certificate; a public client names itself.
    """
    issued = await services_of(request).token_endpoint.token(
        TokenRequest(
            asked=msgspec.convert(body, Asked, from_attributes=True),
            proof=proof_of(request, body),
            presented=await presented_of(request),
            where=Where(address_of(request), "", ""),
        )
    )
    return msgspec.convert(issued, TokenAnswer, from_attributes=True)
