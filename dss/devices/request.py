"""The confirmation request: what a phone is shown, and what its answer is bound to.

Source: docs/device-protocol.md section 4.
"""

import hmac
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from dss.devices.enrolment import RECEIPT, binding
from dss.devices.items import LISTED, Batch, Item
from dss.devices.model import BoxKey
from dss.devices.verification import UNVERIFIED, Verification
from dss.infra import jose
from dss.kernel import canonical
from dss.kernel.clock import read_timestamp, timestamp
from dss.kernel.errors import AnswerRefused, BadRequest
from dss.kernel.ids import BoxKeyId, CredentialId, DeviceId, TransactionId, UserId

REQUEST, REQUEST_LABEL = "dss-confirmation-request+jws", b"dss/confirmation/v1"
OWNER, OPERATOR = "owner", "operator"  # who asks where no relying application does
LONGEST = 1024 * 1024  # as a JWS: many documents with long names


class Kind(StrEnum):
    """What a confirmation releases."""

    SIGN = "sign"
    CREATE = "create"
    CHANGE = "change"
    SHARE = "share"
    SESSION = "session"
    LOGIN = "login"


class Action(StrEnum):
    """What a change changes: the phone's PIN, a key's password, lock or state, who may ask, or the owner's phones."""

    PIN = "pin"
    PASSWORD = "password"  # noqa: S105  an action
    RELOCK = "relock"
    RESUME = "resume"
    REVOKE = "revoke"
    DESTROY = "destroy"
    REMOVE = "remove"
    ALLOW = "allow"
    OFFLINE = "offline"
    OFFLINE_END = "offline_end"


OPENS_KEY = frozenset({Action.PASSWORD, Action.RELOCK, Action.OFFLINE})
OF_KEYS = OPENS_KEY | {Action.RESUME, Action.REVOKE, Action.DESTROY, Action.OFFLINE_END}
BRINGS = {
    Action.PIN: frozenset({"pin_proof_next"}),
    Action.PASSWORD: frozenset({"k_pwd_next"}),
    Action.OFFLINE: frozenset({"k_offline"}),
}


@dataclass(frozen=True, slots=True)
class Party:
    """A person or a relying application as the phone shows it: id and registered name; login of persons only."""

    id: str
    name: str
    login: str = ""


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """What is asked of a phone.

    credential: the member as it stands in the request, or None where no key is concerned.
    documents:  what is to be signed; more than LISTED are stood for by a root.
    nonce:      base64url of 16 random bytes.
    answer_by:  the ways in which the person may answer.
    more:       members that only some requests have: phone, change, share, relock, session, login.
    """

    server: str
    transaction: TransactionId
    kind: Kind
    relying_application: Party
    signer: Party
    credential: dict[str, Any] | None
    text: str
    documents: tuple[Item, ...]
    box_key: BoxKey
    issued: datetime
    expires: datetime
    nonce: str
    verification: Verification = UNVERIFIED
    answer_by: tuple[str, ...] = ("pin",)
    more: dict[str, Any] = field(default_factory=dict)

    def payload(self) -> bytes:
        """Return the canonical JSON that the channel key signs."""
        listed = len(self.documents) <= LISTED
        batch = {} if listed else {"batch": Batch.of(self.documents).member()}
        application = {"id": self.relying_application.id, "name": self.relying_application.name}
        signer = {"id": self.signer.id, "login": self.signer.login, "name": self.signer.name}
        concerned = {} if self.credential is None else {"credential": self.credential}
        return canonical.encode(
            concerned
            | batch
            | self.more
            | {
                "box_key": {"kid": self.box_key.id, "jwk": self.box_key.jwk},
                "documents": [item.member() for item in self.documents] if listed else [],
                "expires": timestamp(self.expires),
                "issued": timestamp(self.issued),
                "kind": self.kind.value,
                "nonce": self.nonce,
                "policy": {"answer_by": list(self.answer_by)},
                "relying_application": application,
                "server": self.server,
                "signer": signer,
                "text": self.text,
                "transaction": self.transaction,
                "verification": self.verification.member(),
            }
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """What a stored request says, read again from its bytes alone: the ground for every later check.

    binding:    what an answer to it must carry.
    credential: the member, empty where no key is concerned.
    items:      what is to be signed; none yet of a batch that was not opened.
    answer_by:  the ways in which the person may answer.
    phone:      the only phone that may answer, or None for any of the owner's.
    change, share, session, login: the member, empty where there is none.
    """

    binding: bytes
    server: str
    transaction: TransactionId
    kind: Kind
    relying_application: str
    signer: UserId
    credential: dict[str, Any]
    items: tuple[Item, ...]
    batch: Batch | None
    verification: Verification
    box_key: BoxKeyId
    answer_by: frozenset[str]
    issued: datetime
    expires: datetime
    phone: DeviceId | None
    relock: bool
    change: dict[str, Any]
    share: dict[str, Any]
    session: dict[str, Any]
    login: dict[str, Any]

    @property
    def count(self) -> int:
        """How many things are to be signed."""
        return len(self.items) if self.batch is None else self.batch.count

    def opened(self, items: tuple[Item, ...]) -> "Asked":
        """Return what was asked with the things that a batch stands for. Raises AnswerRefused unless they are those."""
        if self.batch is None:
            return self
        if not self.batch.is_of(items):
            raise AnswerRefused("what is to be signed is not what was confirmed")
        return replace(self, items=items)

    @property
    def credential_id(self) -> CredentialId:
        """The key that is concerned. Raises AnswerRefused where none is."""
        if "id" not in self.credential:
            raise AnswerRefused
        return CredentialId(self.credential["id"])

    @property
    def action(self) -> Action | None:
        """What a change changes."""
        return Action(self.change["action"]) if self.change else None

    @property
    def opens_key(self) -> bool:
        """True where the answer brings the phone's share of a key that is there."""
        return self.kind in (Kind.SIGN, Kind.SESSION) or self.action in OPENS_KEY

    @property
    def sealed(self) -> frozenset[str]:
        """The members of the box that comes with a confirmation."""
        wanted = {"pin_proof"}
        if self.opens_key or self.kind is Kind.CREATE:
            wanted.add("k_act")
        if self.opens_key and "password" in self.credential:
            wanted.add("k_pwd")
        if self.relock or self.action is Action.RELOCK:
            wanted.add("k_act_next")
        wanted |= BRINGS.get(self.action, frozenset()) if self.action else frozenset()
        return frozenset(wanted)


def is_shown(jws_text: str, asked: Asked, receipt: str) -> bool:
    """Return True when a JWS is the request that was asked, signed by the channel key that a phone pinned.

    receipt: what the phone was sent when it was enrolled, as its proven row has it.
    """
    try:
        jws = jose.read_jws(jws_text, REQUEST, names_key_by="jwk", longest=LONGEST)
        pinned = jose.read_jws(receipt, RECEIPT, names_key_by="jwk").header["jwk"]
        jws.verify(jose.read_jwk(pinned))
    except BadRequest:
        return False
    return bool(jws.header["jwk"] == pinned) and hmac.compare_digest(binding(REQUEST_LABEL, jws.payload), asked.binding)


def read(payload: bytes) -> Asked:
    """Read a confirmation request back. Raises BadRequest when the bytes are not one."""
    value = canonical.decode(payload)
    try:
        return Asked(
            binding=binding(REQUEST_LABEL, payload),
            server=value["server"],
            transaction=TransactionId(value["transaction"]),
            kind=Kind(value["kind"]),
            relying_application=value["relying_application"]["id"],
            signer=UserId(value["signer"]["id"]),
            credential=value.get("credential", {}),
            items=tuple(Item.of_member(item) for item in value["documents"]),
            batch=Batch.of_member(value["batch"]) if "batch" in value else None,
            verification=Verification.of_member(value["verification"]),
            box_key=BoxKeyId(value["box_key"]["kid"]),
            answer_by=frozenset(value["policy"]["answer_by"]),
            issued=read_timestamp(value["issued"]),
            expires=read_timestamp(value["expires"]),
            phone=DeviceId(value["phone"]) if "phone" in value else None,
            relock=value.get("relock", False),
            change=value.get("change", {}),
            share=value.get("share", {}),
            session=value.get("session", {}),
            login=dict(value.get("login", {})),
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise BadRequest("not a confirmation request") from fault
