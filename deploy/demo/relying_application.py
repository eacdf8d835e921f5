"""A relying application: an OAuth client with a key of its own that asks for signatures over the REST API.

Source: RFC 6749 section 4.4 (client credentials), RFC 7523 section 2.2 (private_key_jwt).
"""

import json
import time
import uuid
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_S, WAIT_S = 60, 30
ON_THEIR_WAY = ("preparing", "awaiting", "confirmed", "signing")
LOOK_S = 0.2


class Refused(Exception):
    """The server refused; says what, and in which words."""


@dataclass(frozen=True)
class ClientKey:
    """Who the application is to a server, and the key by which it proves that."""

    server: str
    id: str
    key: ECKey

    def proof(self) -> dict[str, str]:
        """Return the members of a form that prove it, once."""
        now = int(time.time())
        claims = {
            "iss": self.id,
            "sub": self.id,
            "aud": self.server,
            "jti": uuid.uuid4().hex,
            "iat": now,
            "exp": now + ASSERTION_S,
        }
        assertion = jwt.encode({"alg": "ES256", "typ": "JWT"}, claims, self.key)
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


class AccessToken(httpx.Auth):
    """Gets an access token before the first request, and sends it with each."""

    requires_response_body = True

    def __init__(self, client: ClientKey) -> None:
        self._client = client
        self._token = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token to a request. Raises Refused."""
        if not self._token:
            form = {"grant_type": "client_credentials", **self._client.proof()}
            answer = yield httpx.Request("POST", f"{self._client.server}/oauth/token", data=form)
            require_success(answer)
            self._token = answer.json()["access_token"]
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class RelyingApplication:
    """Uploads documents, asks signers for signatures, and collects them. Raises Refused where the server does not."""

    def __init__(self, client: ClientKey) -> None:
        self.client = client
        self._http = httpx.Client(base_url=client.server, auth=AccessToken(client), timeout=WAIT_S + 30)

    def request_credential(self, login: str) -> dict[str, Any]:
        """Ask a signer's phone to confirm a new key and certificate."""
        return self._read(self._http.post("/v1/credentials", json={"user": login, "key_type": "P-256"}))

    def upload(self, path: Path) -> dict[str, Any]:
        """Upload a PDF and return what the server says of it."""
        headers = {"Content-Type": "application/pdf"}
        return self._read(
            self._http.post("/v1/documents", params={"name": path.name}, content=path.read_bytes(), headers=headers)
        )

    def open_signature(
        self, credential_id: str, text: str, *document_ids: str, verification: str = "none"
    ) -> dict[str, Any]:
        """Ask a signer to sign documents; verification: how they make sure, at least, that the request is theirs."""
        return self._read(self.ask_for_signature(credential_id, text, *document_ids, verification=verification))

    def ask_for_signature(
        self, credential_id: str, text: str, *document_ids: str, verification: str = "none"
    ) -> httpx.Response:
        """Ask a signer to sign documents; the answer may be a refusal."""
        documents = [{"id": id} for id in document_ids]
        body = {"credential_id": credential_id, "text": text, "documents": documents, "verification": verification}
        return self._http.post("/v1/signatures", json=body, headers={"Idempotency-Key": uuid.uuid4().hex})

    def wait_until_asked(self, id: str) -> dict[str, Any]:
        """Return a signature once its documents are prepared, and the signer was asked."""
        while (found := self._read(self._http.get(f"/v1/signatures/{id}")))["state"] == "preparing":
            time.sleep(LOOK_S)
        return found

    def wait_for_credential(self, id: str) -> dict[str, Any]:
        """Return a credential once its request has come to its end."""
        return self._wait_for(f"/v1/credentials/{id}")

    def wait_for_signature(self, id: str) -> dict[str, Any]:
        """Return a signature once it has come to its end."""
        return self._wait_for(f"/v1/signatures/{id}")

    def collect(self, signature_id: str, index: int = 0) -> httpx.Response:
        """Ask for a signed document; the answer may be a refusal."""
        return self._http.get(f"/v1/signatures/{signature_id}/documents/{index}")

    def results(self, signature_id: str) -> list[dict[str, Any]]:
        """Return what became of each document of a signature, read line by line as it comes."""
        path, params = f"/v1/signatures/{signature_id}/results", {"wait": WAIT_S}
        with self._http.stream("GET", path, params=params) as answer:
            if answer.is_error:
                answer.read()
            require_success(answer)
            return [json.loads(line) for line in answer.iter_lines()]

    def device_link_picture(self, id: str) -> httpx.Response:
        """Ask for the QR of this second, by which a phone opens a request; refused once a phone did."""
        return self._http.get(f"/v1/transactions/{id}/device-link.png")

    def offline_picture(self, id: str) -> bytes:
        """Return the QR that shows a request to a phone without a connection, as PNG."""
        answer = self._http.get(f"/v1/transactions/{id}/offline-qr.png")
        require_success(answer)
        return answer.content

    def answer_by_code(self, id: str, code: str) -> None:
        """Hand over the code that the signer typed."""
        require_success(self._http.post(f"/v1/transactions/{id}/offline-code", json={"code": code}))

    def evidence(self, signature_id: str, checkpoint: int, index: int | None = None) -> httpx.Response:
        """Ask for the evidence of a signature, consistent with a kept checkpoint; it may have to be asked for again.

        index: which document of a batch, where each is proven by itself.
        """
        which = {} if index is None else {"index": index}
        return self._http.get(f"/v1/signatures/{signature_id}/evidence", params={"checkpoint": checkpoint} | which)

    def report(self, signature_id: str) -> httpx.Response:
        """Ask for the evidence as a PDF."""
        return self._http.get(f"/v1/signatures/{signature_id}/evidence/report")

    def _wait_for(self, path: str) -> dict[str, Any]:
        while True:
            found = self._read(self._http.get(path, params={"wait": WAIT_S}))
            if found["state"] not in ON_THEIR_WAY:
                return found

    @staticmethod
    def _read(answer: httpx.Response) -> dict[str, Any]:
        require_success(answer)
        return dict(answer.json())


def require_success(answer: httpx.Response) -> None:
    """Raise Refused, with the problem as the server tells it (RFC 9457)."""
    if answer.is_error:
        request = answer.request
        raise Refused(f"{request.method} {request.url.path} was answered by {answer.status_code}: {answer.text}")
