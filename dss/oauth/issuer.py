"""What identifies this authorization server."""

from dataclasses import dataclass
from datetime import timedelta

TOKEN_PATH = "/oauth/token"  # noqa: S105  a path
AUTHORIZE_PATH = "/oauth/authorize"
PAR_PATH = "/oauth/par"
REVOKE_PATH = "/oauth/revoke"
INTROSPECT_PATH = "/oauth/introspect"
JWKS_PATH = "/oauth/jwks.json"
METADATA_PATH = "/.well-known/oauth-authorization-server"

# However the operator changes the lifetime of access tokens, none that was made before lives longer than this.
LONGEST_TOKEN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """What the operator decides about tokens. token: of access tokens. refresh: of a consent's refresh tokens."""

    token: timedelta = timedelta(minutes=10)
    refresh: timedelta = timedelta(days=30)


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
    def audiences(self) -> tuple[str, ...]:
        """What clients' assertions may name this server by: its own URL, or that of an endpoint which takes them.

        Source: RFC 9126 section 2, and libraries that name the endpoint to which they send an assertion.
        """
        return (self.url, *(self.url + path for path in (TOKEN_PATH, PAR_PATH, REVOKE_PATH, INTROSPECT_PATH)))

    @property
    def jwks_uri(self) -> str:
        """The URL of the public keys."""
        return self.url + JWKS_PATH
