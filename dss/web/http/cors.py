"""Which answers scripts of other origins may read: those to calls that carry a token or a proof of their own.

No cookie counts at these addresses, so a page of somebody else gains nothing by calling them from a person's browser.
Pages for people are not among them. Source: Fetch standard, section 3.2; RFC 9449 section 9 (DPoP-Nonce).
"""

from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from dss.oauth.issuer import JWKS_PATH, METADATA_PATH, PAR_PATH, REVOKE_PATH, TOKEN_PATH

ADDRESSES: Final = frozenset({METADATA_PATH, JWKS_PATH, PAR_PATH, TOKEN_PATH, REVOKE_PATH})
BELOW: Final = "/v1/"
SENT: Final = ("Authorization", "Content-Type", "DPoP", "Idempotency-Key")
READ: Final = ("DPoP-Nonce", "Location", "Retry-After", "WWW-Authenticate")


class OpenToScripts:
    """Wraps the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app, allow_origins=("*",), allow_methods=("GET", "POST"), allow_headers=SENT, expose_headers=READ
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on, with what its answer says to browsers."""
        path = scope.get("path", "")
        serve = self._open if path in ADDRESSES or path.startswith(BELOW) else self._app
        await serve(scope, receive, send)
