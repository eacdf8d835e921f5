"""What a request is about, by its kind: the members that not every request has. Pure.

Source: docs/device-protocol.md sections 4, 6, 7 and 11.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from mobile_mock import jose
from mobile_mock.batch import Batch, read_batch
from mobile_mock.documents import Document, read_documents
from mobile_mock.errors import Difference
from mobile_mock.jose import Jwk
from mobile_mock.members import NAME_LIMIT, Members
from mobile_mock.passwords import Recipe, read_recipe

SIGN, CREATE, CHANGE, SHARE, SESSION, LOGIN = "sign", "create", "change", "share", "session", "login"
PIN, PASSWORD, RELOCK, REVOKE, REMOVE = "pin", "password", "relock", "revoke", "remove"
ALLOW, OFFLINE, OFFLINE_END = "allow", "offline", "offline_end"
CHANGES: dict[str, tuple[str, ...]] = {  # what `change` has beside `action`
    PIN: (),
    PASSWORD: ("password",),
    RELOCK: (),
    "resume": (),
    REVOKE: ("reason",),
    "destroy": (),
    ALLOW: ("relying_application",),
    OFFLINE: (),
    OFFLINE_END: (),
    REMOVE: ("phone",),
}
OF_NO_KEY = {PIN, REMOVE, ALLOW}  # every other change is of a credential
REASONS = ("unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation")
OF_SOME_KINDS = ("credential", "phone", "change", "share", "session", "login", "batch")
MOST_DOCUMENTS, MOST_CREDENTIALS = 100, 1000
MOST_SIGNATURES, MOST_MINUTES = 10_000, 24 * 60  # of a session: more is more than a person can answer for


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that is there; password: how its `k_pwd` is made, None where its key has no password."""

    id: str
    certificate_sha256: bytes
    password: Recipe | None = None


@dataclass(frozen=True, slots=True)
class NewCredential:
    """The credential that will be made; subject: RFC 4514 text. replaces: the old one that it cancels."""

    id: str
    subject: str
    key_type: str
    validity_days: int
    replaces: Credential | None = None


@dataclass(frozen=True, slots=True)
class PhoneName:
    """Another phone of the owner, as its owner named it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Application:
    """Who asks, by its registered name."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change by the owner; password, reason, phone and application where the action has them."""

    action: str
    password: Recipe | None = None
    reason: str | None = None
    phone: PhoneName | None = None
    application: Application | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """How many signatures may be made without the phone, and within how many minutes from the answer."""

    signatures: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Login:
    """A sign-in: from which network address, and by what the browser says it is; empty where that is not told."""

    id: str
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class Sharing:
    """The phone that is to have shares, its two public keys, and the credentials."""

    phone: PhoneName
    encryption: Jwk
    signature: Jwk
    credentials: tuple[Credential, ...]


@dataclass(frozen=True, slots=True)
class Matter:
    """What a request is about.

    phone: the one that may answer, None where each of the owner's may. credential: None where it is of no key.
    batch: what stands in the request for more documents than it can list; they are fetched, and then stand here.
    """

    credential: Credential | NewCredential | None = None
    documents: tuple[Document, ...] = ()
    phone: str | None = None
    change: Change | None = None
    share: Sharing | None = None
    session: Session | None = None
    login: Login | None = None
    batch: Batch | None = None

    @property
    def other(self) -> PhoneName | None:
        """The other phone of the owner that is to be removed, or to have shares."""
        if self.share is not None:
            return self.share.phone
        return self.change.phone if self.change is not None else None


def read_matter(kind: str, members: Members) -> Matter:
    """Read what a request of a kind is about. Raises Difference, also on a kind that this phone does not know."""
    items = members.list("documents", MOST_DOCUMENTS)
    if kind == SIGN:
        return _signing(members, items)
    if items:
        raise Difference(f"a request of kind {kind} shows documents")
    if kind == CREATE:
        _only(members, "credential")
        return Matter(_new_credential(members))
    if kind == CHANGE:
        return _change_matter(members)
    if kind == SHARE:
        _only(members, "phone", "share")
        return Matter(phone=members.id("phone"), share=_sharing(members))
    if kind == SESSION:
        _only(members, "credential", "session")
        return Matter(_credential(members, may_have_password=True), session=read_session(members))
    if kind == LOGIN:
        _only(members, "login")
        return Matter(login=_login(members))
    raise Difference("the request is of a kind that this phone does not know")


def _signing(members: Members, items: list[Any]) -> Matter:
    if "session" in members.value:
        raise Difference("the request is to sign in a session, which is asked of no phone")
    if "batch" not in members.value:
        _only(members, "credential")
        return Matter(_credential(members, may_have_password=True), read_documents(items))
    _only(members, "credential", "batch")
    if items:
        raise Difference("the request has both a batch and documents")
    return Matter(_credential(members, may_have_password=True), batch=read_batch(members))


def read_session(members: Members) -> Session:
    """Read the session that is asked for. Raises Difference."""
    session = members.object("session", ("signatures", "minutes"))
    return Session(session.number("signatures", 1, MOST_SIGNATURES), session.number("minutes", 1, MOST_MINUTES))


def _login(members: Members) -> Login:
    login = members.object("login", ("id", "address", "agent"))
    return Login(login.id("id"), login.shown("address", NAME_LIMIT), login.shown("agent", NAME_LIMIT))


def _only(members: Members, *names: str) -> None:
    wrong = (set(members.value) & set(OF_SOME_KINDS)) ^ set(names)
    if wrong:
        raise Difference(f"the request has not exactly the members of its kind: {', '.join(sorted(wrong))}")


def _credential(members: Members, *, may_have_password: bool) -> Credential:
    optional = ("password",) if may_have_password else ()
    return _read_credential(members.object("credential", ("id", "certificate_sha256"), optional))


def _read_credential(credential: Members) -> Credential:
    recipe = read_recipe(credential) if "password" in credential.value else None
    return Credential(credential.id("id"), credential.raw("certificate_sha256", 32), recipe)


def _new_credential(members: Members) -> NewCredential:
    names = ("id", "subject", "key_type", "validity_days")
    made = members.object("credential", names, ("replaces",))
    old = _read_credential(made.object("replaces", ("id", "certificate_sha256"))) if "replaces" in made.value else None
    return NewCredential(
        made.id("id"),
        made.shown("subject", NAME_LIMIT),
        made.shown("key_type", NAME_LIMIT),
        made.number("validity_days", 1, 36_525),
        old,
    )


def _change_matter(members: Members) -> Matter:
    change = _change(members)
    named = () if change.action in OF_NO_KEY else ("credential",)
    _only(members, "phone", "change", *named)
    credential = _credential(members, may_have_password=True) if named else None
    return Matter(credential, phone=members.id("phone"), change=change)


def _change(members: Members) -> Change:
    given = members.value.get("change")
    action = given.get("action") if isinstance(given, dict) else None
    if not isinstance(action, str) or action not in CHANGES:
        raise Difference("the request is for a change that this phone does not know")
    names = CHANGES[action]
    change = members.object("change", ("action", *names))
    return Change(
        action,
        read_recipe(change) if "password" in names else None,
        _reason(change) if "reason" in names else None,
        _phone_name(change.object("phone", ("id", "name"))) if "phone" in names else None,
        read_application(change) if "relying_application" in names else None,
    )


def read_application(holder: Members) -> Application:
    """Read the relying application of a request, or of a change. Raises Difference."""
    application = holder.object("relying_application", ("id", "name"))
    return Application(application.text("id"), application.shown("name", NAME_LIMIT))


def _reason(change: Members) -> str:
    reason = change.text("reason")
    if reason not in REASONS:
        raise Difference("the request is to revoke for a reason that this phone does not know")
    return reason


def _phone_name(phone: Members) -> PhoneName:
    return PhoneName(phone.id("id"), phone.shown("name", NAME_LIMIT))


def _sharing(members: Members) -> Sharing:
    share = members.object("share", ("phone", "credentials"))
    phone = share.object("phone", ("id", "name", "keys"))
    keys = phone.object("keys", ("enc", "sig"))
    for name in ("enc", "sig"):
        jose.read_public(keys.value[name])
    return Sharing(
        phone=_phone_name(phone),
        encryption=keys.value["enc"],
        signature=keys.value["sig"],
        credentials=_shared(share.list("credentials", MOST_CREDENTIALS)),
    )


def _shared(items: Collection[Any]) -> tuple[Credential, ...]:
    names = ("id", "certificate_sha256")
    credentials = tuple(_read_credential(Members(item, "a shared credential", names)) for item in items)
    if not credentials or len({credential.id for credential in credentials}) != len(credentials):
        raise Difference("the request shares no key, or one twice")
    return credentials
