"""Authorization requests that clients pushed, and the names by which browsers bring them.

name = "urn:ietf:params:oauth:request_uri:" id "." mac, where the mac is over the id and the SHA-256 of the stored
request: who alters a row, or puts another in its place, has nothing that a name leads to. A name is good for 90 s; once
a browser has brought it, until a decision is taken on it, and for an hour at most.

Source: RFC 9126 sections 2.2, 4 and 7.3; docs/authorization.md sections 4 and 5.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.hsm.stamps import Stamped, Stamps
from dss.infra.db import Database
from dss.infra.schema import EPOCH
from dss.kernel import canonical
from dss.kernel.clock import Clock
from dss.kernel.errors import BadRequest, TooMany
from dss.kernel.ids import ClientId, Ids
from dss.oauth.authorization_errors import RequestGone
from dss.oauth.tables import pushed_requests

LABEL = "dss/pushed/v1"
PREFIX = "urn:ietf:params:oauth:request_uri:"
LIFETIME = timedelta(seconds=90)
LONGEST_USE = timedelta(hours=1)
MOST = 1000  # of one client at a time
MOST_OF_ADDRESS = 30  # of public clients, from one network at a time
GONE = "the request is unknown, over, or decided on: go back to the application and begin again"

Spend = Callable[[AsyncConnection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Pushed:
    """A request that was pushed; at: when. decided: what names the decision, or empty."""

    id: str
    client_id: ClientId
    values: Mapping[str, str]
    at: datetime
    decided: str = ""


class PushedRequests:
    """Keeps them until they are decided on, or their time is over."""

    def __init__(self, database: Database, stamps: Stamps, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._stamps = stamps
        self._clock = clock
        self._ids = ids

    async def add(self, client_id: ClientId, values: Mapping[str, str], spend: Spend, address: str = "") -> str:
        """Keep a request, and return its name; spend: uses up what the client proved itself by.

        address: the network that it comes from, where the client proved nothing: anybody says to be one of those.
        The log does not tell of it: nobody has decided anything yet, and public clients are whoever says so.
        Raises TooMany, HsmUnavailable, and what `spend` raises.
        """
        id, now = self._ids.new(), self._clock.now()
        request = _text(Pushed(id, client_id, values, now))
        name = PREFIX + await self._stamps.write(LABEL, id, None, _hash(request))
        fixed = {"id": id, "client_id": client_id, "address": address, "request": request}
        async with self._database.write() as connection:
            await spend(connection)
            await _require_few(connection, client_id, address, now)
            row = fixed | {"decided": "", "expires_at": now + LIFETIME}
            await connection.execute(sa.insert(pushed_requests).values(row))
        return name

    async def get(self, name: str, client_id: ClientId) -> Pushed:
        """Return the request that a browser brings the name of; from then on there is time to decide on it.

        Raises RequestGone for a name that is wrong, over or another client's, HsmUnavailable.
        """
        stamped, now = _stamped(name), self._clock.now()
        async with self._database.read() as connection:
            row = (await connection.execute(_living(stamped.id, now))).one_or_none()
        if row is None or not await self._stamps.is_right(LABEL, stamped, _hash(row.request)):
            raise RequestGone(GONE)
        pushed = _read(stamped.id, row.request, row.decided)
        if pushed.client_id != client_id or now >= pushed.at + LONGEST_USE:
            raise RequestGone(GONE)
        if row.expires_at == pushed.at + LIFETIME:
            await self._extend(pushed, now)
        return pushed

    async def decide(self, pushed: Pushed, decision: str) -> None:
        """Take a decision, once: the same one again, as by a form that is sent twice, changes nothing.

        decision: what names it. Raises RequestGone after another.
        """
        p, named = pushed_requests, hashlib.sha256(decision.encode()).hexdigest()
        open_still = (p.c.id == pushed.id) & (p.c.expires_at > self._clock.now()) & p.c.decided.in_(["", named])
        async with self._database.write() as connection:
            if (await connection.execute(sa.update(p).where(open_still).values(decided=named))).rowcount != 1:
                raise RequestGone(GONE)

    async def _extend(self, pushed: Pushed, now: datetime) -> None:
        p = pushed_requests
        mine = (p.c.id == pushed.id) & (p.c.expires_at > now)
        async with self._database.write() as connection:
            await connection.execute(sa.update(p).where(mine).values(expires_at=pushed.at + LONGEST_USE))


def _stamped(name: str) -> Stamped:
    try:
        return Stamped(name.removeprefix(PREFIX) if name.startswith(PREFIX) else "")
    except BadRequest as fault:
        raise RequestGone(GONE) from fault


def _living(id: str, now: datetime) -> sa.Select[tuple[str, str, datetime]]:
    p = pushed_requests
    return sa.select(p.c.request, p.c.decided, p.c.expires_at).where(p.c.id == id, p.c.expires_at > now)


async def _require_few(connection: AsyncConnection, client_id: ClientId, address: str, now: datetime) -> None:
    """Raise TooMany for more than a client may have at a time, or a network in the name of public clients.

    Of a public client those that a browser has brought are not counted: who pushes much in its name and brings it to
    the server himself holds up himself only.
    """
    p = pushed_requests
    living = (p.c.expires_at > now) & (p.c.decided == "")
    new = p.c.expires_at <= now + LIFETIME
    if await _count(connection, living & (p.c.client_id == client_id) & (new if address else sa.true())) >= MOST:
        raise TooMany(f"a client has at most {MOST} pushed requests at a time", retry_after=10)
    if address and await _count(connection, living & (p.c.address == address)) >= MOST_OF_ADDRESS:
        raise TooMany(f"from one network come at most {MOST_OF_ADDRESS} at a time of public clients", retry_after=90)


async def _count(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> int:
    return (await connection.execute(sa.select(sa.func.count()).where(which))).scalar_one()


def _text(pushed: Pushed) -> str:
    at = (pushed.at - EPOCH) // timedelta(microseconds=1)
    return canonical.encode({"at": at, "client_id": pushed.client_id, "values": dict(pushed.values)}).decode()


def _read(id: str, text: str, decided: str) -> Pushed:
    """Read a request whose mac is right, so that it is ours."""
    stored = canonical.decode(text.encode())
    at = EPOCH + timedelta(microseconds=stored["at"])
    return Pushed(id, ClientId(stored["client_id"]), stored["values"], at, decided)


def _hash(request: str) -> str:
    return hashlib.sha256(request.encode()).hexdigest()
