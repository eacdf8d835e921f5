"""The server's side of docs/device-protocol.md, small and from the text alone, behind httpx.MockTransport.

It keeps what the phone sent, so that a test can read it; it takes every answer unless it is told to refuse.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwe, jws
from joserfc.jwk import ECKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from mobile_mock.phone import Phone
from tests.unit import mock_files as files
from tests.world.clock import HandClock

BASE = "https://sign.example"
ENROLMENT, DEVICE, USER = "01J" + "E" * 23, "01J" + "D" * 23, "01J" + "A" * 23
CREDENTIAL, APPLICATION = "01J" + "C" * 23, "01J" + "R" * 23
OTHER_DEVICE, OTHER_CREDENTIAL = "01J" + "F" * 23, "01J" + "B" * 23
CODE = "7K3M9Q2X8WHT4VNB"
PIN = "493817"
ITERATIONS = 1000


def transaction_id(number: int) -> str:
    return f"01J{number:023d}"


FIRST, SECOND, THIRD = (transaction_id(number) for number in (1, 2, 3))


def b64(value: bytes) -> str:
    return urlsafe_b64encode(value).decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text.encode())


def sha(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def time_text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def new_key() -> ECKey:
    return ECKey.generate_key("P-256", auto_kid=False)


def jwk(key: ECKey) -> dict[str, Any]:
    return {name: key.as_dict(private=False)[name] for name in ("crv", "kty", "x", "y")}


def public(private: Mapping[str, str]) -> dict[str, str]:
    return {name: private[name] for name in ("crv", "kty", "x", "y")}


def sign(typ: str, payload: bytes, key: ECKey) -> str:
    return jws.serialize_compact({"alg": "ES256", "typ": typ, "jwk": jwk(key)}, payload, key)


RECIPE = {"salt": b64(b"a" * 16), "memory_kib": 19_456, "passes": 1, "lanes": 1}
KEY = {"id": CREDENTIAL, "certificate_sha256": b64(files.CERTIFICATE_SHA256)}


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    body = {"type": f"urn:dss:error:{code}", "title": "It was refused", "status": status}
    return httpx.Response(status, json=body, headers=headers)


@dataclass
class FakeServer:
    """refuse: given a path, may return an answer instead of the right one. sent: JSON bodies by path, oldest first.

    opens: the transaction that comes of the next change or sharing. pages: JSON answers by method and path.
    """

    clock: HandClock = field(default_factory=HandClock)
    channel: ECKey = field(default_factory=new_key)
    box: ECKey = field(default_factory=new_key)
    device_key: ECKey | None = None
    requests: dict[str, bytes] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    introductions: dict[str, str] = field(default_factory=dict)
    request_key: ECKey | None = None
    refuse: Callable[[str], httpx.Response | None] = lambda _: None
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    calls: list[httpx.Request] = field(default_factory=list)
    change_offer: dict[str, Any] = field(default_factory=dict)
    change_receipt: dict[str, Any] = field(default_factory=dict)
    after_answer: str = "signed"
    opens: str = FIRST
    waiting_phones: list[Any] = field(default_factory=list)
    pages: dict[str, Any] = field(default_factory=dict)

    # --- what a person and an operator do ---

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self.handle))

    def phone(self, folder: Path, **more: Any) -> Phone:
        return Phone(folder, self.http(), now=self.clock.now, sleep=self.sleep, **more)

    async def sleep(self, seconds: float) -> None:
        self.clock.move(seconds)

    async def enrolled(self, folder: Path, *, biometric: bool = False) -> Phone:
        phone = self.phone(folder)
        await phone.enrol(self.qr(), CODE, PIN, "My phone", biometric=biometric)
        return phone

    async def with_share(self, folder: Path) -> Phone:
        """A phone with the biometric and a share of one key, made by confirming the second transaction."""
        phone = await self.enrolled(folder, biometric=True)
        self.ask_to_create(SECOND)
        await phone.confirm(await phone.show(SECOND), PIN)
        self.sent.clear()
        return phone

    def qr(self) -> str:
        der = self.channel.public_key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return f"dss-enrol:v1?u={quote(BASE, safe='')}&e={ENROLMENT}&k={b64(sha(der))}"

    def ask(self, id: str = FIRST, **changes: Any) -> dict[str, Any]:
        """Open a transaction; a member that is changed to None is left out."""
        payload = {**self.right_request(id), **changes}
        payload = {name: value for name, value in payload.items() if value is not None}
        self.requests[id] = canonical(payload)
        self.states[id] = "awaiting"
        return payload

    def ask_to_create(self, id: str = FIRST, **changes: Any) -> dict[str, Any]:
        made = {"id": CREDENTIAL, "subject": "CN=Alice Example,C=UA", "key_type": "P-256", "validity_days": 365}
        return self.ask(id, **{"kind": "create", "credential": made, "documents": [], **changes})

    def ask_to_change(self, action: str, id: str = FIRST, *, credential: Any = None, **change: Any) -> dict[str, Any]:
        asked = {"kind": "change", "phone": DEVICE, "change": {"action": action, **change}, "documents": []}
        return self.ask(id, credential=credential, **asked)

    def ask_to_share(self, to: Phone, id: str = FIRST, **changes: Any) -> dict[str, Any]:
        kept = to.kept()
        keys = {name: public(key) for name, key in (("enc", kept.encryption_key), ("sig", kept.signature_key))}
        share = {"phone": {"id": kept.device, "name": kept.name, "keys": keys}, "credentials": [KEY], **changes}
        return self.ask(id, kind="share", phone=DEVICE, share=share, credential=None, documents=[])

    def right_request(self, id: str) -> dict[str, Any]:
        prepared = files.prepare()
        attributes = files.right_attributes(prepared.covered)
        for name, content in (("original", files.ORIGINAL), ("prepared", prepared.file), ("attributes", attributes)):
            self.documents[f"/device/v1/transactions/{id}/documents/0/{name}"] = content
        return {
            "server": BASE,
            "transaction": id,
            "nonce": b64(b"n" * 16),
            "issued": time_text(self.clock.now()),
            "expires": time_text(self.clock.now() + timedelta(seconds=300)),
            "kind": "sign",
            "relying_application": {"id": APPLICATION, "name": "Contracts Ltd"},
            "signer": {"id": USER, "login": "alice", "name": "Alice Example"},
            "credential": {"id": CREDENTIAL, "certificate_sha256": b64(files.CERTIFICATE_SHA256)},
            "text": "Please sign\nby Friday",
            "documents": [right_document(attributes)],
            "verification": {"mode": "none"},
            "policy": {"answer_by": ["pin", "biometric"]},
            "box_key": {"kid": "box-1", "jwk": jwk(self.box)},
        }

    # --- what was received ---

    def answers(self) -> list[dict[str, Any]]:
        """The claims of all answers, each with a valid signature by the phone."""
        assert self.device_key is not None
        bodies = [body for path, body in self.sent if path.endswith("/answer")]
        return [json.loads(jws.deserialize_compact(b["answer"], self.device_key).payload) for b in bodies]

    def opened(self, body: dict[str, Any]) -> dict[str, Any]:
        """The plaintext of a box."""
        found = jwe.decrypt_compact(body["box"], self.box)
        return {"header": found.protected, **json.loads(found.plaintext or b"")}

    # --- what it answers ---

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        path = request.url.path
        if request.content:
            self.sent.append((path, json.loads(request.content)))
        return self.refuse(path) or self._answer(request.method, path)

    def _answer(self, method: str, path: str) -> httpx.Response:
        *_, parent, last = path.split("/")
        if f"{method} {path}" in self.pages:
            return httpx.Response(200, json=self.pages[f"{method} {path}"])
        if method == "POST" and last in {"changes", "shares"}:
            expires = time_text(self.clock.now() + timedelta(seconds=300))
            return httpx.Response(201, json={"id": self.opens, "expires": expires})
        if path in self.documents:
            return httpx.Response(200, content=self.documents[path])
        if parent == "enrolments":
            return self._offer() if method == "GET" else self._register()
        if last == "transactions":
            return self._list()
        if last == "answer":
            self.states[parent] = self.after_answer
            return httpx.Response(200, json={"state": self.after_answer})
        if last in self.requests:
            signed = sign("dss-confirmation-request+jws", self.requests[last], self.request_key or self.channel)
            return httpx.Response(200, json={"state": self.states[last], "request": signed})
        if last in self.introductions:
            return httpx.Response(200, json={"channel_key": self.introductions[last]})
        return problem(404, "not_found")

    def _list(self) -> httpx.Response:
        waiting = sorted(id for id, state in self.states.items() if state == "awaiting")
        expires = time_text(self.clock.now() + timedelta(seconds=300))
        known = self.calls[-1].url.params.get("known", "").split(",")
        notices = [{"id": id, "kind": "sign", "expires": expires} for id in waiting if id not in known]
        gone = [id for id in known if self.states.get(id, "awaiting") != "awaiting"]
        return httpx.Response(200, json={"transactions": notices, "gone": gone, "waiting_phones": self.waiting_phones})

    def _offer(self) -> httpx.Response:
        return httpx.Response(200, json={"offer": sign("dss-enrolment-offer+jws", self.offer(), self.channel)})

    def offer(self) -> bytes:
        return canonical(
            {
                "server": BASE,
                "enrolment": ENROLMENT,
                "nonce": b64(b"o" * 16),
                "box_key": {"kid": "box-0", "jwk": jwk(self.box)},
                "pin": {"digits": 6, "iterations": ITERATIONS},
                "issued": time_text(self.clock.now()),
                "expires": time_text(self.clock.now() + timedelta(days=7)),
                **self.change_offer,
            }
        )

    def _register(self) -> httpx.Response:
        text = self.sent[-1][1]["enrolment"]
        claims = json.loads(unb64(text.split(".")[1]))
        self.device_key = ECKey.import_key(claims["keys"]["sig"])
        receipt = {
            "server": BASE,
            "enrolment": ENROLMENT,
            "enrolment_sha256": b64(sha(text.encode())),
            "device": DEVICE,
            "user": {"id": USER, "login": "alice", "name": "Alice Example"},
            "counter": 0,
            "enrolled": time_text(self.clock.now()),
            **self.change_receipt,
        }
        return httpx.Response(201, json={"receipt": sign("dss-receipt+jws", canonical(receipt), self.channel)})


def right_document(attributes: bytes, **changes: Any) -> dict[str, Any]:
    return {
        "index": 0,
        "name": "contract.pdf",
        "media_type": "application/pdf",
        "size": len(files.ORIGINAL),
        "document_digest": b64(sha(files.ORIGINAL)),
        "format": "PAdES-B-B",
        "scheme": "ecdsa",
        "hash_algorithm": "sha256",
        "to_sign": b64(sha(attributes)),
        **changes,
    }


def expected_proof(code: str, k: str, keys: dict[str, Any]) -> str:
    """The proof of section 2, computed apart from the phone."""
    secret = HKDF(hashes.SHA256(), 32, ENROLMENT.encode(), b"dss/enrol/v1").derive(code.encode())
    return b64(hmac.digest(secret, canonical({"k": k, "keys": keys}), "sha256"))
