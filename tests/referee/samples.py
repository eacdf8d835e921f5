"""Good records written by hand, for each kind and decision; nothing of the product makes them."""

from datetime import datetime
from functools import cache, partial
from hashlib import sha256
from typing import Any

from tests.referee import canonical, issuing, shapes
from tests.referee.forging import Draft, Place, take_apart
from tests.referee.writing import jwk

USUAL = Place(2, 5)
SERVER = "https://dss.example.org"


def id(number: int) -> str:
    """An id that is easy to tell from another."""
    return f"01J{number:023d}"


def bytes_text(number: int, length: int = 32) -> str:
    """Bytes in base64url."""
    return shapes.text_of(bytes([number]) * length)


KEY = jwk(issuing.key_of("P-256", "box"))
PERSON = {"id": id(1), "login": "olena", "name": "Олена Коваль"}
PASSWORD = {"salt": bytes_text(9, 16), "memory_kib": 19456, "passes": 2, "lanes": 1}
OTHER_PHONE = {"id": id(3), "name": "Старий телефон"}
PADES: dict[str, Any] = {
    "index": 0,
    "name": "договір.pdf",
    "media_type": "application/pdf",
    "size": 1234,
    "document_digest": bytes_text(5),
    "format": "PAdES-B-B",
    "scheme": "ecdsa",
    "hash_algorithm": "sha256",
    "to_sign": bytes_text(6),
}
BARE: dict[str, Any] = {
    "index": 1,
    "format": "hash",
    "scheme": "ecdsa",
    "hash_algorithm": "sha384",
    "to_sign": bytes_text(7, 48),
}
KEY_REF = {"id": id(5), "certificate_sha256": bytes_text(8)}
OF_KIND: dict[str, dict[str, Any]] = {
    "sign": {"credential": {**KEY_REF, "password": PASSWORD}, "documents": [PADES, BARE], "relock": True},
    "create": {
        "credential": {"id": id(5), "subject": "CN=Олена Коваль", "key_type": "P-256", "validity_days": 365},
    },
    "change": {
        "phone": id(2),
        "change": {"action": "password", "password": PASSWORD},
        "credential": KEY_REF,
    },
    "session": {"credential": KEY_REF, "session": {"signatures": 20, "minutes": 15}},
    "share": {
        "phone": id(2),
        "share": {"phone": {**OTHER_PHONE, "keys": {"enc": KEY, "sig": KEY}}, "credentials": [KEY_REF]},
    },
}


def request(kind: str) -> dict[str, Any]:
    """The claims of a confirmation request."""
    return {
        "server": SERVER,
        "transaction": id(4),
        "nonce": bytes_text(1, 16),
        "issued": "2026-11-21T14:00:00Z",
        "expires": "2026-11-21T14:05:00Z",
        "kind": kind,
        "relying_application": {"id": id(6), "name": "Нотаріат"},
        "signer": PERSON,
        "text": "Будь ласка, підпишіть",
        "documents": [],
        "verification": {"mode": "none"},
        "policy": {"answer_by": ["pin"]},
        "box_key": {"kid": id(9), "jwk": KEY},
        **OF_KIND[kind],
    }


def answer(kind: str, decision: str) -> dict[str, Any]:
    """The claims of an answer; iat: 2026-11-21T14:01:00Z."""
    said: dict[str, Any] = {"reason": "ні"}
    if decision == "confirm":
        said = {"verification": "pin", "sealed_sha256": bytes_text(2)}
        said |= {"share_sha256": bytes_text(3)} if kind == "share" else {}
    return {
        "aud": SERVER,
        "txn": id(4),
        "binding": bytes_text(0),
        "counter": 7,
        "iat": 1795269660,
        "decision": decision,
        **said,
    }


def draft(kind: str = "sign", decision: str = "confirm", place: Place = USUAL) -> Draft:
    """The draft of a good record."""
    return take_apart(content(kind, decision), place)


@cache
def content(kind: str, decision: str) -> bytes:
    """What a draft is taken from: a record in which nothing is signed yet."""
    claims = {
        "request": request(kind),
        "answer": answer(kind, decision),
        "enrolment": ENROLMENT,
        "receipt": RECEIPT,
    }
    ended = event(kind, decision)
    core: dict[str, Any] = {name: f".{shapes.text_of(canonical.encode(said))}." for name, said in claims.items()}
    core["certificates"] = []
    if kind in ("sign", "create") and decision == "confirm":
        stations = issuing.stations(issuing.named("Олена Коваль"), issuing.key_of("P-256", "person"))
        path = issuing.path(stations, datetime.fromisoformat(ended["at"]))
        core["certificates"] = [shapes.text_of(der) for der in path]
    return canonical.encode({"core": core, "log": {"event": ended, "salt": bytes_text(3)}})


ENROLMENT = {
    "aud": SERVER,
    "enrolment": id(7),
    "nonce": bytes_text(1, 16),
    "name": "Телефон Олени",
    "platform": "mock",
    "keys": {"enc": KEY, "sig": KEY},
    "proof": bytes_text(1),
    "sealed_sha256": bytes_text(1),
    "iat": 1795000000,
}
RECEIPT = {
    "server": SERVER,
    "enrolment": id(7),
    "enrolment_sha256": bytes_text(0),
    "device": id(2),
    "user": PERSON,
    "counter": 0,
    "enrolled": "2026-11-18T11:06:40Z",
    "active": "2026-11-20T11:06:40Z",
}


def event(kind: str, decision: str) -> dict[str, Any]:
    """The event of the transaction's end."""
    end = {"kind": "transaction.signed", "actor": "server"}
    if decision == "decline":
        end = {"kind": "transaction.declined", "actor": f"device:{id(2)}"}
    return {
        "id": id(8),
        "at": "2026-11-21T14:01:02.000250Z",
        "subject": f"transaction:{id(4)}",
        "outcome": "done",
        "details": {"kind": kind},
        "sealed": {"row": f"transaction:{id(4)}", "version": 3, "seal": bytes_text(4)},
        **end,
    }


OTHER_WAYS = [
    (format, key_type, scheme)
    for format in ("PAdES-B-B", "hash")
    for key_type, scheme in (
        ("P-256", "ecdsa"),
        ("P-384", "ecdsa"),
        ("P-521", "ecdsa"),
        ("RSA-2048", "pkcs1v15"),
        ("RSA-2048", "pss-32"),
        ("RSA-2048", "pss-0"),
    )
]


def signed_otherwise(format: str, key_type: str, scheme: str) -> Draft:
    """The draft of a good record of one document."""
    made = draft()
    document = PADES if format == "PAdES-B-B" else {**BARE, "index": 0}
    made.claims["request"]["documents"] = [{**document, "scheme": scheme}]
    made.stations = issuing.stations(made.stations[0].subject, issuing.key_of(key_type, "person"))
    return made


# --- as people really confirm ---


def compared() -> Draft:
    """The draft of a good record of a code that was compared."""
    made = draft()
    made.claims["request"]["verification"] = {"mode": "compare", "code": "0815"}
    made.claims["answer"]["number"] = "0815"
    return made


def chosen(kind: str = "sign") -> Draft:
    """The draft of a good record of a number that was chosen."""
    made = draft(kind)
    commitment = sha256(b"dss/number/v1\x00" + bytes([8]) * 32 + b"42").digest()
    numbers = {"numbers": ["08", "42", "17"], "commitment": shapes.text_of(commitment)}
    made.claims["request"]["verification"] = {"mode": "choose", **numbers}
    made.claims["answer"]["number"] = "42"
    made.some["number_salt"] = bytes_text(8)
    return made


def all_but_one() -> Draft:
    """The draft of a good record in which a document was declined."""
    made = draft()
    made.claims["answer"]["declined_documents"] = [0]
    return made


def disowned() -> Draft:
    """The draft of a good record of a decline with a cause."""
    made = draft(decision="decline")
    made.claims["request"]["verification"] = {"mode": "compare", "code": "0815"}
    made.claims["answer"]["cause"] = "code_differs"
    return made


def in_session(made: Draft | None = None) -> Draft:
    """The draft of a good record of what was signed without a phone."""
    made, session = made or draft(), chosen("session")
    asked = made.claims["request"]
    asked |= {"session": {"id": id(10), "place": 19}, "issued": "2026-11-21T14:01:01Z"}
    del asked["relock"]
    made.claims |= {"session": session.claims["request"], "answer": session.claims["answer"]}
    made.claims["session"]["transaction"] = made.claims["answer"]["txn"] = id(10)
    made.some |= session.some
    return made


def batch() -> Draft:
    """The draft of a good record of a document in a batch."""
    made = draft()
    made.claims["request"] |= {"documents": [], "batch": {"count": 101, "root": bytes_text(0)}}
    made.some["part"] = {"count": 3, "root": bytes_text(0)}
    made.leaf = {"item": {**PADES, "index": 100}, "piece_number": 2}
    made.event["kind"] = "transaction.part_signed"
    return made


def by_code(decision: str = "confirm") -> Draft:
    """The draft of a good record of an answer by a code."""
    made = draft(decision=decision)
    made.some["offline"] = {"code": "01234567", "decision": decision, "device": id(2)}
    made.claims["answer"] = {"decision": decision, "iat": 1795269662}
    return made


IN_LIFE = (
    compared,
    chosen,
    all_but_one,
    disowned,
    in_session,
    batch,
    by_code,
    partial(by_code, "decline"),
)
