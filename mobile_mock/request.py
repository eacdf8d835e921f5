"""The confirmation request: read from its signed bytes into frozen values, or refused. Pure.

Source: docs/device-protocol.md section 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mobile_mock.batch import Batch
from mobile_mock.documents import Document
from mobile_mock.enrolment import Person, check_times, read_box_key, read_person
from mobile_mock.errors import Difference
from mobile_mock.forms import binding, read_canonical
from mobile_mock.jose import BoxKey
from mobile_mock.matter import (
    CREATE,
    OF_SOME_KINDS,
    OFFLINE,
    PASSWORD,
    RELOCK,
    SESSION,
    SIGN,
    Application,
    Change,
    Credential,
    Login,
    Matter,
    NewCredential,
    Session,
    Sharing,
    read_application,
    read_matter,
)
from mobile_mock.members import Members
from mobile_mock.verification import Verification, read_verification

MEMBERS = (
    *("server", "transaction", "nonce", "issued", "expires", "kind", "relying_application", "signer"),
    *("text", "documents", "verification", "policy", "box_key"),
)
ANSWERS = {"pin", "biometric"}
TEXT_LIMIT = 10_000  # characters: the phone shows all of it


@dataclass(frozen=True, slots=True)
class Request:
    """A confirmation request that this phone understands, and that is for its owner.

    binding: what the answer carries, 32 bytes. answer_by: `pin`, `biometric` or both.
    """

    server: str
    transaction: str
    kind: str
    application: Application
    signer: Person
    matter: Matter
    text: str
    verification: Verification
    answer_by: frozenset[str]
    box_key: BoxKey
    relock: bool
    issued: datetime
    expires: datetime
    binding: bytes

    @property
    def credential(self) -> Credential | NewCredential | None:
        """The credential that it is about."""
        return self.matter.credential

    @property
    def documents(self) -> tuple[Document, ...]:
        """What is to be signed."""
        return self.matter.documents

    @property
    def indexes(self) -> Sequence[int]:
        """The indexes of what is to be signed, ascending; also of a batch that was not fetched."""
        if self.batch is not None:
            return range(self.batch.count)
        return [document.index for document in self.documents]

    @property
    def change(self) -> Change | None:
        """The change that it is for."""
        return self.matter.change

    @property
    def share(self) -> Sharing | None:
        """With whom it shares what."""
        return self.matter.share

    @property
    def session(self) -> Session | None:
        """The session that it is to begin."""
        return self.matter.session

    @property
    def login(self) -> Login | None:
        """The sign-in that it is about."""
        return self.matter.login

    @property
    def batch(self) -> Batch | None:
        """What stands in it for documents that it does not list."""
        return self.matter.batch

    @property
    def action(self) -> str | None:
        """The change's action."""
        return self.change.action if self.change else None

    @property
    def opens_key(self) -> bool:
        """Whether the box holds the share of the credential's key."""
        return self.kind in {SIGN, CREATE, SESSION} or self.action in {PASSWORD, RELOCK, OFFLINE}

    @property
    def relocks(self) -> bool:
        """Whether the box holds a fresh share too."""
        return self.relock or self.action == RELOCK

    def with_documents(self, documents: tuple[Document, ...]) -> "Request":
        """Return it with the documents of its batch, which were fetched and found to be those of its root."""
        return replace(self, matter=replace(self.matter, documents=documents))


@dataclass(frozen=True, slots=True)
class Expected:
    """What the phone knows already of a request that it fetched.

    owner: the id of its user. device: its own id, None where another phone's request is read.
    """

    server: str
    transaction: str
    owner: str
    device: str | None


def read_request(payload: bytes, expected: Expected, now: datetime | None) -> Request:
    """Read and check a confirmation request. Raises Difference.

    now: None to read one that was answered, whose time may be over.
    """
    members = Members(read_canonical(payload), "the request", MEMBERS, (*OF_SOME_KINDS, "relock"))
    members.must_be("server", expected.server)
    members.must_be("transaction", expected.transaction)
    issued, expires = members.time("issued"), members.time("expires")
    if now is not None:
        check_times(members, now)
    members.text("nonce")
    kind = members.text("kind")
    return Request(
        server=expected.server,
        transaction=expected.transaction,
        kind=kind,
        application=read_application(members),
        signer=_signer(members, expected),
        matter=_matter(kind, members, expected),
        text=members.shown("text", TEXT_LIMIT, multiline=True),
        verification=read_verification(members),
        answer_by=_answer_by(members),
        box_key=read_box_key(members),
        relock=_relock(members),
        issued=issued,
        expires=expires,
        binding=binding("dss/confirmation/v1", payload),
    )


def _signer(members: Members, expected: Expected) -> Person:
    signer = read_person(members, "signer")
    if signer.id != expected.owner:
        raise Difference("the request is for another person")
    return signer


def _matter(kind: str, members: Members, expected: Expected) -> Matter:
    matter = read_matter(kind, members)
    if expected.device is None:
        return matter
    if matter.phone not in {None, expected.device}:
        raise Difference("the request is for another phone of the owner alone")
    if matter.other is not None and matter.other.id == expected.device:
        raise Difference("the request names this phone where another one should stand")
    return matter


def _answer_by(members: Members) -> frozenset[str]:
    ways = members.object("policy", ("answer_by",)).list("answer_by", len(ANSWERS))
    if not ways or not all(isinstance(way, str) and way in ANSWERS for way in ways):
        raise Difference("the policy of the request asks for an answer that this phone cannot give")
    return frozenset(ways)


def _relock(members: Members) -> bool:
    if "relock" not in members.value:
        return False
    if members.value["relock"] is not True or members.value["kind"] != SIGN:
        raise Difference("relock of the request is present only as true, and only to sign")
    return True
