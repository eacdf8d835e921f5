"""POST /oauth/par: a client hands over its authorization request. Source: RFC 9126."""

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request

from dss.kernel.errors import TooMany
from dss.oauth.authorization_errors import InvalidAuthorizationDetails, RequestNotSupported, UnsupportedResponseType
from dss.oauth.errors import InvalidClient, InvalidDpopProof, InvalidScope, UnauthorizedClient, UseDpopNonce
from dss.oauth.issuer import PAR_PATH
from dss.oauth.par import PushRequest, PushResponse
from dss.web.http.bearer import NONCE, presented_of
from dss.web.http.op import op
from dss.web.http.peer import address_of
from dss.web.http.reading import FORM
from dss.web.http.services import services_of
from dss.web.oauth.proving import ClientForm, proof_of

LARGEST = 2 * 1024 * 1024  # as many SHA-512 hashes as one signature takes
OF_CLIENT = ("client_secret", "client_assertion", "client_assertion_type")


class PushForm(ClientForm, kw_only=True):
    """An authorization request; a parameter that is not known is ignored (RFC 6749 section 3.1)."""

    response_type: Annotated[str, Meta(description="code")] = ""
    redirect_uri: Annotated[str, Meta(description="One that is registered.")] = ""
    scope: Annotated[str, Meta(description="service or credential.")] = ""
    code_challenge: Annotated[str, Meta(description="The SHA-256 of the verifier, base64url (RFC 7636).")] = ""
    code_challenge_method: Annotated[str, Meta(description="S256")] = ""
    state: Annotated[str, Meta(description="The client's own; it comes back as it came.")] = ""
    authorization_details: Annotated[
        str, Meta(description="JSON: an array of one detail of the type signature (RFC 9396), with scope credential.")
    ] = ""
    response_mode: Annotated[str, Meta(description="query")] = ""
    login_hint: Annotated[str, Meta(description="The login of the signer.")] = ""
    prompt: Annotated[str, Meta(description="login, consent, or none.")] = ""
    max_age: Annotated[str, Meta(description="How old the sign-in may be, in seconds.")] = ""
    ui_locales: Annotated[str, Meta(description="Languages, the dearest first, with spaces between.")] = ""
    dpop_jkt: Annotated[str, Meta(description="The thumbprint of the key that the code is bound to (RFC 9449).")] = ""
    request: Annotated[str, Meta(description="Not supported: request objects.")] = ""
    request_uri: Annotated[str, Meta(description="Refused: a pushed request names no other.")] = ""


class PushAnswer(msgspec.Struct):
    """The name by which a browser brings the request to the authorization endpoint, once, within expires_in seconds."""

    request_uri: str
    expires_in: int


@op(
    "POST",
    PAR_PATH,
    201,
    public=True,
    errors=(
        InvalidAuthorizationDetails,
        InvalidClient,
        InvalidDpopProof,
        InvalidScope,
        RequestNotSupported,
        TooMany,
        UnauthorizedClient,
        UnsupportedResponseType,
        UseDpopNonce,
    ),
    takes=(FORM,),
    tells=(NONCE,),
    limit=LARGEST,
)
async def push_request(request: Request, body: PushForm) -> PushAnswer:
    """Push an authorization request.

    The client authenticates as at the token endpoint. A DPoP proof binds the code to its key.
    """
    proof = proof_of(request, body)
    fields: dict[str, str] = msgspec.structs.asdict(body)
    values = {name: value for name, value in fields.items() if value and name not in OF_CLIENT}
    pushed: PushResponse = await services_of(request).push_endpoint.push(
        PushRequest(values, proof, await presented_of(request), address_of(request))
    )
    return PushAnswer(pushed.request_uri, pushed.expires_in)
