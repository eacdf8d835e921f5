"""The members of a confirmation request, by its kind (docs/device-protocol.md sections 4, 6, 7 and 11)."""

import re
from collections.abc import Mapping
from typing import Any

from tests.referee import shapes
from tests.referee.jws import jwk_shape
from tests.referee.refusing import require
from tests.referee.shapes import Shape, members, one_of

LENGTHS = {"sha256": 32, "sha384": 48, "sha512": 64}  # bytes
KEY_TYPES = ("P-256", "P-384", "P-521", "RSA-2048", "RSA-3072", "RSA-4096")
REASONS = ("unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation")
SCHEME_FORM = re.compile(r"ecdsa|pkcs1v15|pss-(0|[1-9][0-9]{0,2})")
MOST_DOCUMENTS, MOST_IN_BATCH = 100, 10_000

APPLICATION = members({"id": shapes.id_or("owner", "operator"), "name": shapes.text})
NAMED = members({"id": shapes.id, "name": shapes.text})
PERSON = members({"id": shapes.id, "login": shapes.text, "name": shapes.text})
PASSWORD = members({"salt": shapes.data, "memory_kib": shapes.number, "passes": shapes.number, "lanes": shapes.number})
CERTIFIED = members({"id": shapes.id, "certificate_sha256": shapes.digest})
KEY = members({"id": shapes.id, "certificate_sha256": shapes.digest}, {"password": PASSWORD})
NEW_KEY = members(
    {
        "id": shapes.id,
        "subject": shapes.text,
        "key_type": one_of(*KEY_TYPES),
        "validity_days": shapes.number,
    },
    {"replaces": CERTIFIED},
)
KEYS = members({"enc": jwk_shape, "sig": jwk_shape})
SHARE = members(
    {
        "phone": members({"id": shapes.id, "name": shapes.text, "keys": KEYS}),
        "credentials": shapes.many(CERTIFIED),
    }
)
CHANGES = {
    "pin": members({"action": one_of("pin")}),
    "password": members({"action": one_of("password"), "password": PASSWORD}),
    "relock": members({"action": one_of("relock")}),
    "resume": members({"action": one_of("resume")}),
    "revoke": members({"action": one_of("revoke"), "reason": one_of(*REASONS)}),
    "destroy": members({"action": one_of("destroy")}),
    "remove": members({"action": one_of("remove"), "phone": NAMED}),
    "allow": members({"action": one_of("allow"), "relying_application": NAMED}),
    "offline": members({"action": one_of("offline")}),
    "offline_end": members({"action": one_of("offline_end")}),
}
OF_NO_KEY = ("pin", "remove", "allow")
MODES = {
    "none": members({"mode": one_of("none")}),
    "compare": members({"mode": one_of("compare"), "code": shapes.digits(4)}),
    "choose": members(
        {
            "mode": one_of("choose"),
            "numbers": shapes.once_each(shapes.digits(2)),
            "commitment": shapes.digest,
        }
    ),
}
BATCH = members({"count": shapes.number, "root": shapes.digest})
SESSION = members({"signatures": shapes.positive, "minutes": shapes.positive})
IN_SESSION = members({"id": shapes.id, "place": shapes.positive})


def _named(value: Any, member: str, known: Mapping[str, Shape], where: str) -> str:
    """Give the member that names an object's shape."""
    name = value.get(member) if isinstance(value, dict) else None
    require(isinstance(name, str) and name in known, f"{where} has no {member} that is known")
    return str(name)


def _scheme(value: Any, where: str) -> None:
    require(isinstance(value, str) and SCHEME_FORM.fullmatch(value), f"{where} is no scheme")


def _change(value: Any, where: str) -> None:
    CHANGES[_named(value, "action", CHANGES, where)](value, where)


TO_SIGN: dict[str, Shape] = {
    "index": shapes.number,
    "format": one_of("PAdES-B-B", "hash"),
    "scheme": _scheme,
    "hash_algorithm": one_of(*LENGTHS),
    "to_sign": shapes.data,
}
CONTENT: dict[str, Shape] = {
    "name": shapes.text,
    "media_type": shapes.text,
    "size": shapes.number,
    "document_digest": shapes.digest,
}
OF_FORMAT = {"hash": members(TO_SIGN), "PAdES-B-B": members({**TO_SIGN, **CONTENT})}


def _verification(value: Any, where: str) -> None:
    MODES[_named(value, "mode", MODES, where)](value, where)
    if value["mode"] == "choose":
        require(len(value["numbers"]) == 3, f"{where} has not three numbers")


def document(value: Any, where: str) -> None:
    """A document, in a request or as the leaf of a batch."""
    OF_FORMAT[_named(value, "format", OF_FORMAT, where)](value, where)
    hashed = shapes.bytes_of(value["to_sign"], where)
    require(len(hashed) == LENGTHS[value["hash_algorithm"]], f"{where}.to_sign is not as long as its hash")


ALWAYS: dict[str, Shape] = {
    "server": shapes.text,
    "transaction": shapes.id,
    "nonce": shapes.text,
    "issued": shapes.time,
    "expires": shapes.time,
    "kind": shapes.text,
    "relying_application": APPLICATION,
    "signer": PERSON,
    "text": shapes.text,
    "documents": shapes.many(document),
    "verification": _verification,
    "policy": members({"answer_by": shapes.once_each(one_of("pin", "biometric"))}),
    "box_key": members({"kid": shapes.id, "jwk": jwk_shape}),
}
KINDS = {
    "sign": members(
        {**ALWAYS, "credential": KEY},
        {"relock": one_of(True), "batch": BATCH, "session": IN_SESSION},
    ),
    "session": members({**ALWAYS, "credential": KEY, "session": SESSION}),
    "create": members({**ALWAYS, "credential": NEW_KEY}),
    "change of a key": members({**ALWAYS, "phone": shapes.id, "change": _change, "credential": KEY}),
    "change of a phone": members({**ALWAYS, "phone": shapes.id, "change": _change}),
    "share": members({**ALWAYS, "phone": shapes.id, "share": SHARE}),
}


def require_known(claims: dict[str, Any]) -> None:
    """Refuse a request that has not exactly the members of its kind."""
    KINDS[_kind(claims)](claims, "request")
    most = MOST_DOCUMENTS if claims["kind"] == "sign" else 0
    documents = claims["documents"]
    require(len(documents) <= most, "the request has too many documents")
    counted = [one["index"] for one in documents] == list(range(len(documents)))
    require(counted, "the documents are not counted from 0")
    if "batch" in claims:
        require(not documents, "the request has a batch and documents")
        require(MOST_DOCUMENTS < claims["batch"]["count"] <= MOST_IN_BATCH, "the batch is too small or too large")
    if claims["kind"] == "sign" and "session" in claims:
        require("relock" not in claims, "in a session no phone is asked for another secret")
        require(claims["verification"]["mode"] == "none", "in a session no phone is asked for a number")


def count(claims: dict[str, Any]) -> int:
    """Give how many documents a request is about."""
    return int(claims["batch"]["count"]) if "batch" in claims else len(claims["documents"])


def _kind(claims: dict[str, Any]) -> str:
    if claims.get("kind") != "change":
        return _named(claims, "kind", {kind: KINDS[kind] for kind in ("sign", "create", "share", "session")}, "request")
    _change(claims.get("change"), "request.change")
    return "change of a phone" if claims["change"]["action"] in OF_NO_KEY else "change of a key"
