"""What identifies this authorization server."""

from dataclasses import dataclass
from datetime import timedelta

TOKEN_PATH = "/oauth/token"  # noqa: S105  a path
JWKS_PATH = "/oauth/jwks.json"
METADATA_PATH = "/.well-known/oauth-authorization-server"


@dataclass(frozen=True, slots=True)
class Issuer:
    """An authorization server, which is also the only audience of its tokens.

    url:            the base URL, without a slash at the end (RFC 8414 section 2).
    scopes:         all that there are.
    token_lifetime: of access tokens.
    """

    url: str
    scopes: tuple[str, ...]
    token_lifetime: timedelta = timedelta(minutes=10)

    @property
    def token_endpoint(self) -> str:
        """The URL of the token endpoint."""
        return self.url + TOKEN_PATH

    @property
    def jwks_uri(self) -> str:
        """The URL of the public keys."""
        return self.url + JWKS_PATH
