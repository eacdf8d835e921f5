"""POST /oauth/introspect: what a token is good for. Source: RFC 7662."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.requests import Request

from dss.oauth.errors import InvalidClient
from dss.oauth.introspection import Active
from dss.oauth.issuer import INTROSPECT_PATH
from dss.web.http.op import op
from dss.web.http.reading import FORM
from dss.web.http.services import services_of
from dss.web.oauth.proving import FORM_LIMIT, ClientForm, proof_of


class IntrospectionForm(ClientForm, kw_only=True):
    """A token to look at."""

    token: Annotated[str, Meta(description="An access token or a refresh token.")]
    token_type_hint: Annotated[str, Meta(description="Not needed: the token tells what it is.")] = ""


class Confirmation(msgspec.Struct, omit_defaults=True):
    """What a token is bound to (RFC 7800)."""

    jkt: Annotated[str, Meta(description="Thumbprint of a DPoP key (RFC 9449 section 6.1).")] = ""
    x5t: Annotated[str, Meta(description="SHA-256 of a certificate (RFC 8705 section 3.1).")] = msgspec.field(
        default="", name="x5t#S256"
    )


class IntrospectionResponse(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What a token says; of one that is not good, or not the caller's, that it is not active and nothing else."""

    active: bool
    scope: str = ""
    client_id: str = ""
    username: Annotated[str | None, Meta(description="The signer's login.")] = None
    token_type: Annotated[str | None, Meta(description="Bearer or DPoP; absent for a refresh token.")] = None
    exp: Annotated[int | None, Meta(description="Seconds since 1970.")] = None
    iat: Annotated[int | None, Meta(description="Seconds since 1970.")] = None
    sub: str = ""
    aud: str = ""
    iss: str = ""
    jti: str | None = None
    cnf: Confirmation | None = None
    authorization_details: list[dict[str, Any]] = []
    act: dict[str, Any] | None = None
    auth_time: Annotated[int | None, Meta(description="When the signer proved who they are.")] = None


@op("POST", INTROSPECT_PATH, public=True, errors=(InvalidClient,), takes=(FORM,), limit=FORM_LIMIT)
async def introspect(request: Request, body: IntrospectionForm) -> IntrospectionResponse:
    """Look at a token: applications at their own, resource servers at every one."""
    introspection = services_of(request).introspection
    active = await introspection.introspect(proof_of(request, body), body.token)
    return IntrospectionResponse(active=False) if active is None else _told(active, introspection.issuer.url)


def _told(token: Active, issuer: str) -> IntrospectionResponse:
    return IntrospectionResponse(
        active=True,
        scope=token.scope,
        client_id=token.client_id,
        username=token.username,
        token_type=token.token_type,
        exp=token.exp,
        iat=token.iat,
        sub=token.sub,
        aud=issuer,
        iss=issuer,
        jti=token.jti,
        cnf=Confirmation(token.jkt, token.x5t) if token.jkt or token.x5t else None,
        authorization_details=[dict(detail) for detail in token.details],
        act=None if token.act is None else dict(token.act),
        auth_time=token.auth_time,
    )
