"""Forged records: the content of a good one, changed before some stage and signed again by hands that hold every key.

A good record of any maker is taken apart, and the forger's own keys take the place of the channel key, the phone's, the
person's, the CAs' and the log's. Where nothing is changed the stages make a good record of it again.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.referee import canonical, issuing, shapes, trees
from tests.referee.certificates import key_type
from tests.referee.channel import FIRST_LINE
from tests.referee.merkle import leaf_hash
from tests.referee.notes import LogKey
from tests.referee.signatures import HASHES, attributes_of
from tests.referee.writing import LOG, ORIGIN, checkpoint, compact, hash_of, jwk, note, public, value_of

LETTERS = {
    "request": "dss-confirmation-request+jws",
    "session": "dss-confirmation-request+jws",
    "answer": "dss-answer+jws",
    "enrolment": "dss-enrolment+jws",
    "receipt": "dss-receipt+jws",
}


class Stage(IntEnum):
    """The stages of making a record, in their order; a change is made before one of them."""

    CERTIFY = 0  # the path of certificates
    SIGN = 1  # the signatures of the documents, and the trees of a batch
    ENROL = 2  # the enrolment, and its hash in the receipt
    ASK = 3  # receipt, request and session, the statement of the channel key, and the binding in the answer
    ANSWER = 4  # the answer
    KEEP = 5  # the core, and its hash in the event
    LOG = 6  # the tree, its checkpoint and proofs
    WRITE = 7  # the bytes


@dataclass(frozen=True, slots=True)
class Case:
    """What a verifier is given."""

    data: bytes
    root: bytes
    log_key: str
    kept: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands in the forger's log: its leaf, the size of the tree, and that of a kept checkpoint."""

    leaf: int
    size: int
    kept: int | None = None


@dataclass
class Draft:
    """A record in the making: first what is there from the start, then what the stages fill in."""

    claims: dict[str, dict[str, Any]]
    event: dict[str, Any]
    salt: str
    place: Place
    stations: list[issuing.Station]
    keys: dict[str, ec.EllipticCurvePrivateKey]
    headers: dict[str, dict[str, Any]]
    digests: list[bytes]  # the message digests of the documents
    chain: list[bytes] = field(default_factory=list)
    root: bytes = b""
    pieces: list[dict[str, Any]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)  # the JWS, and the note of the channel key
    some: dict[str, Any] = field(default_factory=dict)  # members that only some cores have
    leaf: dict[str, Any] = field(default_factory=dict)  # of a batch
    core: dict[str, Any] = field(default_factory=dict)
    log: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)  # members of the record beside its own
    kept: str | None = None

    @property
    def at(self) -> datetime:
        """When the event happened, in whole seconds."""
        return _at(self.event)

    @property
    def shown(self) -> dict[str, Any]:
        """The claims of the request that is answered."""
        return self.claims.get("session", self.claims["request"])

    @property
    def by_code(self) -> bool:
        """Whether a code stands for the answer, of which the claims are nowhere."""
        return "offline" in self.some

    @property
    def is_plain(self) -> bool:
        """Whether a phone answered the very request, and that names its documents."""
        return not self.by_code and "session" not in self.claims and "batch" not in self.claims["request"]

    @property
    def kind(self) -> str:
        """The kind of a confirmed transaction; else `declined`."""
        confirmed = self.claims["answer"]["decision"] == "confirm"
        return str(self.claims["request"]["kind"]) if confirmed else "declined"

    def case(self) -> Case:
        """Give the finished record to verifiers."""
        of_batch = {"leaf": self.leaf} if self.leaf else {}
        record = {"format": "dss-evidence/v1", "core": self.core, "log": self.log, **of_batch, **self.extra}
        return Case(canonical.encode(record), self.root, LogKey(ORIGIN, public(LOG)).text, self.kept)


def take_apart(data: bytes, place: Place) -> Draft:
    """Make a draft of a good record, with the forger's keys in it."""
    record = json.loads(data)
    core, log = record["core"], record["log"]
    letters = [name for name in LETTERS if core.get(name)]
    claims = {name: json.loads(shapes.bytes_of(core[name].split(".")[1], name)) for name in letters}
    if "offline" in core:
        claims["answer"] = {"decision": core["offline"]["decision"], "iat": int(_at(log["event"]).timestamp())}
    channel, phone = (issuing.key_of("P-256", owner) for owner in ("channel", "phone"))
    claims["enrolment"]["keys"]["sig"] = jwk(phone)
    headers = {name: {"alg": "ES256", "typ": typ, "jwk": jwk(channel)} for name, typ in LETTERS.items()}
    headers["enrolment"]["jwk"] = jwk(phone)
    headers["answer"] = {"alg": "ES256", "typ": LETTERS["answer"], "kid": claims["receipt"]["device"]}
    return Draft(
        claims=claims,
        event=log["event"],
        salt=log["salt"],
        place=place,
        stations=_stations(core["certificates"]),
        keys={"request": channel, "session": channel, "receipt": channel, "enrolment": phone, "answer": phone},
        headers=headers,
        digests=[sha256(bytes([index])).digest() * 2 for index, _ in enumerate(claims["request"]["documents"])],
        some={name: core[name] for name in ("number_salt", "offline", "part") if name in core},
        leaf=record.get("leaf", {}),
    )


def _at(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["at"]).replace(microsecond=0)


def _stations(certificates: list[str]) -> list[issuing.Station]:
    if not certificates:
        return issuing.stations(issuing.named("Nobody"), issuing.key_of("P-256", "nobody"))
    person = x509.load_der_x509_certificate(shapes.bytes_of(certificates[0], "certificate"))
    return issuing.stations(person.subject, issuing.key_of(str(key_type(person)), "person"))


# --- the stages ---


def certify(draft: Draft) -> None:
    """Issue the path; a `sign` names its first certificate."""
    path = issuing.path(draft.stations, draft.at)
    draft.root = path[-1]
    if draft.kind in ("sign", "create"):
        draft.chain = path
    if draft.kind == "sign":
        named = {"certificate_sha256": shapes.text_of(sha256(path[0]).digest())}
        draft.claims["request"]["credential"] |= named
        draft.shown["credential"] |= named


def sign(draft: Draft) -> None:
    """Make the attributes and the signatures of a confirmed `sign`; of a batch, those of the leaf and its trees."""
    if draft.leaf:
        grow(draft)
        return
    documents = draft.claims["request"]["documents"] if draft.kind == "sign" else []
    for document, digest in zip(documents, draft.digests, strict=False):
        if document["index"] not in draft.claims["answer"].get("declined_documents", []):
            draft.pieces.append(signed(draft, document, digest))


def signed(draft: Draft, document: dict[str, Any], digest: bytes) -> dict[str, Any]:
    """Sign a document; digest: over its byte range, or longer."""
    attributes = b""
    if document["format"] != "hash":
        algorithm = HASHES[document["hash_algorithm"]]
        attributes = attributes_of(digest[: algorithm.digest_size], draft.chain[0])
    return piece(draft, document, attributes)


def grow(draft: Draft) -> None:
    """Sign the leaf of a batch, and make the trees in which it and its signature stand."""
    leaf, batch, part = draft.leaf, draft.claims["request"]["batch"], draft.some["part"]
    leaf["piece"] = signed(draft, leaf["item"], sha256(b"leaf").digest() * 2)
    batch["root"], leaf["item_path"] = trees.around(leaf["item"], leaf["item"]["index"], batch["count"])
    part["root"], leaf["piece_path"] = trees.around(leaf["piece"], leaf["piece_number"], part["count"])


def enrol(draft: Draft) -> None:
    """Write the enrolment."""
    draft.texts["enrolment"] = letter(draft, "enrolment")
    digest = sha256(draft.texts["enrolment"].encode()).digest()
    draft.claims["receipt"]["enrolment_sha256"] = shapes.text_of(digest)


def ask(draft: Draft) -> None:
    """Write what the server says: receipt, request, and the session's."""
    draft.texts |= {name: letter(draft, name) for name in {"receipt", "request", "session"} & draft.claims.keys()}
    draft.texts["channel_key"] = note(statement(draft))
    payload = canonical.encode(draft.shown)
    binding = sha256(b"dss/confirmation/v1\x00" + payload).digest()
    draft.claims["answer"] |= {"binding": shapes.text_of(binding)}


def answer(draft: Draft) -> None:
    """Write the answer."""
    draft.texts["answer"] = "" if draft.by_code else letter(draft, "answer")


def keep(draft: Draft) -> None:
    """Put the core together."""
    draft.core = {
        **draft.texts,
        **draft.some,
        "signatures": draft.pieces,
        "certificates": [shapes.text_of(der) for der in draft.chain],
    }
    digest = sha256(b"dss/evidence/v1\x00" + canonical.encode(draft.core)).digest()
    draft.event["details"]["evidence"] = shapes.text_of(digest)


def write_log(draft: Draft) -> None:
    """Put the event into a log and prove that it is there."""
    place, salt = draft.place, shapes.bytes_of(draft.salt, "salt")
    entry = sha256(b"dss/event/v1\x00" + salt + canonical.encode(draft.event)).digest()
    leaves = [leaf_hash(index.to_bytes(32)) for index in range(max(place.size, place.kept or 0))]
    leaves[place.leaf] = leaf_hash(entry)
    path = trees.inclusion(place.leaf, leaves[: place.size])
    draft.log = {
        "event": draft.event,
        "salt": draft.salt,
        "leaf": place.leaf,
        "path": [shapes.text_of(one) for one in path],
        "checkpoint": checkpoint(leaves[: place.size]),
    }
    if place.kept is not None:
        draft.kept = checkpoint(leaves[: place.kept])
    if place.kept not in (None, place.size):
        first, second = sorted((place.kept or 0, place.size))
        proof = trees.consistency(first, leaves[:second])
        draft.log["consistency"] = {"size": place.kept, "path": [shapes.text_of(one) for one in proof]}


STAGES: dict[Stage, Callable[[Draft], None]] = {
    Stage.CERTIFY: certify,
    Stage.SIGN: sign,
    Stage.ENROL: enrol,
    Stage.ASK: ask,
    Stage.ANSWER: answer,
    Stage.KEEP: keep,
    Stage.LOG: write_log,
    Stage.WRITE: lambda _: None,
}


def forge(draft: Draft, before: Stage = Stage.WRITE, change: Callable[[Draft], object] = id) -> Case:
    """Make a record of a draft, changed before one of the stages."""
    for stage, work in STAGES.items():
        if stage is before:
            change(draft)
        work(draft)
    return draft.case()


# --- what the stages and the changes share ---


def letter(draft: Draft, name: str) -> str:
    """Write a JWS of a draft."""
    return compact(draft.headers[name], canonical.encode(draft.claims[name]), draft.keys[name])


def statement(draft: Draft) -> str:
    """The text by which the log's key says which channel key is the server's."""
    key = canonical.encode(draft.headers["request"].get("jwk"))
    server = draft.claims["request"].get("server")
    return f"{FIRST_LINE}\n{ORIGIN}\n{server}\n{shapes.text_of(sha256(key).digest())}\n"


def piece(draft: Draft, document: dict[str, Any], attributes: bytes) -> dict[str, Any]:
    """Sign a document by the person's key; attributes, where there are any, set what is to be signed."""
    if attributes:
        document["to_sign"] = shapes.text_of(hash_of(document["hash_algorithm"], attributes))
    value = shapes.text_of(value_of(draft.stations[0].key, document))
    return {"attributes": shapes.text_of(attributes), "index": document["index"], "value": value}
