"""Authenticator apps: the sealed table, one row for a signer."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.seals import Register, Row, Stored
from dss.kernel.ids import UserId
from dss.login.tables import authenticators

CHANGING = ("sealed_secret", "confirmed", "last_step", "added_at")


@dataclass(frozen=True, slots=True)
class Authenticator:
    """A signer's authenticator app.

    sealed_secret: that codes are made of, for this signer alone; empty once it was removed.
    confirmed:     whether a code of it came, from when on it counts. added_at: when it was begun, then when it came.
    last_step:     the newest step of 30 s whose code was taken: older ones and the same are worth nothing.
    """

    user_id: UserId
    sealed_secret: bytes = field(repr=False)
    confirmed: bool
    last_step: int
    added_at: datetime

    def taken(self, step: int) -> Self:
        """Return it after a code was taken."""
        return replace(self, last_step=step)

    def added(self, step: int, now: datetime) -> Self:
        """Return it after its first code, by which it counts."""
        return replace(self, confirmed=True, last_step=step, added_at=now)

    def removed(self) -> Self:
        """Return it without its secret."""
        return replace(self, sealed_secret=b"", confirmed=False)


def row_of(authenticator: Authenticator) -> dict[str, Any]:
    """Return the columns of an authenticator app."""
    return {"user_id": authenticator.user_id, **_changing(authenticator)}


def _changing(authenticator: Authenticator) -> dict[str, Any]:
    return {name: getattr(authenticator, name) for name in CHANGING}


def _read(row: Row) -> Authenticator:
    return Authenticator(user_id=UserId(row["user_id"]), **{name: row[name] for name in CHANGING})


AUTHENTICATORS = Register("authenticator", authenticators, _read, _changing, key="user_id")


async def of_user(connection: AsyncConnection, user_id: UserId) -> Stored[Authenticator] | None:
    """Return what is kept of a signer's authenticator app, if they ever had one."""
    mine = AUTHENTICATORS.select().where(authenticators.c.user_id == user_id)
    row = (await connection.execute(mine)).one_or_none()
    return None if row is None else Stored.of(AUTHENTICATORS, row)
