"""Queries over links: the one scan that opens a transaction, how often phones scan, and the browsers that are known."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.infra.inserting import insert
from dss.kernel.ids import ClientId, DeviceId, TransactionId, UserId
from dss.transactions.machine import State
from dss.transactions.model import Reach, Transaction
from dss.transactions.tables import link_scans, linked_browsers, transactions

SCANS, WITHIN = 10, timedelta(minutes=1)


async def count_scan(connection: AsyncConnection, device_id: DeviceId, now: datetime) -> bool:
    """Note that a phone scans. Return False, and note nothing, if it did so SCANS times within the time before."""
    s = link_scans
    for place in range(SCANS):
        taken = insert(connection, s).values(device_id=device_id, place=place, scanned_at=now)
        freed = s.c.scanned_at <= now - WITHIN
        step = taken.on_conflict_do_update(index_elements=s.primary_key, set_={"scanned_at": now}, where=freed)
        if (await connection.execute(step)).rowcount == 1:
            return True
    return False


async def link(connection: AsyncConnection, id: TransactionId, by: DeviceId, time: int, now: datetime) -> bool:
    """Let the phones of its person know of a transaction, by the first scan. Return False if it was another's."""
    t = transactions
    waits = (t.c.id == id) & (t.c.state == State.AWAITING) & (t.c.expires_at > now)
    step = sa.update(t).where(waits, t.c.linked_by.is_(None))
    opened = step.values(reach=Reach.PHONES, linked_by=by, linked_time=time)
    return (await connection.execute(opened)).rowcount == 1


async def remember_browser(connection: AsyncConnection, confirmed: Transaction, now: datetime) -> None:
    """Note the browser that waits for a transaction which a scan opened and its person confirms; else nothing."""
    if confirmed.linked_by is None or not confirmed.browser_sha256:
        return
    row = {
        "user_id": confirmed.user_id,
        "client_id": confirmed.client_id,
        "browser_sha256": confirmed.browser_sha256,
        "linked_at": now,
    }
    await connection.execute(insert(connection, linked_browsers).values(row).on_conflict_do_nothing())


async def knows_browser(connection: AsyncConnection, user_id: UserId, client_id: ClientId, browser: bytes) -> bool:
    """Return True when a browser has waited for what a person confirmed after a scan."""
    b = linked_browsers
    mine = (b.c.user_id == user_id) & (b.c.client_id == client_id) & (b.c.browser_sha256 == browser)
    return (await connection.execute(sa.select(b.c.linked_at).where(mine))).one_or_none() is not None
