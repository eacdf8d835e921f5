"""A relying application that gets its tokens by signed assertions, right ones and others."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc import jwk
from joserfc.jwk import ECKey

from dss.clients.model import Client
from dss.clients.service import Clients, NewClient
from dss.kernel.clock import Clock
from dss.oauth.client_assertion import ASSERTION_TYPE
from tests.world.asgi import BASE

TOKEN_ENDPOINT = f"{BASE}/oauth/token"


@dataclass
class RelyingApp:
    """A registered client, its key, and the clock it goes by."""

    client: Client
    clock: Clock
    key: ECKey

    @classmethod
    async def registered(cls, clients: Clients, clock: Clock, name: str, scopes: tuple[str, ...]) -> "RelyingApp":
        """Make a key and register with its public part."""
        key = new_key()
        jwks = {"keys": [public(key)]}
        made = await clients.register(NewClient(name, scopes, jwks), "operator:test")
        return cls(made.client, clock, key)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a right assertion, with changes; None takes a claim away."""
        now = int(self.clock.now().timestamp())
        right = {"iss": self.client.id, "sub": self.client.id, "aud": BASE, "iat": now, "exp": now + 60}
        changed = {**right, "jti": secrets.token_hex(16), **changes}
        return {name: value for name, value in changed.items() if value is not None}

    def assertion(self, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """Return a signed assertion."""
        right = {"alg": "ES256", "kid": self.key.kid, "typ": "JWT"}
        changed = {name: value for name, value in {**right, **(header or {})}.items() if value is not None}
        return self.sign(changed, self.claims(**changes))

    def sign(self, header: Any, claims: Any) -> str:
        """Return a JWS (ES256) of whatever is given, right or not (RFC 7515 section 7.1)."""
        signing_input = f"{part(header)}.{part(claims)}"
        der = self.key.private_key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(der)
        return f"{signing_input}.{part(r.to_bytes(32) + s.to_bytes(32))}"


def form(assertion: str, **changes: str) -> dict[str, str]:
    """Return the form of a token request."""
    right = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
    return {**right, "client_assertion": assertion, **changes}


def part(value: Any) -> str:
    """Return a part of a compact JWS: bytes as they are, anything else as JSON."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def new_key() -> ECKey:
    """Make a P-256 key with a kid."""
    return jwk.ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "alg": "ES256", "use": "sig"}, private=True)


def public(key: ECKey) -> dict[str, Any]:
    """Return a key's public JWK."""
    return dict(key.as_dict(private=False))
