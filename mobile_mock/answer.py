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
from mobile_mock.forms import b64url, read_b64url, read_canonical, sha256
from mobile_mock.jose import BoxKey
from mobile_mock.request import Request

CONFIRM, DECLINE = "confirm", "decline"
NOT_ME, WRONG_DATA, CODE_DIFFERS = "not_me", "wrong_data", "code_differs"
CAUSES = (NOT_ME, WRONG_DATA, CODE_DIFFERS)
REASON_LIMIT = 200
SHARE_BYTES = 32
DECIDED = {"decision", "number", "declined_documents", "reason", "cause"}  # members of an answer


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
    k_offline: bytes | None = None

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

    def says(self) -> dict[str, Any]:
        """Return the members that the owner decided on."""
        claims = read_canonical(read_b64url(self.jws.split(".")[1]))
        return {name: value for name, value in claims.items() if name in DECIDED}


def digest(jwe: str) -> str:
    """Return how an answer names a JWE: the SHA-256 of its ASCII text."""
    return b64url(sha256(jwe.encode("ascii")))


def draft(request: Request, counter: int, now: datetime) -> Draft:
    """Return what an honest answer to this request says."""
    return Draft(request.server, request.transaction, request.binding, counter, int(now.timestamp()))


@dataclass(frozen=True, slots=True)
class Choice:
    """What the owner chose as they confirmed: the number of the requester's page, and what is not to be signed.

    declined: indexes of documents, ascending; None where all are to be signed.
    """

    number: str | None = None
    declined: tuple[int, ...] | None = None

    def says(self) -> dict[str, Any]:
        """Return the members that say so."""
        number = {} if self.number is None else {"number": self.number}
        declined = {} if self.declined is None else {"declined_documents": list(self.declined)}
        return {"decision": CONFIRM} | number | declined


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The decision to confirm: by `pin` or `biometric`, with what goes into the box, and to another phone."""

    by: str
    choice: Choice
    sealed: Sealed
    box_key: BoxKey
    gift: Gift | None = None

    def answer(self, said: Draft, request: Request, signer: Signer) -> Answer:
        """Return the signed answer with its box."""
        box = jose.seal(self.sealed.plaintext(), self.box_key, said.binding)
        share = self.gift.seal(said.binding) if self.gift else None
        claims = said.claims() | self.choice.says() | {"sealed_sha256": digest(box), "verification": self.by}
        if share is not None:
            claims |= {"share_sha256": digest(share)}
        return Answer(request.transaction, CONFIRM, said.counter, signer.sign(claims), box, share)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The decision to decline, with an optional reason of up to 200 characters, and a cause that the server knows."""

    reason: str = ""
    cause: str | None = None

    def __post_init__(self) -> None:
        if self.cause is not None and self.cause not in CAUSES:
            raise BadInput(f"a cause is one of {', '.join(CAUSES)}")
        fault = plain.fault_in(self.reason, REASON_LIMIT, multiline=True)
        if fault:
            raise BadInput(f"the reason {fault}")

    def says(self) -> dict[str, Any]:
        """Return the members that say so."""
        told = {"cause": self.cause, "reason": self.reason}
        return {"decision": DECLINE} | {name: value for name, value in told.items() if value}

    def answer(self, said: Draft, request: Request, signer: Signer) -> Answer:
        """Return the signed answer."""
        claims = said.claims() | self.says()
        return Answer(request.transaction, DECLINE, said.counter, signer.sign(claims), None)
