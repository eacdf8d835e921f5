"""Proofs that a request comes from the holder of a key. Source: RFC 9449; docs/authorization.md section 6."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from joserfc import jwk

from dss.clients.jwks import require_public_keys
from dss.hsm.stamps import Stamps
from dss.infra import once
from dss.infra.db import Database
from dss.kernel import b64
from dss.kernel.clock import Clock
from dss.kernel.errors import BadRequest, Invalid
from dss.oauth import jwt
from dss.oauth.errors import InvalidDpopProof, UseDpopNonce
from dss.oauth.jwt import Jwt
from dss.oauth.presented import Presented

TYPE = "dpop+jwt"
ALGORITHMS: Final = ("ES256", "ES384", "PS256", "RS256")
LONGEST = 8 * 1024
LONGEST_JTI = 255
SKEW = timedelta(seconds=60)
# One that is dated ahead is good for nearly twice SKEW.
REMEMBERED = 3 * SKEW
NONCE_LABEL = "dss/dpop-nonce/v1"
NONCE_SPAN = timedelta(seconds=150)
USED_PROOFS = "dpop"
# What a thumbprint is over (RFC 7638 section 3.2), and so what there is of a key.
MEMBERS = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}
PORTS = {"https": 443, "http": 80}
UNRESERVED = re.compile("[A-Za-z0-9._~-]")
ESCAPE = re.compile("%([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class DpopProof:
    """A proof whose form is right and whose signature verifies with the key in it.

    jkt: the key's thumbprint (RFC 7638).
    """

    jkt: str
    claims: Mapping[str, Any]

    @property
    def jti(self) -> str:
        """The proof's unique id."""
        return str(self.claims["jti"])

    def require_for(self, method: str, url: str, now: datetime) -> None:
        """Raise InvalidDpopProof unless it was made for this request, now (RFC 9449 section 4.3)."""
        claims, wanted = self.claims, normalised(url)
        if claims.get("htm") != method:
            raise InvalidDpopProof(f"htm of the DPoP proof is not {method}")
        if wanted is None or normalised(claims.get("htu")) != wanted:
            raise InvalidDpopProof(f"htu of the DPoP proof is not {url}")
        issued, jti = claims.get("iat"), claims.get("jti")
        if type(issued) is not int or abs(int(now.timestamp()) - issued) > SKEW.total_seconds():
            raise InvalidDpopProof(f"iat of the DPoP proof is not within {SKEW.seconds} s of the server's time")
        if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI or not jti.isprintable():
            raise InvalidDpopProof(f"jti of the DPoP proof must be 1 to {LONGEST_JTI} printable characters")

    def require_of(self, token: str) -> None:
        """Raise InvalidDpopProof unless it was made for this access token too (RFC 9449 section 4.3, item 12)."""
        told, right = self.claims.get("ath"), b64.url_encode(hashlib.sha256(token.encode()).digest())
        if not _same(told, right):
            raise InvalidDpopProof("ath of the DPoP proof is not the SHA-256 of the access token")


class DpopProofs:
    """Checks proofs, each good once, and makes the nonces that they must carry."""

    def __init__(self, stamps: Stamps, database: Database, clock: Clock) -> None:
        self._stamps = stamps
        self._database = database
        self._clock = clock
        self._nonces: dict[int, str] = {}

    async def check(self, presented: Presented, token: str = "") -> str:
        """Use up the proof of a request, and return the thumbprint of its key.

        token: the access token that came with it, if one did.
        Raises InvalidDpopProof, UseDpopNonce, HsmUnavailable.
        """
        now = self._clock.now()
        proof = read(presented.dpop)
        proof.require_for(presented.method, presented.url, now)
        if token:
            proof.require_of(token)
        await self._require_nonce(proof.claims.get("nonce"))
        async with self._database.write() as connection:
            if not await once.use(connection, USED_PROOFS, f"{proof.jkt} {proof.jti}", now + REMEMBERED):
                raise InvalidDpopProof("the DPoP proof was used before")
        return proof.jkt

    async def nonce(self) -> str:
        """Return the nonce that proofs should carry from now on (RFC 9449 section 8). Raises HsmUnavailable."""
        return await self._nonce_of(self._span())

    async def _require_nonce(self, told: object) -> None:
        span = self._span()
        good = [await self._nonce_of(number) for number in (span, span - 1)]
        if not any(_same(told, nonce) for nonce in good):
            raise UseDpopNonce("the DPoP proof needs the nonce that this answer's DPoP-Nonce tells")

    async def _nonce_of(self, span: int) -> str:
        """Return the nonce of a span of time; nothing is kept of it but a memory of the newest."""
        if span not in self._nonces:
            made = b64.url_encode(await self._stamps.mac(NONCE_LABEL, str(span)))
            self._nonces = {number: nonce for number, nonce in self._nonces.items() if abs(number - span) <= 1}
            self._nonces[span] = made
        return self._nonces[span]

    def _span(self) -> int:
        return int(self._clock.now().timestamp() // NONCE_SPAN.total_seconds())


def read(text: str) -> DpopProof:
    """Read a proof, and verify it with the key in it. Raises InvalidDpopProof."""
    if not text:
        raise InvalidDpopProof("there is no DPoP proof")
    if "," in text:
        raise InvalidDpopProof("there is more than one DPoP proof")
    try:
        proof = jwt.read(text, LONGEST)
    except BadRequest as fault:
        raise InvalidDpopProof(f"the DPoP proof cannot be read: {fault.detail}") from fault
    header = proof.header
    if header.get("typ") != TYPE or header.get("alg") not in ALGORITHMS or set(header) != {"typ", "alg", "jwk"}:
        raise InvalidDpopProof(f"the header of a DPoP proof is typ {TYPE}, alg ({', '.join(ALGORITHMS)}) and jwk")
    return DpopProof(_verified(proof), proof.claims)


def normalised(url: object) -> str | None:
    """Return a URL in the one writing by which it is compared, without query and fragment (RFC 3986 section 6.2).

    None for what is no http URL.
    """
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        authority = _authority(parts)
    except ValueError:
        return None
    return authority and f"{parts.scheme}://{authority}{_path(parts.path)}"


def _authority(parts: SplitResult) -> str | None:
    if parts.scheme not in PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return host if parts.port in {None, PORTS[parts.scheme]} else f"{host}:{parts.port}"


def _path(path: str) -> str:
    """Write each character that needs no escape without one, other escapes in upper case, and take dot segments out."""
    kept: list[str] = []
    segments = ESCAPE.sub(_unescaped, path).split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept[-1:] = []
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def _unescaped(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if UNRESERVED.fullmatch(character) else escape[0].upper()


def _verified(proof: Jwt) -> str:
    """Return the thumbprint of the key that a proof brings along and is signed by."""
    key, algorithm = proof.header["jwk"], proof.header["alg"]
    if not isinstance(key, dict) or key.get("alg", algorithm) != algorithm:
        raise InvalidDpopProof("the jwk of the DPoP proof is not a public key for its alg")
    try:
        require_public_keys({"keys": [{**key, "alg": algorithm, "kid": TYPE}]})
    except Invalid as fault:
        raise InvalidDpopProof(f"the jwk of the DPoP proof is not acceptable: {fault.detail}") from fault
    plain = {name: key[name] for name in MEMBERS[key["kty"]]}
    if not proof.is_by(plain, algorithm):
        raise InvalidDpopProof("the signature of the DPoP proof does not verify")
    return jwk.import_key(plain).thumbprint()


def _same(told: object, right: str) -> bool:
    return isinstance(told, str) and hmac.compare_digest(told.encode(errors="replace"), right.encode())
