"""Clients that authenticate by a secret: in the Authorization header or in the form. Source: RFC 6749 section 2.3.1."""

from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from dss.kernel import b64
from dss.kernel.errors import BadRequest
from dss.oauth.errors import InvalidClient

LONGEST = 1024


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A claimed client and its secret, not checked yet."""

    client_id: str
    secret: str = field(repr=False)


def from_basic(authorization: str) -> ClientSecret:
    """Read the Basic scheme, whose two parts are form-encoded before they are joined. Raises InvalidClient."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic" or len(credentials) > LONGEST:
        raise InvalidClient("the Authorization header must be of the Basic scheme")
    try:
        client_id, colon, secret = b64.decode(credentials.strip(" ")).decode("ascii").partition(":")
        claimed = ClientSecret(_plain(client_id), _plain(secret))
    except (BadRequest, ValueError) as fault:
        raise InvalidClient("the Basic credentials cannot be read") from fault
    if not colon:
        raise InvalidClient("the Basic credentials have no colon")
    return claimed


def _plain(encoded: str) -> str:
    return unquote_plus(encoded, errors="strict")
