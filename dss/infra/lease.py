"""Leases: of many processes, the one that holds the row does the work. A wish for less work, never a guard.

Whoever loses a lease may not know it at once, so what is done under one must be right without it.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.infra.inserting import insert
from dss.infra.schema import UtcTime, metadata

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("holder", sa.String(26), nullable=False),
    sa.Column("until", UtcTime, nullable=False),
)


async def take(connection: AsyncConnection, name: str, holder: str, now: datetime, until: datetime) -> bool:
    """Take a lease, or keep it for longer, until a time. Return False while another holds it."""
    mine = insert(connection, leases).values(name=name, holder=holder, until=until)
    free = (leases.c.until <= now) | (leases.c.holder == holder)
    step = mine.on_conflict_do_update(
        index_elements=[leases.c.name], set_={"holder": holder, "until": until}, where=free
    )
    return (await connection.execute(step)).rowcount == 1
