"""What operators look for in the audit log."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request

from dss.audit.event import Outcome, Recorded
from dss.kernel.clock import precise_timestamp, read_timestamp
from dss.kernel.errors import Invalid, NotFound
from dss.kernel.ids import EventId
from dss.transactions.searching import Wish
from dss.web.http import paging
from dss.web.http.fields import Id, Time
from dss.web.http.op import op
from dss.web.http.services import services_of

SCOPE = "operators"

Signer = Annotated[str, Meta(min_length=1, max_length=64, description="a signer's login or id")]
Application = Annotated[str, Meta(min_length=1, max_length=64, description="an application's name or id")]
From = Annotated[Time, Meta(description="from this time on")]
To = Annotated[Time, Meta(description="before this time")]
Kind = Annotated[str, Meta(min_length=1, max_length=64, description="how the kind of an event begins")]
ExactTime = Annotated[
    str, Meta(description="RFC 3339 in UTC with six decimals, ending in Z.", examples=["2026-11-21T14:05:00.000000Z"])
]


class AuditEvent(msgspec.Struct):
    """Who did what, on what, and how it ended.

    actor, subject: as `kind:id`. leaf: its number in the log; absent for a second or two, until it is sealed.
    """

    id: Id
    at: ExactTime
    kind: str
    actor: str
    subject: str
    outcome: Outcome
    details: dict[str, str]
    leaf: int | None = None


class AuditEvents(msgspec.Struct):
    """A page of events, oldest first."""

    items: list[AuditEvent]
    next: str | None = None


class Filters(msgspec.Struct):
    """Which events are looked for."""

    signer: Signer | None = None
    client: Application | None = None
    transaction: Id | None = None
    kind: Kind | None = None
    since: From | None = msgspec.field(name="from", default=None)
    until: To | None = msgspec.field(name="to", default=None)


@op("GET", "/v1/audit/events", scope=SCOPE, errors=(NotFound,))
async def search_audit_events(
    request: Request, filters: Filters, limit: paging.Limit = paging.DEFAULT, cursor: paging.Cursor | None = None
) -> AuditEvents:
    """Find the events to which all that is given applies, by page.

    A signer's are those on or by the signer, the signer's phones, keys, certificates and transactions; an application's
    those on or by it, its documents and its transactions.
    """
    after = paging.after(cursor)
    found = await services_of(request).searching.search(_wish(filters), EventId(after) if after else None, limit)
    return AuditEvents([_event(one) for one in found], paging.next_link(request, [one.id for one in found], limit))


def _wish(filters: Filters) -> Wish:
    since, until = _time(filters.since, "from"), _time(filters.until, "to")
    return Wish(filters.signer, filters.client, filters.transaction, filters.kind or "", since, until)


def _time(text: str | None, name: str) -> datetime | None:
    if text is None:
        return None
    try:
        return read_timestamp(text)
    except ValueError as fault:
        raise Invalid(f"query parameter {name}: not a time in UTC and whole seconds") from fault


def _event(recorded: Recorded) -> AuditEvent:
    event = recorded.event
    return AuditEvent(
        id=recorded.id,
        at=precise_timestamp(recorded.at),
        kind=event.kind,
        actor=event.actor,
        subject=event.subject,
        outcome=event.outcome,
        details=dict(event.details),
        leaf=recorded.leaf,
    )
