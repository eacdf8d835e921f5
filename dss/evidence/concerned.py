"""What a request is about besides documents: keys, phones, relying applications, and what changes of them.

Source: docs/evidence.md section 2 step 10, docs/device-protocol.md sections 4, 6 and 7.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from dss.devices.request import OF_KEYS, Action, Party
from dss.evidence import fields
from dss.evidence.fields import EvidenceRefused, looking_at, require
from dss.infra import jose
from dss.kernel.ids import CredentialId, DeviceId
from dss.kernel.keyspec import KeySpec

MOST_KEYS = 1000
OF_ACTION = {
    Action.PASSWORD: frozenset({"password"}),
    Action.REVOKE: frozenset({"reason"}),
    Action.REMOVE: frozenset({"phone"}),
    Action.ALLOW: frozenset({"relying_application"}),
}
REASONS = frozenset({"unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation"})
KEY = frozenset({"id", "certificate_sha256"})


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

    key:         where it is of a key. phone: the one to be removed.
    reason:      of a revocation, in the words of RFC 5280 section 5.3.1; else empty.
    application: that may ask again.
    """

    action: Action
    key: Key | None
    phone: Other | None
    reason: str
    application: Party | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """The phone that shares of keys are for, and the keys."""

    phone: Other
    keys: tuple[Key, ...]


def read_key(value: object, optional: Collection[str] = ()) -> Key:
    """Read a `credential` that is there. Raises EvidenceRefused."""
    found = fields.members(value, "a credential", KEY, optional)
    if "password" in found:
        _require_password(found["password"])
    id = CredentialId(fields.identifier(found["id"], "a credential's id"))
    return Key(id, fields.digest(found["certificate_sha256"], "a credential's certificate_sha256"))


def read_new_key(value: object) -> NewKey:
    """Read the `credential` of a `create`. Raises EvidenceRefused."""
    found = fields.members(value, "request.credential", {"id", "subject", "key_type", "validity_days"}, {"replaces"})
    key_type = found["key_type"]
    require(key_type in list(KeySpec), "request.credential.key_type is none that is known")
    return NewKey(
        CredentialId(fields.identifier(found["id"], "request.credential.id")),
        fields.text(found["subject"], "request.credential.subject"),
        KeySpec(key_type),
        fields.number(found["validity_days"], "request.credential.validity_days"),
        read_key(found["replaces"]) if "replaces" in found else None,
    )


def read_change(request: dict[str, Any]) -> Change:
    """Read the `change` of a request, with the `credential` that some have. Raises EvidenceRefused."""
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
        read_key(request["credential"], {"password"}) if "credential" in request else None,
        _other(found["phone"], "request.change.phone") if "phone" in found else None,
        reason,
        _application(found["relying_application"]) if "relying_application" in found else None,
    )


def read_share(value: object) -> Share:
    """Read a `share`. Raises EvidenceRefused."""
    found = fields.members(value, "request.share", {"phone", "credentials"})
    phone = _other(found["phone"], "request.share.phone", {"keys"})
    keys = fields.members(found["phone"]["keys"], "request.share.phone.keys", {"enc", "sig"})
    for name in ("enc", "sig"):
        with looking_at(f"request.share.phone.keys.{name}"):
            jose.read_jwk(keys[name])
    credentials = fields.items(found["credentials"], "request.share.credentials", MOST_KEYS)
    return Share(phone, tuple(read_key(one) for one in credentials))


def _other(value: object, what: str, more: frozenset[str] | set[str] = frozenset()) -> Other:
    found = fields.members(value, what, {"id", "name"} | more)
    return Other(DeviceId(fields.identifier(found["id"], f"{what}.id")), fields.text(found["name"], f"{what}.name"))


def _application(value: object) -> Party:
    what = "request.change.relying_application"
    found = fields.members(value, what, {"id", "name"})
    return Party(fields.identifier(found["id"], f"{what}.id"), fields.text(found["name"], f"{what}.name"))


def _require_password(value: object) -> None:
    """Look at how the secret of a key's password is made."""
    found = fields.members(value, "a password's making", {"salt", "memory_kib", "passes", "lanes"})
    fields.octets(found["salt"], "a password's salt")
    for name in ("memory_kib", "passes", "lanes"):
        fields.number(found[name], f"a password's {name}")
