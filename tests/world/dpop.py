"""A client that proves possession of its key by DPoP, rightly or otherwise."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwk, jws
from joserfc.jwk import ECKey, RSAKey

from dss.kernel import b64
from dss.kernel.clock import Clock
from tests.world.relying_app import part


@dataclass
class DpopKey:
    """A key pair, and the clock that its holder goes by."""

    clock: Clock
    key: ECKey | RSAKey
    algorithm: str = "ES256"

    @classmethod
    def new(cls, clock: Clock, algorithm: str = "ES256") -> "DpopKey":
        """Make a key for an algorithm."""
        if algorithm in {"RS256", "PS256"}:
            return cls(clock, jwk.RSAKey.generate_key(2048, private=True), algorithm)
        curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "ES256K": "secp256k1"}[algorithm]
        return cls(clock, jwk.ECKey.generate_key(curve, private=True), algorithm)

    @property
    def public(self) -> dict[str, Any]:
        """The JWK as it stands in proofs."""
        members = self.key.as_dict(private=False)
        return {name: members[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in members}

    @property
    def jkt(self) -> str:
        """The thumbprint that tokens are bound to."""
        return self.key.thumbprint()

    def claims(self, method: str, url: str, nonce: str = "", token: str = "", **changes: Any) -> dict[str, Any]:
        """Return the claims of a right proof, with changes; None takes a claim away."""
        right: dict[str, Any] = {"htm": method, "htu": url, "iat": int(self.clock.now().timestamp())}
        right |= {"jti": secrets.token_hex(16), "nonce": nonce or None}
        right |= {"ath": b64.url_encode(hashlib.sha256(token.encode()).digest()) if token else None}
        return {name: value for name, value in {**right, **changes}.items() if value is not None}

    def header(self, **changes: Any) -> dict[str, Any]:
        """Return the header of a right proof, with changes; None takes a member away."""
        right = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.public}
        return {name: value for name, value in {**right, **changes}.items() if value is not None}

    def proof(self, method: str, url: str, nonce: str = "", token: str = "", **changes: Any) -> str:
        """Return a proof, of changed claims if there are changes."""
        return self.sign(self.header(), self.claims(method, url, nonce, token, **changes))

    def sign(self, header: Any, claims: Any) -> str:
        """Return a JWS of whatever is given, signed by the own key and algorithm."""
        signing_input = f"{part(header)}.{part(claims)}"
        algorithm = jws.JWSRegistry.algorithms[self.algorithm]
        signature = algorithm.sign(signing_input.encode(), self.key)
        return f"{signing_input}.{part(signature)}"


def changed_header(key: DpopKey, claims: Mapping[str, Any], **changes: Any) -> str:
    """Return a proof of right claims under a changed header."""
    return key.sign(key.header(**changes), dict(claims))
