"""The confirmation request, read strictly: the members of its kind, and no others.

Source: docs/evidence.md section 2 step 10, docs/device-protocol.md sections 4, 6 and 7.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dss.devices.answer import VERIFICATIONS
from dss.devices.enrolment import binding
from dss.devices.request import OF_KEYS, REQUEST_LABEL, Action, Item, Kind, Party, Shown
from dss.evidence import fields
from dss.evidence.fields import EvidenceRefused, looking_at, require
from dss.infra import jose
from dss.kernel.digest import SHA256, Digest, algorithm_named
from dss.kernel.ids import CredentialId, DeviceId, TransactionId
from dss.kernel.keyspec import KeySpec, Scheme

MOST_DOCUMENTS, MOST_KEYS = 100, 1000
ALWAYS = frozenset(
    {"box_key", "documents", "expires", "issued", "kind", "nonce", "policy", "relying_application", "server", "signer"}
    | {"text", "transaction", "verification"}
)
# Of each kind: the members that it needs besides, and those that it may have.
OF_KIND: dict[Kind, tuple[frozenset[str], frozenset[str]]] = {
    Kind.SIGN: (frozenset({"credential"}), frozenset({"relock"})),
    Kind.CREATE: (frozenset({"credential"}), frozenset()),
    Kind.CHANGE: (frozenset({"change", "phone"}), frozenset({"credential"})),
    Kind.SHARE: (frozenset({"share", "phone"}), frozenset()),
}
OF_ACTION = {
    Action.PASSWORD: frozenset({"password"}),
    Action.REVOKE: frozenset({"reason"}),
    Action.REMOVE: frozenset({"phone"}),
}
REASONS = frozenset({"unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation"})
NO_APPLICATION = frozenset({"owner", "operator"})  # in place of its id, where the signer's phone or an operator asked
KEY = frozenset({"id", "certificate_sha256"})
SHOWN = frozenset({"name", "media_type", "size", "document_digest"})
BARE = frozenset({"index", "format", "scheme", "hash_algorithm", "to_sign"})
BARE_FORMAT, PADES_FORMAT = "hash", "PAdES-B-B"


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is there, by its id and the SHA-256 of its certificate (32 bytes)."""

    id: CredentialId
    certificate_sha256: bytes


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be made; subject: as RFC 4514 text; replaces: the key that it cancels."""

    id: CredentialId
    subject: str
    key_type: KeySpec
    validity_days: int
    replaces: Key | None


@dataclass(frozen=True, slots=True)
class Other:
    """Another phone of the same owner."""

    id: DeviceId
    name: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a change changes.

    key:    where it is of a key. phone: the one to be removed.
    reason: of a revocation, in the words of RFC 5280 section 5.3.1; else empty.
    """

    action: Action
    key: Key | None
    phone: Other | None
    reason: str


@dataclass(frozen=True, slots=True)
class Share:
    """The phone that shares of keys are for, and the keys."""

    phone: Other
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What a phone was shown.

    binding: what the answer must carry, 32 bytes.
    key:     that signs; None for other kinds, which have new_key, change or share.
    phone:   the only one that may answer; None for any of the signer's.
    """

    binding: bytes
    server: str
    transaction: TransactionId
    kind: Kind
    relying_application: Party
    signer: Party
    text: str
    documents: tuple[Item, ...]
    answer_by: frozenset[str]
    issued: datetime
    expires: datetime
    phone: DeviceId | None
    key: Key | None
    new_key: NewKey | None
    change: Change | None
    share: Share | None


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
        answer_by=_answer_by(found["policy"]),
        issued=fields.moment(found["issued"], "request.issued"),
        expires=fields.moment(found["expires"], "request.expires"),
        phone=DeviceId(fields.identifier(found["phone"], "request.phone")) if "phone" in found else None,
        key=_key(found["credential"], {"password"}) if kind is Kind.SIGN else None,
        new_key=_new_key(found["credential"]) if kind is Kind.CREATE else None,
        change=_change(found) if kind is Kind.CHANGE else None,
        share=_share(found["share"]) if kind is Kind.SHARE else None,
    )


def _kind(claims: Any) -> Kind:
    kind = claims.get("kind")
    require(kind in list(Kind), "request.kind is none that is known")
    return Kind(kind)


def _require_settled(found: dict[str, Any]) -> None:
    """Look at the members that say nothing about what is confirmed."""
    fields.text(found["nonce"], "request.nonce")
    mode = fields.members(found["verification"], "request.verification", {"mode"})["mode"]
    require(mode == "none", "request.verification.mode is none that is known")
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


def _documents(value: object, kind: Kind) -> tuple[Item, ...]:
    found = fields.items(value, "request.documents", MOST_DOCUMENTS)
    require(kind is Kind.SIGN or not found, f"a request of the kind {kind} has documents")
    return tuple(_item(one) for one in found)


def _item(value: object) -> Item:
    shown = isinstance(value, dict) and value.get("format") != BARE_FORMAT
    found = fields.members(value, "a document", BARE | SHOWN if shown else BARE)
    format = fields.text(found["format"], "a document's format")
    require(format in {BARE_FORMAT, PADES_FORMAT}, f"a document's format is neither {PADES_FORMAT} nor {BARE_FORMAT}")
    with looking_at("a document"):
        scheme = Scheme.named(fields.text(found["scheme"], "its scheme"))
        algorithm = algorithm_named(fields.text(found["hash_algorithm"], "its hash_algorithm"))
        to_sign = Digest(algorithm, fields.octets(found["to_sign"], "its to_sign"))
    index = fields.number(found["index"], "a document's index")
    return Item(index, format, scheme.name, to_sign, _shown(found) if shown else None)


def _shown(found: dict[str, Any]) -> Shown:
    return Shown(
        fields.text(found["name"], "a document's name"),
        fields.text(found["media_type"], "a document's media_type"),
        fields.number(found["size"], "a document's size"),
        Digest(SHA256, fields.digest(found["document_digest"], "a document's document_digest")),
    )


def _key(value: object, optional: frozenset[str] | set[str] = frozenset()) -> Key:
    found = fields.members(value, "a credential", KEY, optional)
    if "password" in found:
        _require_password(found["password"])
    id = CredentialId(fields.identifier(found["id"], "a credential's id"))
    return Key(id, fields.digest(found["certificate_sha256"], "a credential's certificate_sha256"))


def _new_key(value: object) -> NewKey:
    found = fields.members(value, "request.credential", {"id", "subject", "key_type", "validity_days"}, {"replaces"})
    key_type = found["key_type"]
    require(key_type in list(KeySpec), "request.credential.key_type is none that is known")
    return NewKey(
        CredentialId(fields.identifier(found["id"], "request.credential.id")),
        fields.text(found["subject"], "request.credential.subject"),
        KeySpec(key_type),
        fields.number(found["validity_days"], "request.credential.validity_days"),
        _key(found["replaces"]) if "replaces" in found else None,
    )


def _change(request: dict[str, Any]) -> Change:
    value = request["change"]
    action = value.get("action") if isinstance(value, dict) else None
    if action not in list(Action):
        raise EvidenceRefused("request.change.action is none that is known")
    found = fields.members(value, "request.change", {"action"} | OF_ACTION.get(Action(action), frozenset()))
    require((action in OF_KEYS) is ("credential" in request), "request.credential does not fit the change")
    reason = fields.text(found.get("reason", ""), "request.change.reason")
    require(action != Action.REVOKE or reason in REASONS, "request.change.reason is none that is known")
    if "password" in found:
        _require_password(found["password"])
    return Change(
        Action(action),
        _key(request["credential"], {"password"}) if "credential" in request else None,
        _other(found["phone"], "request.change.phone") if "phone" in found else None,
        reason,
    )


def _share(value: object) -> Share:
    found = fields.members(value, "request.share", {"phone", "credentials"})
    phone = _other(found["phone"], "request.share.phone", {"keys"})
    keys = fields.members(found["phone"]["keys"], "request.share.phone.keys", {"enc", "sig"})
    for name in ("enc", "sig"):
        with looking_at(f"request.share.phone.keys.{name}"):
            jose.read_jwk(keys[name])
    return Share(
        phone, tuple(_key(one) for one in fields.items(found["credentials"], "request.share.credentials", MOST_KEYS))
    )


def _other(value: object, what: str, more: frozenset[str] | set[str] = frozenset()) -> Other:
    found = fields.members(value, what, {"id", "name"} | more)
    return Other(DeviceId(fields.identifier(found["id"], f"{what}.id")), fields.text(found["name"], f"{what}.name"))


def _require_password(value: object) -> None:
    """Look at how the secret of a key's password is made."""
    found = fields.members(value, "a password's making", {"salt", "memory_kib", "passes", "lanes"})
    fields.octets(found["salt"], "a password's salt")
    for name in ("memory_kib", "passes", "lanes"):
        fields.number(found[name], f"a password's {name}")
