"""Queries over proposals."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.seals import Register, Row, Stored
from dss.kernel.ids import ProposalId
from dss.operators.model import Proposal
from dss.operators.tables import proposals

FIXED = ("action", "subject")
CHANGING = ("proposed_by", "proposed_at", "expires_at", "approved_by")


async def find(connection: AsyncConnection, action: str, subject: str) -> Stored[Proposal] | None:
    """Return what was proposed last of an action on a subject, if anything was."""
    p = proposals
    found = await connection.execute(PROPOSALS.select().where(p.c.action == action, p.c.subject == subject))
    row = found.one_or_none()
    return None if row is None else Stored.of(PROPOSALS, row)


async def find_open(connection: AsyncConnection, now: datetime) -> list[Stored[Proposal]]:
    """Return the open proposals, oldest first."""
    p = proposals
    query = PROPOSALS.select().where(p.c.approved_by.is_(None), p.c.expires_at > now)
    return [Stored.of(PROPOSALS, row) for row in await connection.execute(query.order_by(p.c.proposed_at, p.c.id))]


def columns(proposal: Proposal) -> dict[str, Any]:
    """Return a proposal as a new row."""
    return {name: getattr(proposal, name) for name in ("id", *FIXED, *CHANGING)}


def _read(row: Row) -> Proposal:
    told = {name: row[name] for name in (*FIXED, *CHANGING)}
    return Proposal(id=ProposalId(row["id"]), **told)


def _changing(proposal: Proposal) -> dict[str, Any]:
    return {name: getattr(proposal, name) for name in CHANGING}


PROPOSALS = Register("proposal", proposals, _read, _changing)
