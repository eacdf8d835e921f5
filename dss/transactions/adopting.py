"""The verb adopt: seals for rows of kinds that had none before an upgrade."""

from typing import Any

from dss.audit.seals import Register, Stored
from dss.clients.registers import CLIENTS
from dss.credentials.registers import CREDENTIALS
from dss.devices.registers import BOX_KEYS, DEVICES, ENROLMENTS
from dss.transactions.parts import Parts
from dss.users.store import USERS

REGISTERS: tuple[Register[Any], ...] = (USERS, CLIENTS, DEVICES, ENROLMENTS, BOX_KEYS, CREDENTIALS)


class Adopting:
    """Adopts rows as they are: an operator decides that they are right."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def adopt_all(self, actor: str) -> dict[str, int]:
        """Seal every row that never had a seal; return how many of each kind. Raises Tampered for one that had."""
        return {register.kind: await self._adopt(register, actor) for register in REGISTERS}

    async def _adopt(self, register: Register[Any], actor: str) -> int:
        p = self._parts
        async with p.database.read() as connection:
            rows = await connection.execute(register.select().where(register.table.c.seal.is_(None)))
            bare = [Stored.of(register, row) for row in rows]
        for stored in bare:
            await p.seals.adopt(p.database, stored, actor, await self._unknown_then(stored))
        return len(bare)

    async def _unknown_then(self, stored: Stored[Any]) -> dict[str, Any]:
        """Return the columns that a row of those versions lacks: all its owner's phones held a key's share."""
        if stored.register is not CREDENTIALS:
            return {}
        phones = await self._parts.devices.of_user(stored.row["user_id"])
        return {"holders": [phone.id for phone in phones], "relock": False}
