"""Queries about who asks whom: the facts that limits are judged by, and the blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.seals import Register, Row, Stored
from dss.audit.tables import IS_REFUSED, audit_events
from dss.devices.request import Kind
from dss.infra.inserting import insert
from dss.kernel.ids import ClientId, UserId
from dss.transactions.asking import (
    COLLISION,
    COUNTED,
    GIVEN_UP,
    PUSHES,
    AskLimits,
    Block,
    Collision,
    Ended,
    Facts,
    Pair,
)
from dss.transactions.machine import LIVE, State
from dss.transactions.model import Reach
from dss.transactions.tables import askings, blocks, transactions

LAPSED = (State.AWAITING, State.EXPIRED)


async def take_turn(connection: AsyncConnection, user_id: UserId) -> None:
    """Wait until nobody else asks a person, and keep others waiting until the caller's commit."""
    first = insert(connection, askings).values(user_id=user_id, turn=1)
    next_turn = {"turn": askings.c.turn + 1}
    await connection.execute(first.on_conflict_do_update(index_elements=["user_id"], set_=next_turn))


async def facts(connection: AsyncConnection, pair: Pair, limits: AskLimits, now: datetime) -> Facts:
    """Return what the limits of a pair are judged by."""
    of_pair = sa.and_(transactions.c.client_id == pair.client_id, *_asked(pair.user_id))
    collided = await _collisions(connection, pair, limits)
    return await _facts(connection, _Counted(of_pair, COUNTED, collided), limits, now)


async def facts_of_logins(connection: AsyncConnection, user_id: UserId, limits: AskLimits, now: datetime) -> Facts:
    """Return what the limits of a person's sign-ins are judged by."""
    return await _facts(connection, _Counted(logins_of(user_id), COUNTED | {GIVEN_UP}), limits, now)


def logins_of(user_id: UserId) -> sa.ColumnElement[bool]:
    """Return the condition on what asks a person whether a sign-in is theirs."""
    return (transactions.c.user_id == user_id) & (transactions.c.kind == Kind.LOGIN)


@dataclass(frozen=True, slots=True)
class _Counted:
    """Which requests are counted; ends: why cancelled ones count. collided: when others came that were not opened."""

    which: sa.ColumnElement[bool]
    ends: frozenset[str]
    collided: Sequence[datetime] = ()


async def _facts(connection: AsyncConnection, of: _Counted, limits: AskLimits, now: datetime) -> Facts:
    t, collided = transactions, of.collided
    newest = sa.select(t.c.opened_at).where(of.which).order_by(t.c.opened_at.desc()).limit(limits.most)
    came = sorted([*(await connection.execute(newest)).scalars(), *collided], reverse=True)
    nth = came[limits.most - 1] if len(came) >= limits.most else None
    waiting = sa.select(t.c.expires_at).where(of.which, _awaits(now))
    ended = sa.select(t.c.state, t.c.opened_at, t.c.expires_at, t.c.changed_at, t.c.sad_expires_at).where(
        of.which, sa.not_(_awaits(now)), _counts(of.ends)
    )
    rows = await connection.execute(ended.order_by(t.c.opened_at.desc(), t.c.id.desc()).limit(limits.depth))
    ends = [(row.opened_at, _ended(row)) for row in rows]
    if limits.on_collision is Collision.CANCEL:
        ends = [(at, Ended(at, confirmed=False)) for at in collided] + ends
    in_turn = sorted(ends, key=lambda end: end[0], reverse=True)[: limits.depth]
    awaiting = (await connection.execute(waiting)).scalars().all()
    return Facts(nth, awaiting, [end for _, end in in_turn])


async def _collisions(connection: AsyncConnection, pair: Pair, limits: AskLimits) -> list[datetime]:
    """Return when an application came in another's way, as the log tells: the newest that can make a difference."""
    if limits.on_collision is Collision.ALLOW:
        return []
    e = audit_events
    by_pair = (e.c.subject == f"user:{pair.user_id}") & (e.c.actor == f"client:{pair.client_id}")
    collided = by_pair & IS_REFUSED & (e.c.details["why"].as_string() == COLLISION)
    newest = sa.select(e.c.at).where(collided).order_by(e.c.id.desc()).limit(max(limits.most, limits.depth))
    return list((await connection.execute(newest)).scalars())


def colliding(pair: Pair, now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition on requests of other applications that await the same person's answer on a phone."""
    t = transactions
    others = t.c.client_id != pair.client_id
    return sa.and_(others, t.c.reach == Reach.PHONES, _awaits(now), *_asked(pair.user_id))


def unfinished(pair: Pair) -> sa.ColumnElement[bool]:
    """Return the condition on what an application has asked a person and awaits an answer, and on its sessions.

    What is being signed in a session is of it: the person was never asked for that by itself.
    """
    t = transactions
    pending = (t.c.state == State.AWAITING) | (t.c.kind == Kind.SESSION) | t.c.session_id.is_not(None)
    return (t.c.user_id == pair.user_id) & (t.c.client_id == pair.client_id) & pending


def unfinished_logins(user_id: UserId) -> sa.ColumnElement[bool]:
    """Return the condition on a person's sign-ins that their phone may still complete."""
    return logins_of(user_id) & transactions.c.state.in_(LIVE)


async def hold(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> None:
    """Lock transactions until the caller's commit, in the order in which whoever ends more locks them."""
    t = transactions
    await connection.execute(sa.select(t.c.id).where(which).order_by(t.c.id).with_for_update())


async def any_of(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> bool:
    """Return True when there is a transaction of which a condition is true."""
    query = sa.select(transactions.c.id).where(which).limit(1)
    return (await connection.execute(query)).one_or_none() is not None


def _asked(user_id: UserId) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions on what reaches a person's phones."""
    t = transactions
    return t.c.user_id == user_id, t.c.kind.in_(PUSHES), t.c.session_id.is_(None)


def _awaits(now: datetime) -> sa.ColumnElement[bool]:
    return (transactions.c.state == State.AWAITING) & (transactions.c.expires_at > now)


def _counts(ends: frozenset[str]) -> sa.ColumnElement[bool]:
    """Return the condition on what a person confirmed, and on what they or who asked brought to another end."""
    t = transactions
    by_them = (t.c.state == State.CANCELLED) & t.c.why.in_(ends)
    return t.c.sad_expires_at.is_not(None) | t.c.state.in_((*LAPSED, State.DECLINED)) | by_them


def _ended(row: Any) -> Ended:
    # A confirmation is good for a while, and the row keeps for how long, whatever became of it.
    at = row.expires_at if row.state in LAPSED else row.changed_at
    return Ended(at, confirmed=row.sad_expires_at is not None)


# --- blocks ---


async def block_of(connection: AsyncConnection, pair: Pair) -> Stored[Block] | None:
    """Return the block of a pair, lifted or not, if there ever was one."""
    row = (await connection.execute(BLOCKS.select().where(_of(pair)))).one_or_none()
    return None if row is None else Stored.of(BLOCKS, row)


async def was_blocked(connection: AsyncConnection, pair: Pair) -> bool:
    """Return True when the log tells of a block of a pair."""
    query = sa.select(audit_events.c.id).where(audit_events.c.sealed_row == f"{BLOCKS.kind}:{pair.key}").limit(1)
    return (await connection.execute(query)).one_or_none() is not None


async def has_block(connection: AsyncConnection, pair: Pair) -> bool:
    """Return True when there is, or was, a block of a pair."""
    return (await connection.execute(sa.select(blocks.c.id).where(_of(pair)))).one_or_none() is not None


async def standing_of(connection: AsyncConnection, user_id: UserId) -> list[Stored[Block]]:
    """Return the blocks of a person that stand, oldest first."""
    mine = BLOCKS.select().where(blocks.c.user_id == user_id, blocks.c.lifted_at.is_(None))
    found = await connection.execute(mine.order_by(blocks.c.blocked_at, blocks.c.id))
    return [Stored.of(BLOCKS, row) for row in found]


def row_of(block: Block) -> dict[str, Any]:
    """Return a block as a new row."""
    return {"id": block.pair.key, "user_id": block.pair.user_id, "client_id": block.pair.client_id, **_changing(block)}


def _of(pair: Pair) -> sa.ColumnElement[bool]:
    return blocks.c.id == pair.key


CHANGING = ("name", "blocked_at", "blocked_by", "lifted_at", "lifted_by")


def _changing(block: Block) -> dict[str, Any]:
    return {name: getattr(block, name) for name in CHANGING}


def _block(row: Row) -> Block:
    pair = Pair(UserId(row["user_id"]), ClientId(row["client_id"]))
    return Block(pair, **{name: row[name] for name in CHANGING})


BLOCKS = Register("block", blocks, _block, _changing)
