"""The phone's answer: what it says, and what it seals. Pure.

Source: docs/device-protocol.md section 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from joserfc.jwk import ECKey

from mobile_mock import jose, plain
from mobile_mock.errors import BadInput
from mobile_mock.forms import b64url, sha256
from mobile_mock.jose import BoxKey
from mobile_mock.request import Request

CONFIRM, DECLINE = "confirm", "decline"
REASON_LIMIT = 200
SHARE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Draft:
    """What an answer says, whatever the decision.

    binding: of the request, 32 bytes. iat: whole seconds since 1970.
    """

    aud: str
    txn: str
    binding: bytes
    counter: int
    iat: int

    def claims(self) -> dict[str, Any]:
        """Return the members that both decisions have."""
        return {
            "aud": self.aud,
            "binding": b64url(self.binding),
            "counter": self.counter,
            "iat": self.iat,
            "txn": self.txn,
        }


@dataclass(frozen=True, slots=True)
class Signer:
    """The phone as it signs answers; device: its id at the server."""

    device: str
    key: ECKey

    def sign(self, claims: dict[str, Any]) -> str:
        """Return the claims as a JWS."""
        return jose.write_jws("dss-answer+jws", claims, self.key, kid=self.device)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What only the HSM's box key may read, 32 bytes each: the PIN proof, and what the request's kind asks for."""

    pin_proof: bytes
    k_act: bytes | None = None
    k_act_next: bytes | None = None
    k_pwd: bytes | None = None
    k_pwd_next: bytes | None = None
    pin_proof_next: bytes | None = None

    def plaintext(self) -> dict[str, str]:
        """Return the box's plaintext: what is there."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: b64url(value) for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Gift:
    """Shares for another phone: `k_act` by credential, and the phone's id and encryption key."""

    shares: Mapping[str, bytes]
    to: BoxKey

    def seal(self, binding: bytes) -> str:
        """Return the JWE that only that phone can open, tied to the request."""
        shares = {credential: b64url(k_act) for credential, k_act in self.shares.items()}
        return jose.seal({"shares": shares}, self.to, binding)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer ready to be sent, as often as need be, byte for byte.

    box: None with a decline. share: the JWE for another phone, None unless the request is to share.
    """

    transaction: str
    decision: str
    counter: int
    jws: str
    box: str | None
    share: str | None = None

    def body(self) -> dict[str, str]:
        """Return the body of the call."""
        sealed = {"box": self.box, "share": self.share}
        return {"answer": self.jws} | {name: jwe for name, jwe in sealed.items() if jwe is not None}


def digest(jwe: str) -> str:
    """Return how an answer names a JWE: the SHA-256 of its ASCII text."""
    return b64url(sha256(jwe.encode("ascii")))


def draft(request: Request, counter: int, now: datetime) -> Draft:
    """Return what an honest answer to this request says."""
    return Draft(request.server, request.transaction, request.binding, counter, int(now.timestamp()))


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The decision to confirm: by `pin` or `biometric`, with what goes into the box, and to another phone."""

    by: str
    sealed: Sealed
    box_key: BoxKey
    gift: Gift | None = None

    def answer(self, said: Draft, request: Request, signer: Signer) -> Answer:
        """Return the signed answer with its box."""
        box = jose.seal(self.sealed.plaintext(), self.box_key, said.binding)
        share = self.gift.seal(said.binding) if self.gift else None
        claims = said.claims() | {"decision": CONFIRM, "sealed_sha256": digest(box), "verification": self.by}
        if share is not None:
            claims |= {"share_sha256": digest(share)}
        return Answer(request.transaction, CONFIRM, said.counter, signer.sign(claims), box, share)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The decision to decline, with an optional reason of up to 200 characters."""

    reason: str = ""

    def __post_init__(self) -> None:
        fault = plain.fault_in(self.reason, REASON_LIMIT, multiline=True)
        if fault:
            raise BadInput(f"the reason {fault}")

    def answer(self, said: Draft, request: Request, signer: Signer) -> Answer:
        """Return the signed answer."""
        claims = said.claims() | {"decision": DECLINE} | ({"reason": self.reason} if self.reason else {})
        return Answer(request.transaction, DECLINE, said.counter, signer.sign(claims), None)
