"""The confirmation request: read from its signed bytes into frozen values, or refused. Pure.

Source: docs/device-protocol.md section 4.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mobile_mock.enrolment import Person, check_times, read_box_key, read_person
from mobile_mock.errors import Difference
from mobile_mock.forms import binding, read_canonical
from mobile_mock.jose import BoxKey
from mobile_mock.members import Members

MEMBERS = (
    *("server", "transaction", "nonce", "issued", "expires", "kind", "relying_application", "signer", "credential"),
    *("text", "documents", "verification", "policy", "box_key"),
)
BARE = ("index", "format", "scheme", "hash_algorithm", "to_sign")
WITH_CONTENT = (*BARE, "name", "media_type", "size", "document_digest")
HASH_BYTES = {"sha256": 32, "sha384": 48, "sha512": 64}
SCHEME = re.compile(r"pkcs1v15|ecdsa|pss-(?:0|[1-9][0-9]{0,3})")
PADES, BARE_HASH = "PAdES-B-B", "hash"
ANSWERS = {"pin", "biometric"}
MOST_DOCUMENTS = 100
LARGEST_DOCUMENT = 2**31
NAME_LIMIT, TEXT_LIMIT = 1000, 10_000  # characters: the phone shows all of it


@dataclass(frozen=True, slots=True)
class Content:
    """A document as it was uploaded; size in bytes, digest its SHA-256."""

    name: str
    media_type: str
    size: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Document:
    """One thing to sign; content is None for a bare hash, of which nothing can be seen.

    to_sign: what the key signs, a hash by `hash_algorithm`.
    """

    index: int
    format: str
    scheme: str
    hash_algorithm: str
    to_sign: bytes
    content: Content | None


@dataclass(frozen=True, slots=True)
class Application:
    """Who asks, by its registered name."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Credential:
    """The credential that will sign."""

    id: str
    certificate_sha256: bytes


@dataclass(frozen=True, slots=True)
class NewCredential:
    """The credential that will be made; subject: RFC 4514 text."""

    id: str
    subject: str
    key_type: str
    validity_days: int


@dataclass(frozen=True, slots=True)
class Request:
    """A confirmation request that this phone understands, is for its owner, and is valid now.

    binding: what the answer carries, 32 bytes. answer_by: `pin`, `biometric` or both.
    """

    server: str
    transaction: str
    kind: str
    application: Application
    signer: Person
    credential: Credential | NewCredential
    text: str
    documents: tuple[Document, ...]
    answer_by: frozenset[str]
    box_key: BoxKey
    relock: bool
    issued: datetime
    expires: datetime
    binding: bytes


@dataclass(frozen=True, slots=True)
class Expected:
    """What the phone knows already of a request that it fetched; owner: the id of its user."""

    server: str
    transaction: str
    owner: str


def read_request(payload: bytes, expected: Expected, now: datetime) -> Request:
    """Read and check a confirmation request. Raises Difference."""
    members = Members(read_canonical(payload), "the request", MEMBERS, ("relock",))
    members.must_be("server", expected.server)
    members.must_be("transaction", expected.transaction)
    issued, expires = check_times(members, now)
    members.text("nonce")
    members.object("verification", ("mode",)).must_be("mode", "none")
    signer = read_person(members, "signer")
    if signer.id != expected.owner:
        raise Difference("the request is for another person")
    kind = members.text("kind")
    credential, documents = _subject_matter(kind, members)
    return Request(
        server=expected.server,
        transaction=expected.transaction,
        kind=kind,
        application=_application(members),
        signer=signer,
        credential=credential,
        text=members.shown("text", TEXT_LIMIT, multiline=True),
        documents=documents,
        answer_by=_answer_by(members),
        box_key=read_box_key(members),
        relock=_relock(members),
        issued=issued,
        expires=expires,
        binding=binding("dss/confirmation/v1", payload),
    )


def _subject_matter(kind: str, members: Members) -> tuple[Credential | NewCredential, tuple[Document, ...]]:
    items = members.list("documents", MOST_DOCUMENTS)
    if kind == "sign":
        if not items:
            raise Difference("the request is to sign nothing")
        return _credential(members), _documents(items)
    if kind == "create":
        if items:
            raise Difference("a request to make a credential shows documents")
        return _new_credential(members), ()
    raise Difference("the request is of a kind that this phone does not know")


def _application(members: Members) -> Application:
    application = members.object("relying_application", ("id", "name"))
    return Application(application.text("id"), application.shown("name", NAME_LIMIT))


def _credential(members: Members) -> Credential:
    credential = members.object("credential", ("id", "certificate_sha256"))
    return Credential(credential.id("id"), credential.raw("certificate_sha256", 32))


def _new_credential(members: Members) -> NewCredential:
    credential = members.object("credential", ("id", "subject", "key_type", "validity_days"))
    return NewCredential(
        credential.id("id"),
        credential.shown("subject", NAME_LIMIT),
        credential.shown("key_type", NAME_LIMIT),
        credential.number("validity_days", 1, 36_525),
    )


def _documents(items: list[Any]) -> tuple[Document, ...]:
    documents = tuple(_document(item, place) for place, item in enumerate(items))
    indexes = [document.index for document in documents]
    if indexes != sorted(set(indexes)):
        raise Difference("the documents do not stand in the order of their indexes, each once")
    return documents


def _document(item: Any, place: int) -> Document:
    what = f"document {place}"
    form = item.get("format") if isinstance(item, dict) else None
    if form not in (PADES, BARE_HASH):  # not a set: what a server sends need not be hashable
        raise Difference(f"{what} is to be signed in a format that this phone does not know")
    members = Members(item, what, BARE if form == BARE_HASH else WITH_CONTENT)
    algorithm, scheme = members.text("hash_algorithm"), members.text("scheme")
    if algorithm not in HASH_BYTES or not SCHEME.fullmatch(scheme):
        raise Difference(f"{what} has a hash algorithm or a scheme that this phone does not know")
    return Document(
        index=members.number("index", 0, 2**31),
        format=form,
        scheme=scheme,
        hash_algorithm=algorithm,
        to_sign=members.raw("to_sign", HASH_BYTES[algorithm]),
        content=None if form == BARE_HASH else _content(members),
    )


def _content(members: Members) -> Content:
    return Content(
        members.shown("name", NAME_LIMIT),
        members.shown("media_type", NAME_LIMIT),
        members.number("size", 1, LARGEST_DOCUMENT),
        members.raw("document_digest", 32),
    )


def _answer_by(members: Members) -> frozenset[str]:
    ways = members.object("policy", ("answer_by",)).list("answer_by", len(ANSWERS))
    if not ways or not all(isinstance(way, str) and way in ANSWERS for way in ways):
        raise Difference("the policy of the request asks for an answer that this phone cannot give")
    return frozenset(ways)


def _relock(members: Members) -> bool:
    if "relock" not in members.value:
        return False
    if members.value["relock"] is not True or members.value["kind"] != "sign":
        raise Difference("relock of the request is present only as true, and only to sign")
    return True
