"""What has ended of the owner's, as the server tells any of their phones, and the evidence of it.

Source: docs/device-protocol.md section 9, docs/evidence.md section 1.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mobile_mock.batch import FEWEST
from mobile_mock.batch import MOST as LARGEST_BATCH
from mobile_mock.documents import LARGEST_DOCUMENT, Content
from mobile_mock.errors import Difference, NothingToDo
from mobile_mock.forms import read_canonical
from mobile_mock.jose import read_jws
from mobile_mock.matter import (
    CHANGE,
    CREATE,
    LOGIN,
    MOST_DOCUMENTS,
    SESSION,
    SHARE,
    SIGN,
    Application,
    PhoneName,
    Session,
    read_session,
)
from mobile_mock.members import NAME_LIMIT, Members, require_id
from mobile_mock.request import ANSWERS, TEXT_LIMIT
from mobile_mock.server import Server
from mobile_mock.verification import CHOOSE, COMPARE

HISTORY = "/device/v1/history"
ENDS = {"signed", "declined", "expired", "cancelled", "failed"}
EVIDENCE = {"sealed", "pending", "none"}
PAGE, MOST = 20, 100
LARGEST_PAGE, LARGEST_RECORD = 16 * 1024 * 1024, 16 * 1024 * 1024  # bytes
PATIENCE, LONGEST_PAUSE = 30, 10  # seconds
ACCEPTED = 202
FORMAT, REQUEST = "dss-evidence/v1", "dss-confirmation-request+jws"
CORE = ("request", "answer", "enrolment", "receipt", "channel_key", "signatures", "certificates")
OF_SOME = ("number_salt", "part", "session", "offline")
ALWAYS = ("id", "kind", "state", "relying_application", "text", "documents", "opened", "ended", "evidence")
SOMETIMES = (
    *("hashes", "batch", "declined", "session", "login", "credential", "change", "share"),
    *("phone", "verification", "mode", "why"),
)
OF_CHANGES = ("phone", "reason", "relying_application")
WAYS = ANSWERS | {"code"}


@dataclass(frozen=True, slots=True)
class PastLogin:
    """From which network address somebody was to be signed in, and by what browser."""

    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class Past:
    """A transaction that has ended.

    hashes:       how many bare hashes were to be signed; their content was not shown.
    batch:        how many documents or hashes there were, where they are not listed; else 0.
    declined:     the indexes of those that the owner did not let be signed.
    session:      that was asked for; session_id: the one in which was signed. login: from where somebody signed in.
    action:       of a change, with the reason of a revocation.
    other:        the phone that was to be removed, or to have shares. allowed: the application that was to ask again.
    phone:        that answered. verification: `pin`, `biometric` or `code`, where the owner confirmed.
    mode:         `compare` or `choose`, where the owner confirmed by it.
    why:          it was declined or came to nothing; empty where nobody said.
    evidence:     `sealed`, `pending` or `none`.
    """

    id: str
    kind: str
    state: str
    application: Application
    text: str
    documents: tuple[Content, ...]
    hashes: int
    batch: int
    declined: tuple[int, ...]
    session: Session | None
    login: PastLogin | None
    session_id: str | None
    credential: str | None
    action: str | None
    reason: str | None
    other: PhoneName | None
    allowed: Application | None
    opened: datetime
    ended: datetime
    phone: PhoneName | None
    verification: str | None
    mode: str | None
    why: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the history, newest first; next: where it goes on, None at its end."""

    entries: tuple[Past, ...]
    next: str | None


async def page(server: Server, limit: int = PAGE, after: str | None = None) -> Page:
    """Return a part of the history, newest first, older than a transaction. Raises Difference, Refused, Unreachable."""
    query: dict[str, str | int] = {"limit": limit} | ({"after": require_id(after, "transaction")} if after else {})
    told = Members(await server.get(HISTORY, query, limit=LARGEST_PAGE), "the history", ("entries",), ("next",))
    entries = tuple(_past(item) for item in told.list("entries", limit))
    ids = ([] if after is None else [after]) + [entry.id for entry in entries]
    if ids != sorted(set(ids), reverse=True):
        raise Difference("the history is not told newest first, each transaction once")
    return Page(entries, told.id("next") if "next" in told.value else None)


async def evidence(server: Server, id: str, sleep: Callable[[float], Awaitable[None]], **query: int | None) -> bytes:
    """Return the record of a transaction, as it came; wait up to 30 seconds until it is sealed.

    query: the size of a `checkpoint` that the owner kept; the `index` of one document of a batch.
    Raises NothingToDo when it takes longer, Difference for what is no record of this transaction; whether the record
    proves what it says is a verifier's to find out.
    """
    path = f"{HISTORY}/{require_id(id, 'transaction')}/evidence"
    asked: dict[str, str | int] = {name: value for name, value in query.items() if value is not None}
    waited = 0
    while (reply := await server.ask(path, asked, LARGEST_RECORD)).status == ACCEPTED:
        pause = _pause(reply.headers.get("Retry-After", ""))
        if waited + pause > PATIENCE:
            raise NothingToDo("the evidence is not sealed yet; ask again later")
        await sleep(pause)
        waited += pause
    _check_record(reply.content, id)
    return reply.content


def _pause(told: str) -> int:
    """Return how many seconds to wait: what the server asks for, and at least one."""
    return min(max(int(told), 1), LONGEST_PAUSE) if told.isascii() and told.isdecimal() and len(told) < 9 else 1


def _check_record(content: bytes, id: str) -> None:
    record = Members(read_canonical(content), "the evidence", ("core", "format", "log"), ("leaf",))
    record.must_be("format", FORMAT)
    core = record.object("core", CORE, OF_SOME)
    request = json.loads(read_jws(core.value["request"], REQUEST).payload)
    if not isinstance(request, dict) or request.get("transaction") != id:
        raise Difference("the evidence is of another transaction")


def _past(item: Any) -> Past:
    told = Members(item, "an entry", ALWAYS, SOMETIMES)
    value = told.value
    asked = "session" in value and value["kind"] == SESSION
    change = told.object("change", ("action",), OF_CHANGES) if "change" in value else None
    about = {} if change is None else change.value
    return Past(
        id=told.id("id"),
        kind=_one_of(told, "kind", {SIGN, CREATE, CHANGE, SHARE, SESSION, LOGIN}),
        state=_one_of(told, "state", ENDS),
        application=_application(told),
        text=told.shown("text", TEXT_LIMIT, multiline=True),
        documents=tuple(_document(document) for document in told.list("documents", MOST_DOCUMENTS)),
        hashes=_hashes(told) if "hashes" in value else 0,
        batch=told.object("batch", ("count",)).number("count", FEWEST, LARGEST_BATCH) if "batch" in value else 0,
        declined=_declined(told) if "declined" in value else (),
        session=read_session(told) if asked else None,
        login=_login(told.object("login", ("address", "agent"))) if "login" in value else None,
        session_id=told.object("session", ("id",)).id("id") if "session" in value and not asked else None,
        credential=told.id("credential") if "credential" in value else None,
        action=change.shown("action", NAME_LIMIT) if change else None,
        reason=change.shown("reason", NAME_LIMIT) if change and "reason" in about else None,
        other=_other(told, change),
        allowed=_application(change) if change and "relying_application" in about else None,
        opened=told.time("opened"),
        ended=told.time("ended"),
        phone=_phone(told) if "phone" in value else None,
        verification=_one_of(told, "verification", WAYS) if "verification" in value else None,
        mode=_one_of(told, "mode", {COMPARE, CHOOSE}) if "mode" in value else None,
        why=told.shown("why", NAME_LIMIT, multiline=True) if "why" in value else "",
        evidence=_one_of(told, "evidence", EVIDENCE),
    )


def _application(told: Members) -> Application:
    application = told.object("relying_application", ("id", "name"))
    return Application(application.shown("id", NAME_LIMIT), application.shown("name", NAME_LIMIT))


def _document(item: Any) -> Content:
    document = Members(item, "a document", ("name", "media_type", "size", "document_digest"))
    return Content(
        document.shown("name", NAME_LIMIT),
        document.shown("media_type", NAME_LIMIT),
        document.number("size", 1, LARGEST_DOCUMENT),
        document.raw("document_digest", 32),
    )


def _login(told: Members) -> PastLogin:
    return PastLogin(told.shown("address", NAME_LIMIT), told.shown("agent", NAME_LIMIT))


def _hashes(told: Members) -> int:
    hashes = told.object("hashes", ("count", "format"))
    hashes.must_be("format", "hash")
    return hashes.number("count", 1, MOST_DOCUMENTS)


def _declined(told: Members) -> tuple[int, ...]:
    declined = told.list("declined", LARGEST_BATCH)
    if not declined or any(type(index) is not int or index < 0 for index in declined):
        raise Difference(f"declined of {told.what} is not a list of indexes")
    return tuple(declined)


def _other(told: Members, change: Members | None) -> PhoneName | None:
    if "share" in told.value:
        return _phone(told.object("share", ("phone",)))
    return _phone(change) if change and "phone" in change.value else None


def _phone(holder: Members) -> PhoneName:
    phone = holder.object("phone", ("id", "name"))
    return PhoneName(phone.id("id"), phone.shown("name", NAME_LIMIT))


def _one_of(told: Members, name: str, known: set[str]) -> str:
    value = told.text(name)
    if value not in known:
        raise Difference(f"{name} of {told.what} is one that this phone does not know")
    return value
