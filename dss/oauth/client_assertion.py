"""Clients that authenticate by a signed JWT (private_key_jwt).

Source: RFC 7521 section 4.2, RFC 7523 section 3, RFC 8725.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc.jwk import ECKey

from dss.clients.jwks import CURVES, RSA_ALGORITHMS
from dss.kernel.errors import BadRequest
from dss.oauth import jwt
from dss.oauth.errors import InvalidClient
from dss.oauth.jwt import Jwt

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = (*CURVES, *sorted(RSA_ALGORITHMS))
TYPES = (None, "JWT", "client-authentication+jwt")
LONGEST = 8 * 1024
LONGEST_JTI = 255
LARGEST_TIME = 2**53
LIFETIME = timedelta(hours=1)  # what libraries make without being asked; each is good once, however long
SKEW = timedelta(seconds=30)

# One answer for an unknown client, an unknown key and a wrong signature: none of them tells which clients there are.
NOT_ACCEPTED = "the client assertion is not accepted"
NOBODYS: Mapping[str, Any] = {**ECKey.generate_key("P-256", private=False).as_dict(private=False), "alg": "ES256"}


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """An assertion whose form is right, and nothing more until `verify`."""

    signed: Jwt

    @property
    def claims(self) -> Mapping[str, Any]:
        """What it says; of any shape."""
        return self.signed.claims

    @property
    def client_id(self) -> str:
        """The client that the assertion speaks for."""
        return str(self.claims.get("sub", ""))

    @property
    def jti(self) -> str:
        """The assertion's unique id."""
        return str(self.claims["jti"])

    @property
    def forget_at(self) -> datetime:
        """From when on it is refused as expired, so that its use need not be remembered."""
        return datetime.fromtimestamp(self.claims["exp"], UTC) + SKEW

    def verify(self, keys: Mapping[str, Any] | None, audiences: Collection[str], now: datetime) -> None:
        """Raise InvalidClient unless the client made it for this server, now. Whether it was used before, `token` asks.

        keys:      the client's JWK set.
        audiences: the names of this server; `aud` is one of them, alone.
        """
        self._verify_signature(keys or {})
        claims = self.claims
        if not self.client_id or claims.get("iss") != claims.get("sub"):
            raise InvalidClient("iss and sub of the client assertion must both be the client id")
        if _audience(claims.get("aud")) not in audiences:
            raise InvalidClient(f"aud of the client assertion must be one of {', '.join(audiences)}")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI or not jti.isprintable():
            raise InvalidClient(f"jti of the client assertion must be 1 to {LONGEST_JTI} printable characters")
        _verify_times(claims, now)

    def _verify_signature(self, keys: Mapping[str, Any]) -> None:
        """Verify with the one key that fits, and by its own algorithm only (RFC 8725 section 3.1).

        Where none fits the work is the same: nobody's key takes its place.
        """
        header = self.signed.header
        # No extension is understood here, so none can be critical (RFC 7515 section 4.1.11).
        if header.get("alg") not in ALGORITHMS or header.get("typ") not in TYPES or "crit" in header:
            raise InvalidClient(f"the client assertion must be a JWT signed with one of {', '.join(ALGORITHMS)}")
        kid = header.get("kid")
        fitting = [key for key in keys.get("keys", []) if kid is None or key.get("kid") == kid]
        key = fitting[0] if len(fitting) == 1 else NOBODYS
        if not self.signed.is_by(key, key["alg"]):
            raise InvalidClient(NOT_ACCEPTED)


def read(text: str) -> ClientAssertion:
    """Read an assertion's form. Raises InvalidClient."""
    try:
        return ClientAssertion(jwt.read(text, LONGEST))
    except BadRequest as fault:
        raise InvalidClient(f"the client assertion is not a signed JWT: {fault.detail}") from fault


def _audience(aud: object) -> object:
    """Return the one audience: an assertion that others may use as well could be relayed by them."""
    if isinstance(aud, list) and len(aud) == 1:
        return aud[0]
    return aud if isinstance(aud, str) else None


def _verify_times(claims: Mapping[str, Any], now: datetime) -> None:
    issued, expires = _seconds(claims, "iat"), _seconds(claims, "exp")
    not_before = _seconds(claims, "nbf") if "nbf" in claims else issued
    moment, skew, lifetime = now.timestamp(), SKEW.total_seconds(), LIFETIME.total_seconds()
    if moment >= expires + skew:
        raise InvalidClient("the client assertion has expired")
    if max(issued, not_before) > moment + skew:
        raise InvalidClient("the client assertion is of a future time")
    if expires > moment + lifetime + skew or issued < moment - lifetime - skew:
        raise InvalidClient(f"a client assertion is good for at most {lifetime:.0f} seconds")


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 <= value < LARGEST_TIME:
        raise InvalidClient(f"the client assertion needs {name}, in whole seconds")
    return value
