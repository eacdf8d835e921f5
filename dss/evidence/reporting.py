"""The verb report: evidence for people. What does not prove anything to a stranger is not printed either.

Source: docs/evidence.md section 5.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from dss.audit.service import Audit
from dss.evidence.fields import EvidenceRefused
from dss.evidence.record import Record
from dss.evidence.sealing import Reports
from dss.evidence.service import ALTERED
from dss.evidence.verifying import Trust, verify
from dss.kernel.errors import Tampered, Unavailable

MOST_AT_ONCE, PATIENCE_S, RETRY_S = 2, 1.0, 2
Trusted = Callable[[], Awaitable[Trust]]


class Reporting:
    """Verifies records and has them printed and sealed; trusted: gives this installation's root and log key."""

    def __init__(self, reports: Reports, audit: Audit, trusted: Trusted) -> None:
        self._reports = reports
        self._audit = audit
        self._trusted = trusted
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    async def report(self, record: Record, language: str) -> bytes:
        """Return the sealed report of a record, PDF; language: one of LOCALES.

        Raises Invalid for another language, Tampered, with an alarm, where the record does not verify, HsmUnavailable,
        Unavailable while the seal has no certificate, or where others take all the places.
        """
        async with self._place():
            return await self._made(record, language)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Wait for a place: a report takes seconds of processor time, and answers to phones must not wait for it."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._places.acquire()
        except TimeoutError as fault:
            raise Unavailable("other reports are being made", retry_after=RETRY_S) from fault
        try:
            yield
        finally:
            self._places.release()

    async def _made(self, record: Record, language: str) -> bytes:
        file, trust = record.encoded(), await self._trusted()
        try:
            proven = await asyncio.to_thread(verify, file, trust)
        except EvidenceRefused as fault:
            await self._audit.alarm(str(record.log.event["subject"]), fault.detail, ALTERED)
            raise Tampered("the evidence does not verify; no report is made of it", audited=True) from fault
        return await self._reports.report(file, proven, language)
