"""The verb export: the sealed events of a period as a file, and a note by the log's key beside it.

Source: docs/transparency-log.md section 7.
"""

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit import exported, log_pages
from dss.audit.event import Event, Recorded
from dss.audit.exported import Period, Summary
from dss.audit.log_key import log_key
from dss.audit.note import Note, SignatureLine, VerifierKey
from dss.audit.policy import Policy
from dss.audit.service import Audit
from dss.audit.verifying import LogReading, Trust
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.infra.db import Database
from dss.kernel.clock import Clock, precise_timestamp
from dss.kernel.errors import Tampered

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Exported:
    """An export that was written; note: what stands beside it."""

    summary: Summary
    note: str


# What waits to be sealed or signed is not exported, and says nothing against the rest.
LATE = frozenset({"unsealed", "unsigned"})


class Exporting:
    """Writes parts of the log down for others."""

    def __init__(self, database: Database, keys: ServiceKeys, audit: Audit, clock: Clock, policy: Policy) -> None:
        self._database = database
        self._keys = keys
        self._audit = audit
        self._clock = clock
        self._policy = policy

    async def export(self, period: Period, write: Callable[[bytes], object], actor: str) -> Exported:
        """Write the sealed events of a period, one a line, in the order of their leaf numbers; sign what was written.

        The whole log is verified first, in the same moment of the database. Events that no checkpoint is over yet are
        left out. Raises Tampered for a log that is not as the sealer left it, HsmUnavailable, DatabaseUnavailable.
        """
        key = await log_key(self._keys, self._policy.origin)
        digest, lines = hashlib.sha256(), 0
        async with self._database.snapshot() as connection:
            size = await self._verified(connection, key)
            async for page in _pages(connection, period, size):
                for event in page:
                    text = exported.line(event)
                    write(text)
                    digest.update(text)
                lines += len(page)
        summary = Summary(key.name, period, lines, digest.digest())
        signature = await self._keys.sign_ed25519(KeyName.LOG, summary.text.encode())
        key.require_signed(summary.text.encode(), signature)
        details = {"from": precise_timestamp(period.since), "to": precise_timestamp(period.until), "lines": str(lines)}
        async with self._database.write() as connection:
            await self._audit.record(connection, Event("audit.exported", actor, f"log:{key.name}", details=details))
        return Exported(summary, Note(summary.text, (SignatureLine(key.name, key.id, signature),)).written)

    async def _verified(self, connection: AsyncConnection, key: VerifierKey) -> int:
        """Verify the log; return the size of its newest checkpoint."""
        policy = self._policy
        reading = LogReading(connection, Trust(key, policy.years, self._clock.now(), witnesses=policy.witnesses))
        async for finding in reading.findings():
            if finding.kind in LATE:
                continue
            told = f"{finding.where}: {finding.told}"
            raise Tampered(f"the log is not as it was sealed, run `dss audit verify`: {told}")
        return reading.seen.newest or 0


async def _pages(connection: AsyncConnection, period: Period, size: int) -> AsyncIterator[list[Recorded]]:
    """Give the events of a period that a tree of this size has, in pages of leaves.

    By leaf alone: for a condition on the time too SQLite looks into its index, and sorts all that it finds, each time.
    """
    first, last = await log_pages.bounds(connection, period.since, period.until) or (0, -1)
    end = min(last + 1, size)
    for begin in range(first, end, PAGE):
        events = [found.event for found in await log_pages.of_leaves(connection, begin, min(begin + PAGE, end))]
        yield [event for event in events if event is not None and period.since <= event.at < period.until]
