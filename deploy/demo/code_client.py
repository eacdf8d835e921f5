"""The relying application's other way: the signer's browser is sent to the server, and comes back with a code.

Source: RFC 6749 section 4.1, RFC 7636 (PKCE), RFC 9126 (PAR), RFC 9396 (details), RFC 9449 (DPoP).
"""

import hashlib
import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

from deploy.demo.relying_application import ClientKey, Refused, require_success

CALLBACK = "http://127.0.0.1/back"  # of a program on this machine; nothing has to listen for what the demo does


class Dpop(httpx.Auth):
    """Proves with each request that it comes from the holder of a key, with the nonce that the server tells."""

    def __init__(self) -> None:
        self._key = ECKey.generate_key("P-256")
        self._nonce = ""
        self.token = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the proof, and the token once there is one; once more where the server asks for another nonce."""
        if self.token:
            request.headers["Authorization"] = f"DPoP {self.token}"
        request.headers["DPoP"] = self._proof(request)
        answer = yield request
        if answer.is_client_error and answer.headers.get("DPoP-Nonce", self._nonce) != self._nonce:
            self._nonce = answer.headers["DPoP-Nonce"]
            request.headers["DPoP"] = self._proof(request)
            yield request

    def _proof(self, request: httpx.Request) -> str:
        claims = {
            "htm": request.method,
            "htu": str(request.url.copy_with(query=None)),
            "jti": secrets.token_urlsafe(16),
            "iat": int(time.time()),
        }
        claims |= {"nonce": self._nonce} if self._nonce else {}
        claims |= {"ath": _sha256(self.token)} if self.token else {}
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self._key.as_dict(private=False)}
        return jwt.encode(header, claims, self._key)


@dataclass(frozen=True)
class CodeClient:
    """One authorization: what is asked for, the code for it, and the token. Raises Refused where the server does."""

    client: ClientKey
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    dpop: Dpop = field(default_factory=Dpop)

    def push(self, detail: Mapping[str, Any]) -> str:
        """Push the request for one signature; return the address for the signer's browser."""
        asked = {
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "credential",
            "state": self.state,
            "code_challenge": _sha256(self.verifier),
            "code_challenge_method": "S256",
            "authorization_details": json.dumps([detail]),
        }
        pushed = self._post("/oauth/par", asked)
        query = {"client_id": self.client.id, "request_uri": pushed["request_uri"]}
        return f"{self.client.server}/oauth/authorize?{urlencode(query)}"

    def redeem(self, answer: Mapping[str, str]) -> str:
        """Redeem the code that the browser brought, and return the signature that its token reads."""
        if "code" not in answer or (answer.get("state"), answer.get("iss")) != (self.state, self.client.server):
            raise Refused(f"the browser came back with {dict(answer)}")
        form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": CALLBACK}
        given = self._post("/oauth/token", {**form, "code_verifier": self.verifier})
        self.dpop.token = given["access_token"]
        (detail,) = given["authorization_details"]
        return str(detail["signature_id"])

    def collect(self, signature_id: str) -> httpx.Response:
        """Ask for the signed document by the token and the key."""
        return httpx.get(self._document(signature_id), auth=self.dpop)

    def collect_without_key(self, signature_id: str) -> httpx.Response:
        """Ask for the same as somebody who found the token."""
        return httpx.get(self._document(signature_id), headers={"Authorization": f"Bearer {self.dpop.token}"})

    def _document(self, signature_id: str) -> str:
        return f"{self.client.server}/v1/signatures/{signature_id}/documents/0"

    def _post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        answer = httpx.post(f"{self.client.server}{path}", data={**form, **self.client.proof()}, auth=self.dpop)
        require_success(answer)
        return dict(answer.json())


def _sha256(text: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
