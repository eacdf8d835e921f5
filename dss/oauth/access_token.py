"""Access tokens as signed JWTs, made with the HSM's key and verified in the process. Source: RFC 9068."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.infra import jose
from dss.kernel import b64
from dss.kernel.clock import Clock
from dss.kernel.errors import BadRequest, Unauthenticated
from dss.kernel.ids import ClientId, Ids
from dss.oauth.issuer import Issuer
from dss.oauth.jwks import key_id

TYPE = "at+jwt"
REMEMBERED = 4096

REFUSED = "the access token is not valid, or has expired"


@dataclass(frozen=True, slots=True)
class Minted:
    """A new access token.

    id:       its jti.
    lifetime: from now on.
    """

    text: str = field(repr=False)
    id: str
    lifetime: timedelta


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified access token says. expires: seconds since 1970."""

    client_id: ClientId
    scopes: frozenset[str]
    expires: int


class AccessTokens:
    """Makes access tokens and verifies them; remembers the ones it verified, by their SHA-256, until they expire."""

    def __init__(self, issuer: Issuer, keys: ServiceKeys, clock: Clock) -> None:
        self.issuer = issuer
        self._keys = keys
        self._clock = clock
        self._ids = Ids(clock)
        self._public: ec.EllipticCurvePublicKey | None = None
        self._verified: OrderedDict[bytes, Claims] = OrderedDict()

    async def public_key(self) -> ec.EllipticCurvePublicKey:
        """Return the key that the tokens verify with. Raises HsmUnavailable."""
        if self._public is None:
            self._public = await self._keys.public_key(KeyName.TOKEN_SIGNING)
        return self._public

    async def mint(self, client_id: ClientId, scopes: Collection[str]) -> Minted:
        """Make an access token of a client for itself (RFC 9068 section 2). Raises HsmUnavailable."""
        jti, issued = self._ids.new(), int(self._clock.now().timestamp())
        lifetime = self.issuer.token_lifetime
        header = {"typ": TYPE, "alg": "ES256", "kid": key_id(await self.public_key())}
        claims = {
            "iss": self.issuer.url,
            "sub": client_id,
            "client_id": client_id,
            "aud": self.issuer.url,
            "exp": issued + int(lifetime.total_seconds()),
            "iat": issued,
            "jti": jti,
            "scope": " ".join(scopes),
        }
        signing_input = f"{_part(header)}.{_part(claims)}"
        signature = await self._keys.sign_es256(KeyName.TOKEN_SIGNING, signing_input.encode())
        return Minted(f"{signing_input}.{b64.url_encode(signature)}", jti, lifetime)

    async def verify(self, text: str) -> Claims:
        """Return what an access token says (RFC 9068 section 4). Raises Unauthenticated, HsmUnavailable."""
        now = self._clock.now()
        place = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        claims = self._verified.get(place)
        if claims is None:
            claims = self._read(text, await self.public_key())
        _require_current(claims, now)
        self._remember(place, claims)
        return claims

    def _read(self, text: str, key: ec.EllipticCurvePublicKey) -> Claims:
        try:
            token = jose.read_jws(text, TYPE, names_key_by="kid", canonical_payload=False)
            token.verify(key)
        except BadRequest as fault:
            raise Unauthenticated(REFUSED) from fault
        said = token.claims
        if token.header["kid"] != key_id(key) or (said["iss"], said["aud"]) != (self.issuer.url, self.issuer.url):
            raise Unauthenticated(REFUSED)
        return Claims(ClientId(said["client_id"]), frozenset(said["scope"].split()), said["exp"])

    def _remember(self, place: bytes, claims: Claims) -> None:
        self._verified[place] = claims
        self._verified.move_to_end(place)
        if len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)


def _require_current(claims: Claims, now: datetime) -> None:
    if now.timestamp() >= claims.expires:
        raise Unauthenticated(REFUSED)


def _part(value: dict[str, Any]) -> str:
    return b64.url_encode(json.dumps(value, separators=(",", ":")).encode())
