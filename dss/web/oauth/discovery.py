"""What clients find out about the authorization server: its metadata and its public keys."""

from typing import Final

from starlette.requests import Request

from dss.oauth.issuer import JWKS_PATH, METADATA_PATH
from dss.oauth.jwks import KeySet
from dss.oauth.metadata import Metadata
from dss.web.http.op import op
from dss.web.http.services import services_of

FOR_MINUTES: Final = "public, max-age=300"  # a key is shown for an hour before it signs


@op("GET", METADATA_PATH, public=True)
async def authorization_server(request: Request) -> Metadata:
    """Read the authorization server's metadata (RFC 8414)."""
    request.state.answer_headers["Cache-Control"] = FOR_MINUTES
    return services_of(request).metadata


@op("GET", JWKS_PATH, public=True)
async def jwks(request: Request) -> KeySet:
    """Read the public keys that access tokens verify with: the one in use, the next, the last."""
    keys = await services_of(request).token_keys.key_set()
    request.state.answer_headers["Cache-Control"] = FOR_MINUTES
    return keys
