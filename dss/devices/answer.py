"""The phone's answer: its form, and the rules that make it an answer to one request.

Source: docs/device-protocol.md section 5.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any

from dss.devices.items import MOST, Item
from dss.devices.request import Asked, Kind
from dss.infra import jose
from dss.kernel import b64, text
from dss.kernel.errors import AnswerRefused, DssError
from dss.kernel.ids import DeviceId, TransactionId
from dss.kernel.policy import Mode

ANSWER = "dss-answer+jws"
BOTH = frozenset({"aud", "txn", "binding", "decision", "counter", "iat"})
CONFIRM = BOTH | {"verification", "sealed_sha256"}
MAY_CONFIRM = frozenset({"share_sha256", "number", "declined_documents"})
MAY_DECLINE = frozenset({"reason", "cause"})
TEXTS = ("aud", "txn", "binding", "verification", "sealed_sha256", "share_sha256", "number")
VERIFICATIONS = ("pin", "biometric")
REASON_LIMIT = 200
LONGEST = 96 * 1024  # characters of a JWS: almost all of a batch may be declined
LARGEST_COUNTER = 2**53 - 1


class Decision(StrEnum):
    """What the person decided."""

    CONFIRM = "confirm"
    DECLINE = "decline"


class Cause(StrEnum):
    """Why a person declined: they asked for nothing, what is shown is wrong, or another code stood on the page."""

    NOT_ME = "not_me"
    WRONG_DATA = "wrong_data"
    CODE_DIFFERS = "code_differs"


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
    number:        what the person compared or chose; empty where nothing was to be.
    declined:      the indexes of the documents that are not to be signed, ascending.
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
    number: str
    declined: tuple[int, ...]
    reason: str
    cause: Cause | None
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
            compared = asked.verification.mode is Mode.COMPARE or self.cause is not Cause.CODE_DIFFERS
            return compared and came.box is None and came.share is None
        shares = (asked.kind is Kind.SHARE) is (came.share is not None)
        matched = (asked.verification.mode is Mode.NONE) is (self.number == "")
        fits = shares and matched and self.verification in asked.answer_by
        return fits and self._leaves_some(asked) and self.seals(came)

    def chosen(self, items: tuple[Item, ...]) -> tuple[Item, ...]:
        """Return those of the things asked that are to be signed."""
        declined = frozenset(self.declined)
        return tuple(item for item in items if item.index not in declined)

    def _leaves_some(self, asked: Asked) -> bool:
        """Return True when the declined documents are some of those to be signed, and not all."""
        declined = self.declined
        return not declined or (declined[-1] < asked.count and len(declined) < asked.count)

    def seals(self, came: Came) -> bool:
        """Return True when these are the box and the share that the answer was signed with."""
        return _is_hash(self.sealed_sha256, came.box) and _is_hash(self.share_sha256, came.share)


def read(jws_text: str) -> Answer:
    """Read an answer's form. Raises AnswerRefused, always alike, on every fault in it."""
    try:
        jws = jose.read_jws(jws_text, ANSWER, names_key_by="kid", longest=LONGEST)
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
        number=claims.get("number", ""),
        declined=_declined(claims),
        reason=_reason(claims),
        cause=_cause(claims),
        jws=jws,
    )


def _decision(claims: Any) -> Decision:
    members = set(claims)
    if any(claims.get(name) == "" for name in ("number", "share_sha256")):
        raise AnswerRefused
    confirms = members - MAY_CONFIRM == CONFIRM and claims["verification"] in VERIFICATIONS
    if claims.get("decision") == "confirm" and confirms:
        return Decision.CONFIRM
    if claims.get("decision") == "decline" and members - MAY_DECLINE == BOTH:
        return Decision.DECLINE
    raise AnswerRefused


def _declined(claims: Any) -> tuple[int, ...]:
    if "declined_documents" not in claims:
        return ()
    indexes = claims["declined_documents"]
    if not isinstance(indexes, list) or not 0 < len(indexes) < MOST or any(type(one) is not int for one in indexes):
        raise AnswerRefused
    if indexes[0] < 0 or any(earlier >= later for earlier, later in pairwise(indexes)):
        raise AnswerRefused
    return tuple(indexes)


def _cause(claims: Any) -> Cause | None:
    if "cause" not in claims:
        return None
    if claims["cause"] not in list(Cause):
        raise AnswerRefused
    return Cause(claims["cause"])


def _reason(claims: Any) -> str:
    reason = claims.get("reason", "")
    if not isinstance(reason, str):
        raise AnswerRefused
    if reason:
        text.require_visible(reason, REASON_LIMIT, "reason", multiline=True)
    return reason
