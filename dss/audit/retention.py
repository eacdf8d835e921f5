"""The verb of retention: events that are old enough are deleted, and the log says which.

What goes is chosen and proven in one look, then signed by the HSM, and then deleted if it is still the same.
Source: docs/transparency-log.md section 6.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit import deletions, log_pages, log_store, tiles
from dss.audit.checkpoint import read_signed
from dss.audit.deletions import MOST, SLACK
from dss.audit.event import Event, Recorded
from dss.audit.log_key import log_key
from dss.audit.log_pages import Found
from dss.audit.merkle import EMPTY_ROOT, Head, require_included
from dss.audit.note import VerifierKey
from dss.audit.policy import Policy
from dss.audit.service import Audit
from dss.audit.tables import audit_events
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import BadRequest, Overtaken, Tampered

LONGEST_YEAR = timedelta(days=366)
# That an owner ever had a phone makes every further one wait: a first phone is one of which the log tells nothing.
KEPT_KINDS = (deletions.KIND, "device.enrolled")
TRIES = 5
UNSEALED = "event {} is not what was sealed: run `dss audit verify`"


@dataclass(frozen=True, slots=True)
class Old:
    """What is old enough at one moment: written before a time, and on a leaf before a number.

    before: in whole seconds. leaf: the first whose event is younger by more than what clocks may differ, as an auditor
            does not believe that a leaf behind it was older; or the first that no checkpoint is over.
    """

    before: datetime
    leaf: int

    def spares(self) -> sa.ColumnElement[bool]:
        """Return the condition that an event is too young to go, has no leaf number yet, or is the log's first.

        The first one tells how old the log is at most, and so that nothing in it is older.
        """
        e = audit_events
        return (e.c.at >= self.before) | e.c.leaf.is_(None) | (e.c.leaf >= self.leaf) | (e.c.leaf == 0)


@dataclass(frozen=True, slots=True)
class Look:
    """One moment of the log, in which what is to go is chosen. head: of the newest checkpoint, its signature proven."""

    connection: AsyncConnection
    old: Old
    head: Head


@dataclass(frozen=True, slots=True)
class Signed:
    """A deletion that the log's key signed. ids, leaves: of the events that go; event: that tells of it."""

    ids: Sequence[str]
    leaves: Sequence[int]
    event: Event


class Retention:
    """Deletes events after the years of retention; entries and hashes stay, so that old checkpoints hold.

    subject: the log as events name it.
    """

    def __init__(self, database: Database, keys: ServiceKeys, audit: Audit, clock: Clock, policy: Policy) -> None:
        self._database = database
        self._keys = keys
        self._audit = audit
        self._clock = clock
        self._policy = policy
        self.subject = deletions.subject(policy.origin)

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Look]:
        """Give a moment of the log. Raises Tampered where the log's key did not sign its checkpoint, HsmUnavailable."""
        key = await self._key()
        async with self._database.snapshot() as connection:
            head = await _signed_head(connection, key)
            yield Look(connection, await self._old(connection, head), head)

    async def round(self, but: sa.ColumnElement[bool] | None = None) -> int:
        """Delete what is old enough, a batch in each database transaction; return how many events went.

        The newest event of each sealed row stays, and what is still asked for.
        but: events that are left to others.
        Raises Tampered for an event that is not what was sealed, HsmUnavailable.
        """
        total, stays = 0, sa.false() if but is None else but
        while True:
            gone = await until_first(lambda: self._batch(stays))
            total += gone
            if gone < MOST:
                return total

    async def sign(self, old: Old, chosen: Sequence[Found]) -> list[Signed]:
        """Have the HSM sign the deletion of events that were chosen and proven. Raises HsmUnavailable."""
        key = await self._key()
        pages = [chosen[start : start + MOST] for start in range(0, len(chosen), MOST)]
        return [await self._sign(key, old.before, page) for page in pages]

    async def delete(self, connection: AsyncConnection, old: Old, signed: Sequence[Signed]) -> int:
        """Delete exactly what was signed, and tell of it, in the caller's transaction; return how many events went.

        Raises Overtaken where the events are not those any more that were chosen.
        """
        for one in signed:
            e = audit_events
            step = sa.delete(e).where(e.c.id.in_(one.ids), ~old.spares()).returning(e.c.leaf)
            if sorted((await connection.execute(step)).scalars()) != one.leaves:
                raise Overtaken("the events that were to be deleted have changed")
            await self._audit.record(connection, one.event)
        return sum(len(one.leaves) for one in signed)

    async def _batch(self, stays: sa.ColumnElement[bool]) -> int:
        async with self.look() as look:
            chosen = await _deletable(look, stays)
            await require_sealed(look, chosen)
        signed = await self.sign(look.old, chosen)
        async with self._database.write() as connection:
            return await self.delete(connection, look.old, signed)

    async def _key(self) -> VerifierKey:
        return await log_key(self._keys, self._policy.origin)

    async def _old(self, connection: AsyncConnection, head: Head) -> Old:
        before = (self._clock.now() - self._policy.years * LONGEST_YEAR).replace(microsecond=0)
        e = audit_events
        young = sa.select(e.c.leaf).where(e.c.leaf < head.size, e.c.at > before + SLACK).order_by(e.c.leaf).limit(1)
        leaf = (await connection.execute(young)).scalar_one_or_none()
        return Old(before, head.size if leaf is None else leaf)

    async def _sign(self, key: VerifierKey, before: datetime, chosen: Sequence[Found]) -> Signed:
        leaves = sorted(one.leaf for one in chosen if one.leaf is not None)
        text = deletions.text(key.name, leaves, before)
        signature = await self._keys.sign_ed25519(KeyName.LOG, text)
        key.require_signed(text, signature)
        return Signed([one.id for one in chosen], leaves, deletions.event(key.name, leaves, before, signature))


async def until_first(batch: Callable[[], Awaitable[int]]) -> int:
    """Choose a batch anew where another worker was first with one; return how many went. Raises Overtaken."""
    for _ in range(TRIES):
        with suppress(Overtaken):
            return await batch()
    raise Overtaken("too much changes at once; try again")


async def require_sealed(look: Look, chosen: Sequence[Found]) -> None:
    """Accept events that are leaves of the signed tree: one that was made to look old is not to be signed away.

    Raises Tampered.
    """
    events = [_readable(one) for one in chosen]
    wanted = {place for leaf, _ in events for place in tiles.tiles_for_inclusion(leaf, look.head.size)}
    held = await log_store.tiles(look.connection, wanted)
    for leaf, event in events:
        try:
            require_included(leaf, event.entry(), tiles.inclusion(held, leaf, look.head.size), look.head)
        except (BadRequest, Tampered, ValueError, TypeError, AttributeError, OverflowError) as fault:
            raise Tampered(UNSEALED.format(event.id)) from fault


def _readable(found: Found) -> tuple[int, Recorded]:
    if found.event is None or found.event.leaf is None:
        raise Tampered(UNSEALED.format(found.id))
    return found.event.leaf, found.event


async def _signed_head(connection: AsyncConnection, key: VerifierKey) -> Head:
    note = await log_store.checkpoint(connection)
    try:
        return Head(0, EMPTY_ROOT) if note is None else read_signed(note, key).head
    except BadRequest as fault:
        raise Tampered(f"the newest checkpoint: {fault.detail}: run `dss audit verify`") from fault


async def _deletable(look: Look, but: sa.ColumnElement[bool]) -> list[Found]:
    """Return the oldest events that may go."""
    e, later = audit_events, audit_events.alias("later")
    newer = sa.exists().where(later.c.sealed_row == e.c.sealed_row, later.c.sealed_version > e.c.sealed_version)
    asked_for = e.c.kind.in_(KEPT_KINDS) | (e.c.sealed_row.is_not(None) & ~newer)
    query = log_pages.plain().where(~look.old.spares(), ~asked_for, ~but)
    return await log_pages.fetch(look.connection, query.order_by(e.c.leaf).limit(MOST))
