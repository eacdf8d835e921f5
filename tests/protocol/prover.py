"""A phone's key in the hand of a tester, who proves and signs with it whatever is wanted."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from dss.kernel import b64
from mobile_mock.jose import read_private
from mobile_mock.phone import Phone
from tests.world.jws import public_jwk, sign, sign_claims
from tests.world.world import SERVER, World

LIST = "/device/v1/transactions"


@dataclass
class Prover:
    """Calls the device API with the key of an enrolled phone; device: its id."""

    world: World
    device: str
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def of(cls, world: World, phone: Phone) -> "Prover":
        """Take a phone's key."""
        kept = phone.kept()
        key = read_private(kept.signature_key).private_key
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return cls(world, kept.device, key)

    def claims(self, method: str = "GET", path: str = LIST, **changes: Any) -> dict[str, Any]:
        """The claims of a right proof (RFC 9449 section 4.2), with changes; None takes a claim away."""
        now = int(self.world.clock.now().timestamp())
        right = {"jti": secrets.token_urlsafe(24), "htm": method, "htu": f"{SERVER}{path}", "iat": now}
        return {name: value for name, value in {**right, **changes}.items() if value is not None}

    def proof(self, method: str = "GET", path: str = LIST, **changes: Any) -> str:
        """A proof of possession for one call."""
        return self.signed(self.claims(method, path, **changes))

    def signed(self, claims: Any, key: ec.EllipticCurvePrivateKey | None = None, **header: Any) -> str:
        """Any claims under any header, as JSON in any form; None takes a member of the header away."""
        right = {"alg": "ES256", "typ": "dpop+jwt", "jwk": public_jwk(self.key)}
        members = {name: value for name, value in {**right, **header}.items() if value is not None}
        return sign(members, json.dumps(claims).encode(), key or self.key)

    def answer(self, claims: dict[str, Any]) -> str:
        """An answer that says this."""
        return sign_claims("dss-answer+jws", claims, self.key, kid=self.device)

    async def call(self, method: str = "GET", path: str = LIST, **more: Any) -> httpx.Response:
        """Make a call with a right proof."""
        async with self.world.http() as http:
            return await http.request(method, path, headers={"DPoP": self.proof(method, path)}, **more)

    async def with_proofs(self, *proofs: str) -> httpx.Response:
        """List what waits, with these proofs."""
        async with self.world.http() as http:
            return await http.get(LIST, headers=[("DPoP", proof) for proof in proofs])


def payload_of(jws: str) -> dict[str, Any]:
    """The claims of a compact JWS."""
    return dict(json.loads(b64.url_decode(jws.split(".")[1])))
