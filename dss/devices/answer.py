"""The phone's answer: its form, and the rules that make it an answer to one request.

Source: docs/device-protocol.md section 5.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dss.devices.request import Asked, Kind
from dss.infra import jose
from dss.kernel import b64, text
from dss.kernel.errors import AnswerRefused, DssError
from dss.kernel.ids import DeviceId, TransactionId

ANSWER = "dss-answer+jws"
BOTH = frozenset({"aud", "txn", "binding", "decision", "counter", "iat"})
CONFIRM = BOTH | {"verification", "sealed_sha256"}
SHARE = CONFIRM | {"share_sha256"}
TEXTS = ("aud", "txn", "binding", "verification", "sealed_sha256", "share_sha256")
VERIFICATIONS = ("pin", "biometric")
REASON_LIMIT = 200
LARGEST_COUNTER = 2**53 - 1


class Decision(StrEnum):
    """What the person decided."""

    CONFIRM = "confirm"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Came:
    """What a phone sent: its answer (JWS), with a confirmation its box (JWE), and with a share that (JWE)."""

    answer: str
    box: str | None = field(default=None, repr=False)
    share: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a phone signed.

    iat:           seconds since 1970 by the phone's clock.
    sealed_sha256: of the box's text; empty with a decline.
    share_sha256:  of the share's text; empty but for a confirmed share.
    """

    device: DeviceId
    aud: str
    transaction: TransactionId
    binding: bytes
    decision: Decision
    verification: str
    counter: int
    iat: int
    sealed_sha256: bytes
    share_sha256: bytes
    reason: str
    jws: jose.Jws

    def is_signed_by(self, jwk: jose.Jwk) -> bool:
        """Return True when the answer verifies with this phone's key."""
        try:
            self.jws.verify(jose.read_jwk(jwk))
        except DssError:
            return False
        return True

    def answers(self, asked: Asked, came: Came) -> bool:
        """Return True when every member fits the request and what came; signature and PIN are other questions."""
        if self.aud != asked.server or self.transaction != asked.transaction:
            return False
        if asked.phone not in (None, self.device) or not hmac.compare_digest(self.binding, asked.binding):
            return False
        if self.decision is Decision.DECLINE:
            return came.box is None and came.share is None
        shares = (asked.kind is Kind.SHARE) is (came.share is not None)
        return shares and self.verification in asked.answer_by and self.seals(came)

    def seals(self, came: Came) -> bool:
        """Return True when these are the box and the share that the answer was signed with."""
        return _is_hash(self.sealed_sha256, came.box) and _is_hash(self.share_sha256, came.share)


def read(jws_text: str) -> Answer:
    """Read an answer's form. Raises AnswerRefused, always alike, on every fault in it."""
    try:
        jws = jose.read_jws(jws_text, ANSWER, names_key_by="kid")
        return _answer(jws)
    except DssError as fault:
        raise AnswerRefused from fault


def _is_hash(digest: bytes, text: str | None) -> bool:
    expected = b"" if text is None else hashlib.sha256(text.encode()).digest()
    return hmac.compare_digest(expected, digest)


def _answer(jws: jose.Jws) -> Answer:
    claims = jws.claims
    decision = _decision(claims)
    texts = [jws.header["kid"], *(claims[name] for name in TEXTS if name in claims)]
    numbers = [claims["counter"], claims["iat"]]
    if not all(isinstance(value, str) for value in texts) or not all(type(value) is int for value in numbers):
        raise AnswerRefused
    if not 0 < claims["counter"] <= LARGEST_COUNTER:
        raise AnswerRefused
    return Answer(
        device=DeviceId(jws.header["kid"]),
        aud=claims["aud"],
        transaction=TransactionId(claims["txn"]),
        binding=b64.url_decode(claims["binding"]),
        decision=decision,
        verification=claims.get("verification", ""),
        counter=claims["counter"],
        iat=claims["iat"],
        sealed_sha256=b64.url_decode(claims.get("sealed_sha256", "")),
        share_sha256=b64.url_decode(claims.get("share_sha256", "")),
        reason=_reason(claims),
        jws=jws,
    )


def _decision(claims: Any) -> Decision:
    members = set(claims)
    if claims.get("decision") == "confirm" and members in (CONFIRM, SHARE) and claims["verification"] in VERIFICATIONS:
        return Decision.CONFIRM
    if claims.get("decision") == "decline" and members - {"reason"} == BOTH:
        return Decision.DECLINE
    raise AnswerRefused


def _reason(claims: Any) -> str:
    reason = claims.get("reason", "")
    if not isinstance(reason, str):
        raise AnswerRefused
    if reason:
        text.require_plain(reason, REASON_LIMIT, "reason", multiline=True)
    return reason
