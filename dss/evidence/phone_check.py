"""The phone: that its owner's key answered, and that the server had registered this key for this person.

Source: docs/evidence.md section 2 steps 6 to 9, docs/device-protocol.md sections 1 and 2.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from dss.audit.note import VerifierKey
from dss.devices import answer as answers
from dss.devices import enrolment, request
from dss.devices.answer import Answer
from dss.evidence import fields, request_form
from dss.evidence.channel_key import Statement
from dss.evidence.fields import looking_at, require
from dss.evidence.record import Core, Offline
from dss.evidence.request_form import Request
from dss.infra import jose
from dss.kernel.ids import DeviceId, EnrolmentId

RECEIPT = frozenset({"server", "enrolment", "enrolment_sha256", "device", "user", "counter", "enrolled"})


@dataclass(frozen=True, slots=True)
class Phone:
    """A registered phone.

    name, platform: as its owner and the phone itself called it.
    active:         until when a further phone of the owner had to wait; None for a first one.
    """

    id: DeviceId
    name: str
    platform: str
    enrolled: datetime
    active: datetime | None


@dataclass(frozen=True, slots=True)
class Attested:
    """A request by the server, and its answer by a phone that the server had registered; all signatures verified.

    session:     the request that was answered in place of this one, where that was for a session; else None.
    answer:      the phone's own, or the code that stands for it.
    channel_key: the RFC 7638 thumbprint of the server's key that signed request and receipt, base64url.
    """

    request: Request
    session: Request | None
    answer: Answer | Offline
    phone: Phone
    channel_key: str

    @property
    def shown(self) -> Request:
        """What the phone was shown, and answered."""
        return self.request if self.session is None else self.session


@dataclass(frozen=True, slots=True)
class _Receipt:
    """What the server said when it registered a phone; user: the owner's id."""

    server: str
    enrolment: EnrolmentId
    enrolment_sha256: bytes
    device: DeviceId
    user: str
    enrolled: datetime
    active: datetime | None


@dataclass(frozen=True, slots=True)
class Said:
    """What the server signed by its channel key; key: its thumbprint (RFC 7638), base64url."""

    request: jose.Jws
    session: jose.Jws | None
    receipt: jose.Jws
    key: str


def check(core: Core, log_key: VerifierKey) -> Attested:
    """Verify the JWS, that they belong together, and that the log's key vouches for the channel key.

    Raises EvidenceRefused.
    """
    said = said_by_server(core, log_key)
    receipt = _receipt(said.receipt)
    asked = _request(said.request, receipt)
    session = None if said.session is None else _request(said.session, receipt)
    enrolled = _enrolled(core.enrolment, receipt)
    of_phone = {jose.thumbprint(jwk) for jwk in (enrolled.signature_jwk, enrolled.encryption_jwk)}
    require(said.key not in of_phone, "the phone has the channel key")
    answer = _answer(core, receipt, enrolled.signature_jwk)
    phone = Phone(receipt.device, enrolled.name, enrolled.platform, receipt.enrolled, receipt.active)
    return Attested(asked, session, answer, phone, said.key)


def said_by_server(core: Core, log_key: VerifierKey) -> Said:
    """Verify that request and receipt are by the one channel key that the log's key vouches for.

    Raises EvidenceRefused.
    """
    request_jws = _by_channel_key(core.request, request.REQUEST, "the request")
    receipt_jws = _by_channel_key(core.receipt, enrolment.RECEIPT, "the receipt")
    session_jws = _by_channel_key(core.session, request.REQUEST, "the session's request") if core.session else None
    same_key = request_jws.header["jwk"] == receipt_jws.header["jwk"]
    require(same_key, "the request and the receipt are not by the same channel key")
    by_key = session_jws is None or session_jws.header["jwk"] == request_jws.header["jwk"]
    require(by_key, "the session's request is not by the same channel key")
    thumbprint = jose.thumbprint(request_jws.header["jwk"])
    with looking_at("core.channel_key"):
        stated = Statement.read_signed(core.channel_key, log_key)
        require(stated.thumbprint == thumbprint, "it is not about the key that signed the request and the receipt")
        require(stated.server == request_jws.claims.get("server"), "it is of another server than the request")
    return Said(request_jws, session_jws, receipt_jws, thumbprint)


def _by_channel_key(text: str, typ: str, what: str) -> jose.Jws:
    with looking_at(what):
        jws = jose.read_jws(text, typ, names_key_by="jwk", longest=request.LONGEST)
        jws.verify(jose.read_jwk(jws.header["jwk"]))
    return jws


def _request(jws: jose.Jws, receipt: _Receipt) -> Request:
    found = request_form.read(jws.payload, jws.claims)
    require(found.server == receipt.server, "the request and the receipt are not of the same server")
    require(found.signer.id == receipt.user, "the request is for another person than the phone's owner")
    return found


def _receipt(jws: jose.Jws) -> _Receipt:
    found = fields.members(jws.claims, "the receipt", RECEIPT, {"active"})
    user = fields.members(found["user"], "receipt.user", {"id", "login", "name"})
    for name in ("login", "name"):
        fields.text(user[name], f"receipt.user.{name}")
    fields.number(found["counter"], "receipt.counter")
    return _Receipt(
        server=fields.text(found["server"], "receipt.server"),
        enrolment=EnrolmentId(fields.identifier(found["enrolment"], "receipt.enrolment")),
        enrolment_sha256=fields.digest(found["enrolment_sha256"], "receipt.enrolment_sha256"),
        device=DeviceId(fields.identifier(found["device"], "receipt.device")),
        user=fields.identifier(user["id"], "receipt.user.id"),
        enrolled=fields.moment(found["enrolled"], "receipt.enrolled"),
        active=fields.moment(found["active"], "receipt.active") if "active" in found else None,
    )


def _enrolled(text: str, receipt: _Receipt) -> enrolment.Request:
    with looking_at("the enrolment"):
        found = enrolment.read_request(text, receipt.server, receipt.enrolment)
        fields.number(jose.read_jws(text, enrolment.ENROLMENT, names_key_by="jwk").claims["iat"], "its iat")
    same = hashlib.sha256(text.encode()).digest() == receipt.enrolment_sha256
    require(same, "the receipt is of another enrolment")
    require(bool(found.name and found.platform), "the enrolment: its name or its platform is empty")
    whole = len(found.proof) == len(found.sealed_sha256) == fields.HASH_BYTES
    require(whole, f"the enrolment: its proof or its sealed_sha256 has not {fields.HASH_BYTES} bytes")
    return found


def _answer(core: Core, receipt: _Receipt, signature_jwk: jose.Jwk) -> Answer | Offline:
    if core.offline is not None:
        require(not core.answer, "there are two answers, by the phone and by a code")
        require(core.offline.device == receipt.device, "the code is of another phone")
        return core.offline
    with looking_at("the answer's form"):
        found = answers.read(core.answer)
    require(found.is_signed_by(signature_jwk), "the answer is not signed by the phone's key")
    require(found.device == receipt.device, "the answer names another phone")
    require(found.aud == receipt.server, "the answer is for another server")
    return found
