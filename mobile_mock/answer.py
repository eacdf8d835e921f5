"""The phone's answer: what it says, and what it seals. Pure.

Source: docs/device-protocol.md section 5.
"""

from dataclasses import dataclass
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
    """What only the HSM's box key may read: the key share, its successor if one is asked for, and the PIN proof."""

    k_act: bytes
    pin_proof: bytes
    k_act_next: bytes | None = None

    def plaintext(self) -> dict[str, str]:
        """Return the box's plaintext."""
        text = {"k_act": b64url(self.k_act), "pin_proof": b64url(self.pin_proof)}
        return text if self.k_act_next is None else text | {"k_act_next": b64url(self.k_act_next)}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer ready to be sent, as often as need be, byte for byte; box is None with a decline."""

    transaction: str
    decision: str
    counter: int
    jws: str
    box: str | None

    def body(self) -> dict[str, str]:
        """Return the body of the call."""
        return {"answer": self.jws} if self.box is None else {"answer": self.jws, "box": self.box}


def draft(request: Request, counter: int, now: datetime) -> Draft:
    """Return what an honest answer to this request says."""
    return Draft(request.server, request.transaction, request.binding, counter, int(now.timestamp()))


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The decision to confirm: by `pin` or `biometric`, with what goes into the box."""

    by: str
    sealed: Sealed
    box_key: BoxKey

    def answer(self, said: Draft, request: Request, signer: Signer) -> Answer:
        """Return the signed answer with its box."""
        box = jose.seal(self.sealed.plaintext(), self.box_key, said.binding)
        claims = said.claims() | {
            "decision": CONFIRM,
            "sealed_sha256": b64url(sha256(box.encode("ascii"))),
            "verification": self.by,
        }
        return Answer(request.transaction, CONFIRM, said.counter, signer.sign(claims), box)


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
