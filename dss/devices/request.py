"""The confirmation request: what a phone is shown, and what its answer is bound to.

Source: docs/device-protocol.md section 4.
"""

import hmac
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from dss.devices.enrolment import RECEIPT, binding
from dss.devices.model import BoxKey
from dss.infra import jose
from dss.kernel import b64, canonical
from dss.kernel.clock import read_timestamp, timestamp
from dss.kernel.digest import Digest, algorithm_named
from dss.kernel.errors import AnswerRefused, BadRequest
from dss.kernel.ids import BoxKeyId, CredentialId, DeviceId, TransactionId, UserId

REQUEST, REQUEST_LABEL = "dss-confirmation-request+jws", b"dss/confirmation/v1"
LONGEST = 1024 * 1024  # as a JWS: many documents with long names


class Kind(StrEnum):
    """What a confirmation releases."""

    SIGN = "sign"
    CREATE = "create"
    CHANGE = "change"
    SHARE = "share"


class Action(StrEnum):
    """What a change changes: the phone's PIN, a key's password or lock, a key's state, or the owner's phones."""

    PIN = "pin"
    PASSWORD = "password"  # noqa: S105  an action
    RELOCK = "relock"
    RESUME = "resume"
    REVOKE = "revoke"
    DESTROY = "destroy"
    REMOVE = "remove"


OF_KEYS = frozenset({Action.PASSWORD, Action.RELOCK, Action.RESUME, Action.REVOKE, Action.DESTROY})
OPENS_KEY = frozenset({Action.PASSWORD, Action.RELOCK})
NEXT = {Action.PIN: frozenset({"pin_proof_next"}), Action.PASSWORD: frozenset({"k_pwd_next"})}


@dataclass(frozen=True, slots=True)
class Party:
    """A person or a relying application as the phone shows it: id and registered name; login of persons only."""

    id: str
    name: str
    login: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to sign.

    to_sign:  what the key signs.
    scheme:   pkcs1v15, pss-N or ecdsa.
    document: name, media type, size in bytes and SHA-256 of what the person is shown; None for a bare hash.
    """

    index: int
    format: str
    scheme: str
    to_sign: Digest
    document: "Shown | None" = None

    def member(self) -> dict[str, Any]:
        """Return the form that stands in the request."""
        signed = {"hash_algorithm": self.to_sign.name, "to_sign": b64.url_encode(self.to_sign.value)}
        plain = {"index": self.index, "format": self.format, "scheme": self.scheme, **signed}
        return plain if self.document is None else plain | self.document.members()


@dataclass(frozen=True, slots=True)
class Shown:
    """A document as the phone shows it; size in bytes."""

    name: str
    media_type: str
    size: int
    document_digest: Digest

    def members(self) -> dict[str, Any]:
        """Return the members that a document adds to its item."""
        digest = b64.url_encode(self.document_digest.value)
        return {"name": self.name, "media_type": self.media_type, "size": self.size, "document_digest": digest}


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """What is asked of a phone.

    credential: the member as it stands in the request, or None where no key is concerned.
    nonce:      base64url of 16 random bytes.
    more:       members that only some requests have: phone, change, share, relock.
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
    more: dict[str, Any] = field(default_factory=dict)

    def payload(self) -> bytes:
        """Return the canonical JSON that the channel key signs."""
        application = {"id": self.relying_application.id, "name": self.relying_application.name}
        signer = {"id": self.signer.id, "login": self.signer.login, "name": self.signer.name}
        concerned = {} if self.credential is None else {"credential": self.credential}
        return canonical.encode(
            concerned
            | self.more
            | {
                "box_key": {"kid": self.box_key.id, "jwk": self.box_key.jwk},
                "documents": [item.member() for item in self.documents],
                "expires": timestamp(self.expires),
                "issued": timestamp(self.issued),
                "kind": self.kind.value,
                "nonce": self.nonce,
                "policy": {"answer_by": ["pin"]},
                "relying_application": application,
                "server": self.server,
                "signer": signer,
                "text": self.text,
                "transaction": self.transaction,
                "verification": {"mode": "none"},
            }
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """What a stored request says, read again from its bytes alone: the ground for every later check.

    binding:    what an answer to it must carry.
    credential: the member, empty where no key is concerned.
    answer_by:  the ways in which the person may answer.
    phone:      the only phone that may answer, or None for any of the owner's.
    change, share: the member, empty for other kinds.
    """

    binding: bytes
    server: str
    transaction: TransactionId
    kind: Kind
    signer: UserId
    credential: dict[str, Any]
    to_sign: tuple[Digest, ...]
    schemes: tuple[str, ...]
    box_key: BoxKeyId
    answer_by: frozenset[str]
    expires: datetime
    phone: DeviceId | None
    relock: bool
    change: dict[str, Any]
    share: dict[str, Any]

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
        return self.kind is Kind.SIGN or self.action in OPENS_KEY

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
        wanted |= NEXT.get(self.action, frozenset()) if self.action else frozenset()
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
        items = value["documents"]
        return Asked(
            binding=binding(REQUEST_LABEL, payload),
            server=value["server"],
            transaction=TransactionId(value["transaction"]),
            kind=Kind(value["kind"]),
            signer=UserId(value["signer"]["id"]),
            credential=value.get("credential", {}),
            to_sign=tuple(_to_sign(item) for item in items),
            schemes=tuple(item["scheme"] for item in items),
            box_key=BoxKeyId(value["box_key"]["kid"]),
            answer_by=frozenset(value["policy"]["answer_by"]),
            expires=read_timestamp(value["expires"]),
            phone=DeviceId(value["phone"]) if "phone" in value else None,
            relock=value.get("relock", False),
            change=value.get("change", {}),
            share=value.get("share", {}),
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise BadRequest("not a confirmation request") from fault


def _to_sign(item: dict[str, Any]) -> Digest:
    return Digest(algorithm_named(item["hash_algorithm"]), b64.url_decode(item["to_sign"]))
