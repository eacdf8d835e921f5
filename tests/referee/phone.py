"""The steps about the phone and its confirmation (docs/evidence.md section 2, steps 6 to 13)."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tests.referee import jws, request, shapes
from tests.referee.refusing import require
from tests.referee.shapes import SECOND, members, one_of

SLACK = 60 * SECOND

ENROLMENT = members(
    {
        "aud": shapes.text,
        "enrolment": shapes.id,
        "nonce": shapes.text,
        "name": shapes.plain_up_to(64),
        "platform": shapes.plain_up_to(32),
        "keys": request.KEYS,
        "proof": shapes.digest,
        "sealed_sha256": shapes.digest,
        "iat": shapes.number,
    }
)
RECEIPT = members(
    {
        "server": shapes.text,
        "enrolment": shapes.id,
        "enrolment_sha256": shapes.digest,
        "device": shapes.id,
        "user": request.PERSON,
        "counter": shapes.number,
        "enrolled": shapes.time,
    },
    {"active": shapes.time},
)
ANSWER = {
    "aud": shapes.text,
    "txn": shapes.id,
    "binding": shapes.digest,
    "counter": shapes.positive,
    "iat": shapes.number,
}
CONFIRMING = {
    **ANSWER,
    "decision": one_of("confirm"),
    "verification": one_of("pin", "biometric"),
    "sealed_sha256": shapes.digest,
}
DECLINING = {**ANSWER, "decision": one_of("decline")}


@dataclass(frozen=True, slots=True)
class Talk:
    """The four JWS between server and phone; after `verified` their claims hold together."""

    request: jws.Letter
    answer: jws.Letter
    enrolment: jws.Letter
    receipt: jws.Letter

    @property
    def confirmed(self) -> bool:
        """Whether the phone confirmed; else it declined."""
        return bool(self.answer.claims["decision"] == "confirm")

    @property
    def channel_key(self) -> str:
        """The thumbprint of the key that the server speaks by."""
        return jws.thumbprint(self.request.header["jwk"])

    @classmethod
    def verified(cls, core: dict[str, Any]) -> "Talk":
        """Read the four JWS of a record and take every step."""
        talk = cls(
            jws.read(core["request"], "dss-confirmation-request+jws", "jwk"),
            jws.read(core["answer"], "dss-answer+jws", "kid"),
            jws.read(core["enrolment"], "dss-enrolment+jws", "jwk"),
            jws.read(core["receipt"], "dss-receipt+jws", "jwk"),
        )
        talk._require_shapes()
        talk._require_signatures()
        talk._require_one_phone()
        talk._require_answered()
        talk._require_times()
        return talk

    def _require_shapes(self) -> None:
        ENROLMENT(self.enrolment.claims, "enrolment")
        RECEIPT(self.receipt.claims, "receipt")
        request.require_known(self.request.claims)
        confirming = self.answer.claims.get("decision") == "confirm"
        shared = {"share_sha256": shapes.digest} if self.request.claims["kind"] == "share" else {}
        shape = (
            members({**CONFIRMING, **shared})
            if confirming
            else members(DECLINING, {"reason": shapes.plain_up_to(200, least=0, besides="\n")})
        )
        shape(self.answer.claims, "answer")

    def _require_signatures(self) -> None:
        channel, phone = self.request.header["jwk"], self.enrolment.claims["keys"]["sig"]
        require(self.receipt.header["jwk"] == channel, "request and receipt are by different channel keys")
        require(self.enrolment.header["jwk"] == phone, "the enrolment is by another key than it names")
        encryption = self.enrolment.claims["keys"]["enc"]
        require(encryption != phone, "the phone has one key for two uses")
        require(channel not in (phone, encryption), "the phone has the server's key")
        self.request.require_signed_by(channel, "the request")
        self.receipt.require_signed_by(channel, "the receipt")
        self.enrolment.require_signed_by(phone, "the enrolment")
        self.answer.require_signed_by(phone, "the answer")

    def _require_one_phone(self) -> None:
        asked, answer, receipt = self.request.claims, self.answer.claims, self.receipt.claims
        enrolled, introduced = self.enrolment.claims, sha256(self.enrolment.text.encode()).digest()
        require(shapes.text_of(introduced) == receipt["enrolment_sha256"], "the receipt is for another enrolment")
        require(self.answer.header["kid"] == receipt["device"], "the answer is by another phone")
        servers = {asked["server"], receipt["server"], enrolled["aud"], answer["aud"]}
        require(len(servers) == 1, "the messages are of different servers")
        require(enrolled["enrolment"] == receipt["enrolment"], "enrolment and receipt have different ids")
        require(asked["signer"]["id"] == receipt["user"]["id"], "the phone belongs to another person")

    def _require_answered(self) -> None:
        asked, answer = self.request.claims, self.answer.claims
        require(answer["txn"] == asked["transaction"], "the answer is to another transaction")
        binding = sha256(b"dss/confirmation/v1\x00" + self.request.payload).digest()
        require(answer["binding"] == shapes.text_of(binding), "the answer is bound to another request")
        require(asked.get("phone", self.answer.header["kid"]) == self.answer.header["kid"], "another phone was asked")
        if self.confirmed:
            require(answer["verification"] in asked["policy"]["answer_by"], "the policy allows no such verification")

    def _require_times(self) -> None:
        asked, answered = self.request.claims, self.answer.claims["iat"] * SECOND
        issued, expires = (shapes.microseconds(asked[name]) for name in ("issued", "expires"))
        require(issued < expires, "the request ends before it begins")
        require(issued - SLACK <= answered, "the answer is before the request")
        require(answered <= expires + SLACK, "the answer is after the request's end")
        enrolled, active = self.receipt.claims["enrolled"], self.receipt.claims.get("active")
        require(shapes.microseconds(enrolled) <= answered + SLACK, "the phone was enrolled after its answer")
        if active is not None:
            require(answered >= shapes.microseconds(active) - SLACK, "the phone was not active yet")
