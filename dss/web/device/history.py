"""The owner's history: what has ended, and the evidence of it."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from dss.ca.model import Reason
from dss.devices.request import Action, Kind
from dss.evidence.service import Standing
from dss.kernel.clock import timestamp
from dss.kernel.errors import Conflict, Locked
from dss.kernel.ids import TransactionId
from dss.kernel.policy import Mode
from dss.transactions.history import Past
from dss.transactions.machine import State
from dss.web.device.authenticating import device_of
from dss.web.http import paging
from dss.web.http.fields import Id, Index, Size, Time
from dss.web.http.op import JSON, NotYet, op
from dss.web.http.services import services_of

DEFAULT = 20

After = Annotated[
    str,
    Meta(
        pattern="^[0-9A-HJKMNP-TV-Z]{26}$",
        min_length=26,
        max_length=26,
        description="Where to go on: `next` of the page before.",
    ),
]


class Asker(msgspec.Struct):
    """Who asked: a relying application, or `operator` or `owner` with the name of the server."""

    id: str
    name: str


class NamedPhone(msgspec.Struct):
    """A phone of the owner."""

    id: Id
    name: str


class PastDocument(msgspec.Struct):
    """A document as it was shown; its size in bytes, its SHA-256 in base64url."""

    name: str
    media_type: str
    size: int
    document_digest: str


class PastHashes(msgspec.Struct):
    """Bare hashes, of which no content was shown."""

    count: int
    format: str


class PastBatch(msgspec.Struct):
    """More than are listed."""

    count: int


class PastSession(msgspec.Struct, omit_defaults=True):
    """The session that was asked for, or the one in which was signed."""

    id: Id | None = None
    signatures: int | None = None
    minutes: int | None = None


class PastLogin(msgspec.Struct):
    """From which network address somebody was to be signed in, and by what browser."""

    address: str
    agent: str


class PastChange(msgspec.Struct, omit_defaults=True):
    """What a change was to change."""

    action: Action
    phone: NamedPhone | None = None
    relying_application: Asker | None = None
    reason: Reason | None = None


class PastShare(msgspec.Struct):
    """With which phone keys were to be shared."""

    phone: NamedPhone


class PastTransaction(msgspec.Struct, omit_defaults=True):
    """A transaction that has ended; what does not concern it is left out."""

    id: Id
    kind: Kind
    state: State
    relying_application: Asker
    text: str
    documents: list[PastDocument]
    opened: Time
    ended: Time
    evidence: Standing
    hashes: PastHashes | None = None
    batch: PastBatch | None = None
    declined: list[int] | None = None
    session: PastSession | None = None
    login: PastLogin | None = None
    credential: Id | None = None
    change: PastChange | None = None
    share: PastShare | None = None
    phone: NamedPhone | None = None
    verification: str | None = None
    mode: Mode | None = None
    why: str | None = None


class HistoryPage(msgspec.Struct, omit_defaults=True):
    """A part of the history, newest first; next: where it goes on, absent at its end."""

    entries: list[PastTransaction]
    next: Id | None = None


@op("GET", "/device/v1/history", errors=(Locked,))
async def read_history(request: Request, limit: paging.Limit = DEFAULT, after: After | None = None) -> HistoryPage:
    """List what has ended of the owner's, newest first, whichever phone answered."""
    older = TransactionId(after) if after else None
    page = await services_of(request).history.page(device_of(request), older, limit)
    return HistoryPage([_told(past) for past in page.entries], page.after)


@op("GET", "/device/v1/history/{id}/evidence", errors=(Conflict, Locked))
async def read_evidence(
    request: Request, id: Id, checkpoint: Size | None = None, index: Index | None = None
) -> Response | NotYet:
    """Read the evidence of a transaction, a record that verifies without the server.

    202 while the log has not sealed it; with `checkpoint`, with the proof that the log is the same one as then. Of a
    batch each document is proven by itself: `index` names it.
    """
    record = await services_of(request).history.evidence(device_of(request), TransactionId(id), checkpoint, index)
    return NotYet() if record is None else Response(record.encoded(), media_type=JSON)


def _told(past: Past) -> PastTransaction:
    transaction, asked, outcome = past.transaction, past.asked, past.outcome
    return PastTransaction(
        id=transaction.id,
        kind=transaction.kind,
        state=transaction.state,
        relying_application=msgspec.convert(asked["relying_application"], Asker),
        text=asked["text"],
        documents=[msgspec.convert(item, PastDocument) for item in asked["documents"] if "document_digest" in item],
        opened=timestamp(transaction.opened_at),
        ended=timestamp(past.ended),
        evidence=past.evidence,
        hashes=_hashes(asked),
        batch=PastBatch(asked["batch"]["count"]) if "batch" in asked else None,
        declined=sorted(outcome.declined) or None,
        session=_session(asked),
        login=msgspec.convert(asked.get("login"), PastLogin | None),
        credential=transaction.credential_id,
        change=msgspec.convert(asked.get("change"), PastChange | None),
        share=msgspec.convert(asked.get("share"), PastShare | None),
        phone=NamedPhone(past.phone.id, past.phone.name) if past.phone else None,
        verification=past.verification,
        mode=past.mode,
        why=transaction.why or None,
    )


def _session(asked: Mapping[str, Any]) -> PastSession | None:
    """Return the session that was asked for, or the id of the one in which was signed."""
    session = {name: value for name, value in asked.get("session", {}).items() if name != "place"}
    return PastSession(**session) if session else None


def _hashes(asked: Mapping[str, Any]) -> PastHashes | None:
    """Return how many things to sign had no content to show, if there are such."""
    unseen = [item["format"] for item in asked["documents"] if "document_digest" not in item]
    return PastHashes(len(unseen), unseen[0]) if unseen else None
