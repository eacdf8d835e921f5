"""The steps about the phone and its confirmation (docs/evidence.md section 2, steps 6 to 13 and 17 to 19)."""

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
CODE = members({"code": shapes.digits(8), "decision": one_of("confirm", "decline"), "device": shapes.id})
LABEL = b"dss/number/v1\x00"


@dataclass(frozen=True, slots=True)
class Talk:
    """The JWS between server and phone; after `verified` their claims hold together.

    shown:  the request that the phone answered: a session's, or the one that the record is about.
    answer: absent where a code stands for it.
    """

    request: jws.Letter
    shown: jws.Letter
    answer: jws.Letter | None
    enrolment: jws.Letter
    receipt: jws.Letter
    code: dict[str, Any]
    salt: str | None

    @property
    def said(self) -> dict[str, Any]:
        """What the answer says, or the code for it."""
        return self.code if self.answer is None else self.answer.claims

    @property
    def confirmed(self) -> bool:
        """Whether the person confirmed; else they declined."""
        return bool(self.said["decision"] == "confirm")

    @property
    def in_session(self) -> bool:
        """Whether no phone was shown the request."""
        return self.request is not self.shown

    @property
    def channel_key(self) -> str:
        """The thumbprint of the key that the server speaks by."""
        return jws.thumbprint(self.request.header["jwk"])

    @classmethod
    def verified(cls, core: dict[str, Any], ended: int) -> "Talk":
        """Read the JWS of a record and take every step; ended: when its event was."""
        asked = jws.read(core["request"], "dss-confirmation-request+jws", "jwk")
        session = core.get("session")
        code = core.get("offline", {})
        require(bool(code) is (core["answer"] == ""), "there is not one answer")
        talk = cls(
            asked,
            asked if session is None else jws.read(session, "dss-confirmation-request+jws", "jwk"),
            None if code else jws.read(core["answer"], "dss-answer+jws", "kid"),
            jws.read(core["enrolment"], "dss-enrolment+jws", "jwk"),
            jws.read(core["receipt"], "dss-receipt+jws", "jwk"),
            code,
            core.get("number_salt"),
        )
        talk._require_shapes()
        talk._require_signatures()
        talk._require_one_phone()
        talk._require_answered()
        talk._require_number()
        talk._require_times(ended)
        return talk

    def _require_shapes(self) -> None:
        ENROLMENT(self.enrolment.claims, "enrolment")
        RECEIPT(self.receipt.claims, "receipt")
        request.require_known(self.request.claims)
        request.require_known(self.shown.claims)
        if self.answer is None:
            CODE(self.code, "offline")
            return
        confirming = self.answer.claims.get("decision") == "confirm"
        (self._confirming() if confirming else self._declining())(self.answer.claims, "answer")

    def _confirming(self) -> shapes.Shape:
        kind, mode = self.shown.claims["kind"], self.shown.claims["verification"]["mode"]
        shared = {"share_sha256": shapes.digest} if kind == "share" else {}
        number = {} if mode == "none" else {"number": shapes.text}
        left_out = {"declined_documents": shapes.ascending} if kind == "sign" else {}
        return members({**CONFIRMING, **shared, **number}, left_out)

    def _declining(self) -> shapes.Shape:
        differs = ["code_differs"] if self.shown.claims["verification"]["mode"] == "compare" else []
        cause = one_of("not_me", "wrong_data", *differs)
        return members(DECLINING, {"reason": shapes.plain_up_to(200, least=0, besides="\n"), "cause": cause})

    def _require_signatures(self) -> None:
        channel, phone = self.request.header["jwk"], self.enrolment.claims["keys"]["sig"]
        require(self.receipt.header["jwk"] == channel, "request and receipt are by different channel keys")
        require(self.enrolment.header["jwk"] == phone, "the enrolment is by another key than it names")
        encryption = self.enrolment.claims["keys"]["enc"]
        require(encryption != phone, "the phone has one key for two uses")
        require(channel not in (phone, encryption), "the phone has the server's key")
        require(self.shown.header["jwk"] == channel, "the session is by another channel key")
        self.request.require_signed_by(channel, "the request")
        self.shown.require_signed_by(channel, "the request that was shown")
        self.receipt.require_signed_by(channel, "the receipt")
        self.enrolment.require_signed_by(phone, "the enrolment")
        if self.answer is not None:
            self.answer.require_signed_by(phone, "the answer")

    def _require_one_phone(self) -> None:
        asked, shown, receipt = self.request.claims, self.shown.claims, self.receipt.claims
        enrolled, introduced = self.enrolment.claims, sha256(self.enrolment.text.encode()).digest()
        require(shapes.text_of(introduced) == receipt["enrolment_sha256"], "the receipt is for another enrolment")
        phone = self.code["device"] if self.answer is None else self.answer.header["kid"]
        require(phone == receipt["device"], "the answer is by another phone")
        servers = {asked["server"], shown["server"], receipt["server"], enrolled["aud"]}
        servers |= set() if self.answer is None else {self.answer.claims["aud"]}
        require(len(servers) == 1, "the messages are of different servers")
        require(enrolled["enrolment"] == receipt["enrolment"], "enrolment and receipt have different ids")
        people = {asked["signer"]["id"], shown["signer"]["id"], receipt["user"]["id"]}
        require(len(people) == 1, "the phone belongs to another person")

    def _require_answered(self) -> None:
        shown, said = self.shown.claims, self.said
        if self.answer is None:
            require(shown["kind"] == "sign" and not self.in_session, "a code is not for this")
            require("session" not in shown, "a code is not for what is in a session")
            require("batch" not in shown, "a code is not for a batch")
            return
        require(said["txn"] == shown["transaction"], "the answer is to another transaction")
        binding = sha256(b"dss/confirmation/v1\x00" + self.shown.payload).digest()
        require(said["binding"] == shapes.text_of(binding), "the answer is bound to another request")
        require(shown.get("phone", self.answer.header["kid"]) == self.answer.header["kid"], "another phone was asked")
        if self.confirmed:
            require(said["verification"] in shown["policy"]["answer_by"], "the policy allows no such verification")
        left_out, there = said.get("declined_documents", []), request.count(shown)
        require(not left_out or (left_out[-1] < there > len(left_out)), "what is not there is declined, or everything")

    def _require_number(self) -> None:
        asked = self.shown.claims["verification"]
        chosen = self.answer is not None and self.confirmed and asked["mode"] == "choose"
        require(chosen is (self.salt is not None), "there is a salt of nothing, or none where a number was chosen")
        if self.answer is None or not self.confirmed or asked["mode"] == "none":
            return
        number = self.said["number"]
        if asked["mode"] == "compare":
            require(number == asked["code"], "the codes differ")
            return
        opened = sha256(LABEL + shapes.bytes_of(self.salt, "salt") + number.encode()).digest()
        require(number in asked["numbers"], "the number was not offered")
        require(shapes.text_of(opened) == asked["commitment"], "another number was the right one")

    def _require_times(self, ended: int) -> None:
        shown = self.shown.claims
        answered = ended if self.answer is None else self.said["iat"] * SECOND
        issued, expires = (shapes.microseconds(shown[name]) for name in ("issued", "expires"))
        require(issued < expires, "the request ends before it begins")
        require(issued - SLACK <= answered, "the answer is before the request")
        if self.answer is not None:
            require(answered <= expires + SLACK, "the answer is after the request's end")
        enrolled, active = self.receipt.claims["enrolled"], self.receipt.claims.get("active")
        require(shapes.microseconds(enrolled) <= answered + SLACK, "the phone was enrolled after its answer")
        if active is not None:
            require(answered >= shapes.microseconds(active) - SLACK, "the phone was not active yet")
