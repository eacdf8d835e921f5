"""POST /oauth/revoke: a client takes back a token. Source: RFC 7009."""

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request

from dss.oauth.errors import InvalidClient
from dss.oauth.issuer import REVOKE_PATH
from dss.web.http.op import op
from dss.web.http.reading import FORM
from dss.web.http.services import services_of
from dss.web.oauth.proving import FORM_LIMIT, ClientForm, proof_of


class RevocationForm(ClientForm, kw_only=True):
    """A token to revoke."""

    token: Annotated[str, Meta(description="An access token or a refresh token of the client.")]
    token_type_hint: Annotated[str, Meta(description="Not needed: the token tells what it is.")] = ""


class RevocationResponse(msgspec.Struct):
    """Nothing: the status says that the token is not good, whatever it was."""


@op("POST", REVOKE_PATH, public=True, errors=(InvalidClient,), takes=(FORM,), limit=FORM_LIMIT)
async def revoke(request: Request, body: RevocationForm) -> RevocationResponse:
    """Revoke a token, and with a signer's token all that the same consent gave.

    The answer is the same for a token that is unknown, has ended, or is another application's.
    """
    await services_of(request).revocation.revoke(proof_of(request, body), body.token)
    return RevocationResponse()
