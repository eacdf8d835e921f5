"""The confirmation request, read strictly: the members of its kind, and no others.

Source: docs/evidence.md section 2 step 10, docs/device-protocol.md sections 4, 6, 7 and 11.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dss.audit.merkle import Head
from dss.devices.answer import VERIFICATIONS
from dss.devices.enrolment import binding
from dss.devices.items import LISTED, MOST, Item
from dss.devices.request import REQUEST_LABEL, Kind, Party
from dss.devices.verification import OFFERED, UNVERIFIED, Verification
from dss.evidence import fields
from dss.evidence.concerned import Change, Key, NewKey, Share, read_change, read_key, read_new_key, read_share
from dss.evidence.fields import EvidenceRefused, looking_at, require
from dss.evidence.item_form import read_item
from dss.infra import jose
from dss.kernel.ids import DeviceId, TransactionId
from dss.kernel.policy import Mode

ALWAYS = frozenset(
    {"box_key", "documents", "expires", "issued", "kind", "nonce", "policy", "relying_application", "server", "signer"}
    | {"text", "transaction", "verification"}
)
# Of each kind that leaves evidence: the members that it needs besides, and those that it may have.
OF_KIND: dict[Kind, tuple[frozenset[str], frozenset[str]]] = {
    Kind.SIGN: (frozenset({"credential"}), frozenset({"relock", "batch", "session"})),
    Kind.SESSION: (frozenset({"credential", "session"}), frozenset()),
    Kind.CREATE: (frozenset({"credential"}), frozenset()),
    Kind.CHANGE: (frozenset({"change", "phone"}), frozenset({"credential"})),
    Kind.SHARE: (frozenset({"share", "phone"}), frozenset()),
}
SIGNING = frozenset({Kind.SIGN, Kind.SESSION})
NO_APPLICATION = frozenset({"owner", "operator"})  # in place of its id, where the signer's phone or an operator asked
NUMBER, CODE = re.compile("[0-9]{2}"), re.compile("[0-9]{4}")
OF_MODE = {
    Mode.NONE: frozenset[str](),
    Mode.COMPARE: frozenset({"code"}),
    Mode.CHOOSE: frozenset({"numbers", "commitment"}),
}


@dataclass(frozen=True, slots=True)
class Session:
    """How many signatures a session is for, and for how many minutes."""

    signatures: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Place:
    """The session that a signing is a part of, by its transaction, and the first of its places there, from 1."""

    session: TransactionId
    first: int


@dataclass(frozen=True, slots=True)
class Request:
    """What a phone was shown, or, in a session, what no phone was.

    binding:   what the answer must carry, 32 bytes.
    documents: what is to be signed; batch: the head of the tree of them, where they are more than stand here.
    key:       that signs; None for other kinds, which have new_key, change or share.
    phone:     the only one that may answer; None for any of the signer's.
    session:   what a session is for. place: in one, of what is signed without a phone.
    """

    binding: bytes
    server: str
    transaction: TransactionId
    kind: Kind
    relying_application: Party
    signer: Party
    text: str
    documents: tuple[Item, ...]
    batch: Head | None
    verification: Verification
    answer_by: frozenset[str]
    issued: datetime
    expires: datetime
    phone: DeviceId | None
    key: Key | None
    new_key: NewKey | None
    change: Change | None
    share: Share | None
    session: Session | None
    place: Place | None

    @property
    def count(self) -> int:
        """How many documents are to be signed."""
        return len(self.documents) if self.batch is None else self.batch.size


def read(payload: bytes, claims: Any) -> Request:
    """Read a request's payload. Raises EvidenceRefused."""
    kind = _kind(claims)
    needed, optional = OF_KIND[kind]
    found = fields.members(claims, "the request", ALWAYS | needed, optional)
    _require_settled(found)
    return Request(
        binding=binding(REQUEST_LABEL, payload),
        server=fields.text(found["server"], "request.server"),
        transaction=TransactionId(fields.identifier(found["transaction"], "request.transaction")),
        kind=kind,
        relying_application=_application(found["relying_application"]),
        signer=_signer(found["signer"]),
        text=fields.text(found["text"], "request.text"),
        documents=_documents(found["documents"], kind),
        batch=_batch(found) if "batch" in found else None,
        verification=_verification(found["verification"]),
        answer_by=_answer_by(found["policy"]),
        issued=fields.moment(found["issued"], "request.issued"),
        expires=fields.moment(found["expires"], "request.expires"),
        phone=DeviceId(fields.identifier(found["phone"], "request.phone")) if "phone" in found else None,
        key=read_key(found["credential"], {"password"}) if kind in SIGNING else None,
        new_key=read_new_key(found["credential"]) if kind is Kind.CREATE else None,
        change=read_change(found) if kind is Kind.CHANGE else None,
        share=read_share(found["share"]) if kind is Kind.SHARE else None,
        session=_session(found["session"]) if kind is Kind.SESSION else None,
        place=_place(found) if kind is Kind.SIGN and "session" in found else None,
    )


def _kind(claims: Any) -> Kind:
    kind = claims.get("kind")
    require(kind in list(OF_KIND), "request.kind is none that is known")
    return Kind(kind)


def _require_settled(found: dict[str, Any]) -> None:
    """Look at the members that say nothing about what is confirmed."""
    fields.text(found["nonce"], "request.nonce")
    require(found.get("relock", True) is True, "request.relock is not true")
    box_key = fields.members(found["box_key"], "request.box_key", {"kid", "jwk"})
    fields.identifier(box_key["kid"], "request.box_key.kid")
    with looking_at("request.box_key.jwk"):
        jose.read_jwk(box_key["jwk"])


def _application(value: object) -> Party:
    found = fields.members(value, "request.relying_application", {"id", "name"})
    id = fields.text(found["id"], "request.relying_application.id")
    if id not in NO_APPLICATION:
        fields.identifier(id, "request.relying_application.id")
    return Party(id, fields.text(found["name"], "request.relying_application.name"))


def _signer(value: object) -> Party:
    found = fields.members(value, "request.signer", {"id", "login", "name"})
    id = fields.identifier(found["id"], "request.signer.id")
    return Party(id, *(fields.text(found[name], f"request.signer.{name}") for name in ("name", "login")))


def _answer_by(value: object) -> frozenset[str]:
    what = "request.policy.answer_by"
    ways = fields.members(value, "request.policy", {"answer_by"})["answer_by"]
    found = frozenset(fields.text(way, what) for way in fields.items(ways, what, len(VERIFICATIONS)))
    require(found <= set(VERIFICATIONS), f"{what} has a way that is not known")
    require(0 < len(found) == len(ways), f"{what} has no way, or one of them twice")
    return found


def _verification(value: object) -> Verification:
    mode = value.get("mode") if isinstance(value, dict) else None
    if mode not in list(Mode):
        raise EvidenceRefused("request.verification.mode is none that is known")
    found = fields.members(value, "request.verification", {"mode"} | OF_MODE[Mode(mode)])
    if mode == Mode.COMPARE:
        code = fields.text(found["code"], "request.verification.code")
        require(CODE.fullmatch(code) is not None, "request.verification.code is not of four digits")
        return Verification(Mode.COMPARE, code=code)
    if mode == Mode.CHOOSE:
        commitment = fields.digest(found["commitment"], "request.verification.commitment")
        return Verification(Mode.CHOOSE, numbers=_numbers(found["numbers"]), commitment=commitment)
    return UNVERIFIED


def _numbers(value: object) -> tuple[str, ...]:
    what = "request.verification.numbers"
    numbers = tuple(fields.text(one, what) for one in fields.items(value, what, OFFERED))
    require(all(NUMBER.fullmatch(one) for one in numbers), f"{what} are not of two digits each")
    require(len(set(numbers)) == OFFERED == len(numbers), f"{what} are not {OFFERED} that differ")
    return numbers


def _documents(value: object, kind: Kind) -> tuple[Item, ...]:
    listed = fields.items(value, "request.documents", LISTED)
    require(kind is Kind.SIGN or not listed, f"a request of the kind {kind} has documents")
    found = tuple(read_item(one) for one in listed)
    in_place = all(item.index == place for place, item in enumerate(found))
    require(in_place, "the request's documents are not counted from 0")
    return found


def _batch(request: dict[str, Any]) -> Head:
    found = fields.members(request["batch"], "request.batch", {"count", "root"})
    count = fields.number(found["count"], "request.batch.count")
    require(LISTED < count <= MOST, f"request.batch.count is not above {LISTED} and at most {MOST}")
    require(not request["documents"], "the request has a batch and documents besides")
    return Head(count, fields.digest(found["root"], "request.batch.root"))


def _session(value: object) -> Session:
    found = fields.members(value, "request.session", {"signatures", "minutes"})
    for name in ("signatures", "minutes"):
        require(fields.number(found[name], f"request.session.{name}") > 0, f"request.session.{name} is nought")
    return Session(found["signatures"], found["minutes"])


def _place(request: dict[str, Any]) -> Place:
    found = fields.members(request["session"], "request.session", {"id", "place"})
    require(fields.number(found["place"], "request.session.place") > 0, "request.session.place is nought")
    unshown = "relock" not in request and request["verification"] == UNVERIFIED.member()
    require(unshown, "the request is in a session, and asks something of a phone")
    return Place(TransactionId(fields.identifier(found["id"], "request.session.id")), found["place"])
