"""Queries over transactions. In each step the WHERE on the old state is the lock: exactly one caller wins it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.devices.model import Device
from dss.devices.request import Kind
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import BoxKeyId, ClientId, CredentialId, DeviceId, TransactionId, UserId
from dss.transactions.machine import ENDED, LIVE, Late, State, Work, before
from dss.transactions.model import Idempotency, Reach, Transaction
from dss.transactions.tables import entries, transactions

KEPT = [name for name in Transaction.__dataclass_fields__ if name != "kind"]
FORGOTTEN = {"box": None, "share": None, "work": None, "lease_until": None}


async def add(connection: AsyncConnection, transaction: Transaction) -> None:
    """Add an opened transaction. Raises sqlalchemy's IntegrityError when its idempotency key was used."""
    row = {name: getattr(transaction, name) for name in KEPT}
    await connection.execute(sa.insert(transactions).values(**row, kind=transaction.kind))


async def get(connection: AsyncConnection, id: TransactionId, *, locked: bool = False) -> Transaction:
    """Return a transaction; `locked` keeps others from changing its row until the caller's commit. Raises NotFound."""
    query = sa.select(transactions).where(transactions.c.id == id)
    row = (await connection.execute(query.with_for_update() if locked else query)).one_or_none()
    if row is None:
        raise NotFound
    return of_row(row)


async def among(connection: AsyncConnection, ids: Collection[TransactionId]) -> list[Transaction]:
    """Return those of some transactions that there are."""
    query = sa.select(transactions).where(transactions.c.id.in_(ids))
    return [of_row(row) for row in await connection.execute(query)]


async def by_idempotency(connection: AsyncConnection, client_id: ClientId, used: Idempotency) -> Transaction | None:
    """Return the transaction that an idempotency key made, if any."""
    t = transactions
    query = sa.select(t).where(t.c.client_id == client_id, t.c.idempotency_key == used.key)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else of_row(row)


async def page_of_client(
    connection: AsyncConnection, client_id: ClientId, after: TransactionId | None, limit: int
) -> list[Transaction]:
    """Return a relying application's signing transactions, newest first, older than one of them."""
    t = transactions
    query = sa.select(t).where(t.c.client_id == client_id, t.c.kind == Kind.SIGN).order_by(t.c.id.desc()).limit(limit)
    if after is not None:
        query = query.where(t.c.id < after)
    return [of_row(row) for row in await connection.execute(query)]


async def ended_of(
    connection: AsyncConnection, user_id: UserId, after: TransactionId | None, now: datetime, limit: int
) -> list[Transaction]:
    """Return a person's transactions that have ended, if only by their time, newest first, older than one of them."""
    t = transactions
    over = t.c.state.in_(ENDED) | (t.c.state == State.AWAITING) & (t.c.expires_at <= now)
    query = sa.select(t).where(t.c.user_id == user_id, over).order_by(t.c.id.desc()).limit(limit)
    if after is not None:
        query = query.where(t.c.id < after)
    return [of_row(row) for row in await connection.execute(query)]


async def live(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> list[Transaction]:
    """Return the transactions that have not ended and of which a condition is true."""
    query = sa.select(transactions).where(which, transactions.c.state.in_(LIVE))
    return [of_row(row) for row in await connection.execute(query)]


async def awaiting_of(
    connection: AsyncConnection, device: Device, known: Collection[TransactionId], now: datetime, limit: int
) -> list[Transaction]:
    """Return what awaits a person's answer on a phone now and is not among the known, oldest first."""
    t = transactions
    query = sa.select(t).where(_awaits(device, now), t.c.id.not_in(known)).order_by(t.c.id).limit(limit)
    return [of_row(row) for row in await connection.execute(query)]


async def still_awaiting(
    connection: AsyncConnection, device: Device, known: Collection[TransactionId], now: datetime
) -> frozenset[TransactionId]:
    """Return those of the known that await a person's answer on a phone now."""
    query = sa.select(transactions.c.id).where(_awaits(device, now), transactions.c.id.in_(known))
    return frozenset(TransactionId(id) for id in (await connection.execute(query)).scalars())


async def count_awaiting(connection: AsyncConnection, user_id: UserId, reach: Reach, now: datetime) -> int:
    """Return how many transactions that reach a person so await their answer now."""
    t = transactions
    mine = (t.c.user_id == user_id) & (t.c.reach == reach) & (t.c.state == State.AWAITING) & (t.c.expires_at > now)
    return (await connection.execute(sa.select(sa.func.count()).where(mine))).scalar_one()


async def count_own(connection: AsyncConnection, phone_id: DeviceId, now: datetime) -> int:
    """Return how many transactions await the answer of one phone alone now."""
    t = transactions
    own = (t.c.for_device_id == phone_id) & (t.c.state == State.AWAITING) & (t.c.expires_at > now)
    return (await connection.execute(sa.select(sa.func.count()).where(own))).scalar_one()


async def of_credential(connection: AsyncConnection, id: CredentialId) -> Transaction:
    """Return the transaction that made a credential. Raises NotFound."""
    t = transactions
    query = sa.select(t).where(t.c.credential_id == id, t.c.kind == Kind.CREATE)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound
    return of_row(row)


async def answered(connection: AsyncConnection, transaction: Transaction, to: State, values: dict[str, Any]) -> None:
    """Take the step that an answer makes; `changed_at` is the judge of time. Raises Conflict if it is too late."""
    t = transactions
    mine = sa.update(t).where(t.c.id == transaction.id, t.c.state == State.AWAITING)
    step = mine.where(t.c.expires_at > values["changed_at"]).values(state=to, **values)
    if (await connection.execute(step)).rowcount != 1:
        raise Conflict("the transaction no longer awaits an answer")


async def cancel(connection: AsyncConnection, id: TransactionId, now: datetime, why: str = "") -> None:
    """Cancel a transaction in any state that allows it, and forget its box. Raises Conflict."""
    t = transactions
    step = sa.update(t).where(t.c.id == id, t.c.state.in_(before(State.CANCELLED)))
    ended = step.values(state=State.CANCELLED, changed_at=now, why=why, **FORGOTTEN)
    if (await connection.execute(ended)).rowcount != 1:
        raise Conflict("the transaction can no longer be cancelled")


async def end_pending(
    connection: AsyncConnection, concerned: sa.ColumnElement[bool], to: State, now: datetime, *, why: str
) -> list[Transaction]:
    """End what is on its way and concerns something that may no longer sign; return what ended.

    to: CANCELLED for what is not being signed yet, FAILED for what is: its late result finds the row ended.
    """
    t = transactions
    pending = concerned & t.c.state.in_(before(to))
    # In one order, whoever ends them: two that end the same ones do not wait for each other.
    await connection.execute(sa.select(t.c.id).where(pending).order_by(t.c.id).with_for_update())
    step = sa.update(t).where(pending)
    ended = step.values(state=to, changed_at=now, why=why, **FORGOTTEN).returning(t)
    return [of_row(row) for row in await connection.execute(ended)]


async def overdue(connection: AsyncConnection, now: datetime, limit: int) -> list[TransactionId]:
    """Return transactions whose time to answer, or to use the answer, has passed."""
    t = transactions
    query = sa.select(t.c.id).where(_due(now)).order_by(t.c.id).limit(limit)
    return [TransactionId(id) for id in (await connection.execute(query)).scalars()]


async def expire(connection: AsyncConnection, id: TransactionId, now: datetime) -> UserId | None:
    """Expire one overdue transaction; the WHERE repeats that it is. Return whose it is; None if it moved meanwhile."""
    t = transactions
    step = sa.update(t).where(t.c.id == id, _due(now)).values(state=State.EXPIRED, changed_at=now, **FORGOTTEN)
    whose = (await connection.execute(step.returning(t.c.user_id))).scalar_one_or_none()
    return None if whose is None else UserId(whose)


async def claim(connection: AsyncConnection, work: Work, now: datetime, until: datetime) -> Transaction | None:
    """Take a transaction that waits for a kind of work and is in no live node's hands.

    What nobody tried comes first, then what was put off, the longest ago first: one that fails again and again keeps
    no other waiting. The next lease number makes any earlier attempt late.
    """
    t = transactions
    idle = sa.or_(t.c.lease_until.is_(None), t.c.lease_until <= now)
    usable = sa.or_(t.c.state == State.SIGNING, (t.c.state == State.CONFIRMED) & (t.c.sad_expires_at > now))
    # What no kind is known of would be chosen for ever, and keep all others waiting.
    free = (t.c.work == work) & t.c.kind.in_(list(Kind)) & usable & idle
    candidate = sa.select(t.c.id).where(free).order_by(t.c.lease_until.nulls_first(), t.c.id)
    chosen = (await connection.execute(candidate.limit(1).with_for_update(skip_locked=True))).scalar_one_or_none()
    if chosen is None:
        return None
    taken = {"state": State.SIGNING, "lease": t.c.lease + 1, "lease_until": until, "changed_at": now}
    row = (
        await connection.execute(sa.update(t).where(t.c.id == chosen, free).values(taken).returning(t))
    ).one_or_none()
    return None if row is None else of_row(row)


async def hand_on(connection: AsyncConnection, held: Transaction, work: Work, until: datetime) -> bool:
    """Give a lease back: whoever does the named work may take it from the given time on.

    Return False if it was no longer held.
    """
    t = transactions
    mine = sa.update(t).where(t.c.id == held.id, t.c.lease == held.lease, t.c.state == State.SIGNING)
    return (await connection.execute(mine.values(work=work, lease_until=until))).rowcount == 1


async def extend(connection: AsyncConnection, held: Transaction, work: Work, now: datetime, until: datetime) -> None:
    """Keep a lease for longer, unless it was given back or has lapsed."""
    t = transactions
    mine = sa.update(t).where(t.c.id == held.id, t.c.lease == held.lease, t.c.state == State.SIGNING)
    await connection.execute(mine.where(t.c.work == work, t.c.lease_until > now).values(lease_until=until))


async def require_session(connection: AsyncConnection, held: Transaction) -> None:
    """Keep the session that a transaction is in, if it is in one, from being ended until the caller's commit.

    Comes before every other lock of a release, as who ends a session locks it first. Raises Late when it was ended.
    """
    if held.session_id is None:
        return
    t = transactions
    goes_on = sa.select(t.c.id).where(t.c.id == held.session_id, t.c.state == State.CONFIRMED)
    if (await connection.execute(goes_on.with_for_update())).one_or_none() is None:
        raise Late("the session was ended")


async def require_held(connection: AsyncConnection, held: Transaction) -> None:
    """Keep a transaction in this attempt's hands until the caller's commit. Raises Late when it is no longer."""
    t = transactions
    mine = sa.select(t.c.id).where(t.c.id == held.id, t.c.lease == held.lease, t.c.state == State.SIGNING)
    if (await connection.execute(mine.with_for_update())).one_or_none() is None:
        raise Late("another attempt took over")


async def finish(connection: AsyncConnection, held: Transaction, to: State, now: datetime, *, why: str = "") -> None:
    """End a transaction that an attempt worked on; a later attempt's lease number refuses it. Raises Late."""
    t = transactions
    mine = sa.update(t).where(t.c.id == held.id, t.c.lease == held.lease, t.c.state == State.SIGNING)
    if (await connection.execute(mine.values(state=to, changed_at=now, why=why, **FORGOTTEN))).rowcount != 1:
        raise Late("another attempt took over")


async def live_box_keys(connection: AsyncConnection) -> frozenset[BoxKeyId]:
    """Return the box keys that transactions which have not ended may still need."""
    query = sa.select(transactions.c.box_key_id).where(transactions.c.state.in_(LIVE)).distinct()
    return frozenset(BoxKeyId(id) for id in (await connection.execute(query)).scalars())


async def uncollected(connection: AsyncConnection, before_: datetime, limit: int) -> list[TransactionId]:
    """Return transactions that ended before a time and still hold results or prepared files."""
    t, e = transactions, entries
    holds = sa.exists().where(e.c.transaction_id == t.c.id, sa.or_(e.c.signature.is_not(None), e.c.place.is_not(None)))
    query = sa.select(t.c.id).where(t.c.state.in_(ENDED), t.c.changed_at < before_, holds).order_by(t.c.id).limit(limit)
    return [TransactionId(id) for id in (await connection.execute(query)).scalars()]


def _awaits(device: Device, now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition that a transaction awaits an answer on a phone that is told of it."""
    t = transactions
    awaiting = (t.c.user_id == device.user_id) & (t.c.state == State.AWAITING) & (t.c.expires_at > now)
    return awaiting & (t.c.reach == Reach.PHONES) & sa.or_(t.c.for_device_id.is_(None), t.c.for_device_id == device.id)


def _due(now: datetime) -> sa.ColumnElement[bool]:
    t = transactions
    unanswered = (t.c.state == State.AWAITING) & (t.c.expires_at <= now)
    unused = (t.c.state == State.CONFIRMED) & (t.c.sad_expires_at <= now)
    # A session whose time is over keeps its box for what took its places in time, and waits for an HSM, say.
    within = transactions.alias()
    in_work = sa.select(within.c.id).where(within.c.session_id == t.c.id, within.c.state.in_(LIVE))
    return unanswered | unused & ~in_work.exists()


def of_row(row: Any) -> Transaction:
    """Make the value of a row."""
    texts = {name: getattr(row, name) for name in KEPT}
    reach = Reach.PHONES if row.reach == Reach.PHONES else Reach.LINK  # of an altered row: no phone is told of it
    texts |= {"state": State(row.state), "kind": Kind(row.kind), "reach": reach}
    # Rows of versions that had no such columns.
    texts |= {name: getattr(row, name) or b"" for name in ("number_salt", "browser_sha256")}
    return Transaction(**texts)
