"""Passkeys: the sealed table."""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.seals import Register, Row, Stored
from dss.kernel.ids import PasskeyId, UserId
from dss.login.tables import passkeys

CHANGING = ("sign_count", "removed_at")


@dataclass(frozen=True, slots=True)
class Passkey:
    """A signer's passkey.

    credential_id: as the authenticator names it, of nobody else. public_key: COSE_Key (RFC 9052 section 7).
    sign_count:    as the authenticator told it last; 0 for ever by those that do not count.
    removed_at:    since when it opens nothing, or None.
    """

    id: PasskeyId
    user_id: UserId
    credential_id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    name: str
    added_at: datetime
    removed_at: datetime | None = None

    def used(self, sign_count: int) -> Self:
        """Return it after a use."""
        return replace(self, sign_count=sign_count)

    def removed(self, now: datetime) -> Self:
        """Return it once it opens nothing."""
        return replace(self, removed_at=now)


def row_of(passkey: Passkey) -> dict[str, Any]:
    """Return the columns of a passkey."""
    return {one.name: getattr(passkey, one.name) for one in fields(Passkey)}


def _read(row: Row) -> Passkey:
    return Passkey(**{one.name: row[one.name] for one in fields(Passkey)})


def _changing(passkey: Passkey) -> dict[str, Any]:
    return {name: getattr(passkey, name) for name in CHANGING}


PASSKEYS = Register("passkey", passkeys, _read, _changing)


async def of_user(connection: AsyncConnection, user_id: UserId) -> list[Stored[Passkey]]:
    """Return a signer's passkeys that were not removed, oldest first."""
    mine = (passkeys.c.user_id == user_id) & passkeys.c.removed_at.is_(None)
    found = await connection.execute(PASSKEYS.select().where(mine).order_by(passkeys.c.id))
    return [Stored.of(PASSKEYS, row) for row in found]
