"""Access tokens as signed JWTs, made with the HSM's key and verified in the process.

Source: RFC 9068, RFC 9449 section 6, RFC 8705 section 3.1; docs/authorization.md section 5.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from dss.clients.model import SIGNERS
from dss.infra import jose
from dss.kernel import b64
from dss.kernel.clock import Clock
from dss.kernel.errors import BadRequest, Unauthenticated
from dss.kernel.ids import ClientId, GrantId, Ids, TransactionId, UserId
from dss.oauth.issuer import Issuer
from dss.oauth.signing_keys import SigningKeys

TYPE = "at+jwt"
REMEMBERED = 4096
NAMING = ("type", "credential_id", "signature_id")

REFUSED = "the access token is not valid, or has expired"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new access token is to say.

    user_id, grant_id: the signer whose it is and by what, or None where it is the client's own.
    details:           authorization details (RFC 9396).
    jkt, x5t:          thumbprint of the DPoP key, or of the certificate, that it is bound to; or empty.
    act:               who acts for the signer (RFC 8693 section 4.1). auth_time: when the signer proved who they are.
    lifetime:          None for that of all tokens.
    """

    client_id: ClientId
    scopes: Collection[str]
    user_id: UserId | None = None
    grant_id: GrantId | None = None
    details: tuple[Mapping[str, Any], ...] = ()
    jkt: str = ""
    x5t: str = ""
    act: Mapping[str, Any] | None = None
    auth_time: datetime | None = None
    lifetime: timedelta | None = None


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
    """What a verified access token says; members as in Wanted.

    id: its jti. issued, expires, auth_time: seconds since 1970. kid: the key that it was signed by.
    """

    id: str
    client_id: ClientId
    user_id: UserId | None
    scopes: frozenset[str]
    issued: int
    expires: int
    grant_id: GrantId | None
    details: tuple[Mapping[str, Any], ...]
    jkt: str
    x5t: str
    act: Mapping[str, Any] | None
    auth_time: int | None
    kid: str

    @property
    def signatures(self) -> frozenset[TransactionId]:
        """The signatures that it is for."""
        named = (detail.get("signature_id") for detail in self.details)
        return frozenset(TransactionId(id) for id in named if isinstance(id, str))


class _Bound(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The confirmation (RFC 7800): the key that the token is bound to."""

    jkt: str = ""
    x5t: str = msgspec.field(name="x5t#S256", default="")


class _Body(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The claims on the wire (RFC 9068 section 2.2)."""

    iss: str
    aud: str
    sub: str
    client_id: str
    iat: int
    exp: int
    jti: str
    scope: str = ""
    auth_time: int | None = None
    authorization_details: list[dict[str, Any]] = []
    cnf: _Bound | None = None
    grant: str | None = None
    act: dict[str, Any] | None = None


class AccessTokens:
    """Makes access tokens and verifies them; remembers the ones it verified, by their SHA-256, until they expire."""

    def __init__(self, issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
        self.issuer = issuer
        self.keys = keys
        self._clock = clock
        self._ids = Ids(clock)
        self._verified: OrderedDict[bytes, Claims] = OrderedDict()

    async def mint(self, wanted: Wanted) -> Minted:
        """Make an access token (RFC 9068 section 2). Raises HsmUnavailable."""
        kid, sign = await self.keys.signing()
        lifetime = self.issuer.token_lifetime if wanted.lifetime is None else wanted.lifetime
        body = self._body(wanted, lifetime)
        header = json.dumps({"typ": TYPE, "alg": "ES256", "kid": kid}, separators=(",", ":")).encode()
        signing_input = f"{b64.url_encode(header)}.{b64.url_encode(msgspec.json.encode(body))}"
        signature = await sign(signing_input.encode())
        return Minted(f"{signing_input}.{b64.url_encode(signature)}", body.jti, lifetime)

    async def verify(self, text: str) -> Claims:
        """Return what an access token says (RFC 9068 section 4). Raises Unauthenticated, HsmUnavailable."""
        now = self._clock.now()
        place = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        claims = self._verified.get(place)
        # A token of a key that was taken away is not known any more, however often it was seen before.
        if claims is None or await self.keys.public(claims.kid) is None:
            claims = await self._read(text)
        _require_current(claims, now)
        self._remember(place, claims)
        return claims

    def _body(self, wanted: Wanted, lifetime: timedelta) -> _Body:
        issued = int(self._clock.now().timestamp())
        return _Body(
            iss=self.issuer.url,
            aud=self.issuer.url,
            sub=wanted.user_id or wanted.client_id,
            client_id=wanted.client_id,
            iat=issued,
            exp=issued + int(lifetime.total_seconds()),
            jti=self._ids.new(),
            scope=" ".join(wanted.scopes),
            auth_time=None if wanted.auth_time is None else int(wanted.auth_time.timestamp()),
            authorization_details=[_named(detail) for detail in wanted.details],
            cnf=_Bound(wanted.jkt, wanted.x5t) if wanted.jkt or wanted.x5t else None,
            grant=wanted.grant_id,
            act=None if wanted.act is None else dict(wanted.act),
        )

    async def _read(self, text: str) -> Claims:
        try:
            token = jose.read_jws(text, TYPE, names_key_by="kid", canonical_payload=False)
            kid = str(token.header["kid"])
            key = await self.keys.public(kid)
            if key is None:
                raise Unauthenticated(REFUSED)
            token.verify(key)
            body = msgspec.convert(token.claims, _Body)
        except (BadRequest, msgspec.ValidationError) as fault:
            raise Unauthenticated(REFUSED) from fault
        if (body.iss, body.aud) != (self.issuer.url, self.issuer.url):
            raise Unauthenticated(REFUSED)
        return _claims(body, kid)

    def _remember(self, place: bytes, claims: Claims) -> None:
        self._verified[place] = claims
        self._verified.move_to_end(place)
        if len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)


def _claims(body: _Body, kid: str) -> Claims:
    """Read the claims. Raises Unauthenticated where the token is a client's own and a signer's at once."""
    user_id = None if body.sub == body.client_id else UserId(body.sub)
    scopes = frozenset(body.scope.split())
    mixed = scopes - set(SIGNERS) if user_id else scopes & set(SIGNERS)
    if mixed:
        raise Unauthenticated(REFUSED)
    return Claims(
        id=body.jti,
        client_id=ClientId(body.client_id),
        user_id=user_id,
        scopes=scopes,
        issued=body.iat,
        expires=body.exp,
        grant_id=None if body.grant is None else GrantId(body.grant),
        details=tuple(body.authorization_details),
        jkt=body.cnf.jkt if body.cnf else "",
        x5t=body.cnf.x5t if body.cnf else "",
        act=body.act,
        auth_time=body.auth_time,
        kid=kid,
    )


def _require_current(claims: Claims, now: datetime) -> None:
    if now.timestamp() >= claims.expires:
        raise Unauthenticated(REFUSED)


def _named(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return what names a detail: a token is sent with every call, and ten thousand hashes fit into no header."""
    return {name: detail[name] for name in NAMING if name in detail}
