"""The verb verify: the log against itself, and the rows and the evidence that it tells of against the log."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit import log_pages, log_store
from dss.audit.findings import Finding
from dss.audit.kinds import Kinds
from dss.audit.log_key import log_key
from dss.audit.note import VerifierKey
from dss.audit.policy import Policy
from dss.audit.verifying import LogReading, Seen, Trust
from dss.evidence.fields import EvidenceRefused
from dss.evidence.pieces import part_of, read_pieces
from dss.evidence.record import LABEL, Core
from dss.evidence.service import FIRST, TOLD
from dss.hsm.servicekeys import ServiceKeys
from dss.infra.db import Database
from dss.kernel import b64
from dss.kernel.clock import Clock
from dss.transactions import auditing_store as store
from dss.transactions.auditing_store import Newest

PAGE = 500
MOST = 1000  # findings: an auditor needs no more to know


@dataclass(frozen=True, slots=True)
class Report:
    """What was read, and what was found.

    events: all there are, those without a leaf number among them. rows: sealed ones. evidence: of transactions, and
            of each part of a batch.
    cut:    True where there were more findings, and the reading was ended.
    """

    seen: Seen
    events: int
    rows: int
    evidence: int
    findings: tuple[Finding, ...]
    cut: bool


class Auditing:
    """Verifies the log and all that it tells of; it writes nothing, and raises no alarm."""

    def __init__(self, database: Database, keys: ServiceKeys, clock: Clock, policy: Policy, kinds: Kinds) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._policy = policy
        self._kinds = kinds

    async def log_key(self) -> VerifierKey:
        """Return the log's public key from the HSM. Raises Conflict where the log has another name, HsmUnavailable."""
        async with self._database.read() as connection:
            await log_store.require_name(connection, self._policy.origin)
        return await log_key(self._keys, self._policy.origin)

    async def verify(self, key: VerifierKey | None = None, kept: str | None = None) -> Report:
        """Read everything as it is at one moment, whoever writes meanwhile.

        key:  the log's; None for the one of the HSM.
        kept: a checkpoint that was kept elsewhere, as a note.
        Raises Conflict and HsmUnavailable where the key is asked of the HSM, DatabaseUnavailable.
        """
        policy = self._policy
        key = key or await self.log_key()
        trust = Trust(key, policy.years, self._clock.now(), kept, policy.witnesses)
        async with self._database.snapshot() as connection:
            reading = _Reading(connection, trust, self._kinds)
            found: list[Finding] = []
            async for finding in reading.findings():
                found.append(finding)
                if len(found) == MOST:
                    break
            events = await log_pages.count(connection)
        return Report(reading.log.seen, events, reading.rows, reading.evidence, tuple(found), len(found) == MOST)


class _Reading:
    """One reading of everything. rows, evidence: how many were read so far."""

    def __init__(self, connection: AsyncConnection, trust: Trust, kinds: Kinds) -> None:
        self._connection = connection
        self._registers = [kind.register for kind in kinds.values()]
        self.log = LogReading(connection, trust)
        self.rows = 0
        self.evidence = 0

    async def findings(self) -> AsyncIterator[Finding]:
        """Give all findings."""
        for part in (
            self.log.findings,
            self._rows,
            self._lost_rows,
            self._transactions,
            self._evidence,
            self._untold_evidence,
            self._parts,
            self._untold_parts,
        ):
            async for finding in part():
                yield finding

    async def _rows(self) -> AsyncIterator[Finding]:
        """Hold each sealed row against the newest event of it; whether it fits its seal, `dss audit check` tells."""
        for register in self._registers:
            async for row in store.newest_seals(self._connection, register, PAGE):
                self.rows += 1
                if (why := _fault(row)) is not None:
                    yield Finding("row_rolled_back", f"{register.kind}:{row.key}", why)

    async def _lost_rows(self) -> AsyncIterator[Finding]:
        for register in self._registers:
            for name in await store.rows_gone(self._connection, register, MOST):
                yield Finding("row_missing", name, "the log tells of its seal, and the row is gone")

    async def _transactions(self) -> AsyncIterator[Finding]:
        """Hold each transaction and what it holds to sign against the event of its opening."""
        async for opened in store.opened(self._connection, PAGE):
            if not opened.is_there:
                yield Finding("transaction_missing", opened.subject, "the log tells of it, and it is gone")
            elif (told := opened.details.get("items", str(opened.items))) != str(opened.items):
                why = f"it holds {opened.items} things to sign, and the log tells of {told}"
                yield Finding("items_differ", opened.subject, why)

    async def _evidence(self) -> AsyncIterator[Finding]:
        """Hold the evidence of each transaction against the event of its end."""
        async for ended in store.ends(self._connection, PAGE):
            if TOLD not in ended.details:
                continue
            self.evidence += 1
            if ended.core is None:
                yield Finding("evidence_missing", ended.subject, "the log tells of its evidence, and it is gone")
            elif not _is_told(ended.core, ended.details[TOLD]):
                yield Finding("evidence_differs", ended.subject, "its evidence is not the one that the log tells of")

    async def _untold_evidence(self) -> AsyncIterator[Finding]:
        for id in await store.untold_evidence(self._connection, MOST):
            yield Finding("evidence_untold", f"transaction:{id}", "there is evidence that no event tells of")

    async def _parts(self) -> AsyncIterator[Finding]:
        """Hold the evidence of each part of a batch against the event of that part."""
        async for signed in store.signed_parts(self._connection, PAGE):
            self.evidence += 1
            begin = signed.details.get(FIRST, "")
            kept = await store.part(self._connection, signed.subject, begin)
            if kept is None:
                why = f"the log tells of the evidence of its part that begins with {begin}, and it is gone"
                yield Finding("evidence_missing", signed.subject, why)
            elif not _is_part_told(*kept, signed.details.get(TOLD, "")):
                why = f"the evidence of its part that begins with {begin} is not the one that the log tells of"
                yield Finding("evidence_differs", signed.subject, why)

    async def _untold_parts(self) -> AsyncIterator[Finding]:
        async for subject, firsts in store.kept_parts(self._connection, PAGE):
            told = {details.get(FIRST) for details in await store.told_parts(self._connection, subject)}
            for first in firsts:
                if first not in told:
                    why = f"there is evidence of a part that begins with {first}, and no event tells of it"
                    yield Finding("evidence_untold", subject, why)


def _fault(row: Newest) -> str | None:
    """Return why a row is not as its newest event left it."""
    if row.seal is None:
        never = row.logged_seal is None
        return "the row has no seal" + (": after an upgrade, look at it and run `dss audit adopt`" if never else "")
    if (row.version, row.seal) != (row.logged_version, row.logged_seal):
        return f"the row has version {row.version}, and the newest that the log tells of is {row.logged_version}"
    return None


def _is_told(core: bytes, told: str) -> bool:
    return b64.url_encode(sha256(LABEL + core).digest()) == told


def _is_part_told(core: bytes, signatures: bytes, told: str) -> bool:
    """Return True when an event tells of a core, and the signatures beside it are those whose root it has."""
    if not _is_told(core, told):
        return False
    try:
        return Core.read(core).part == part_of(read_pieces(signatures))
    except EvidenceRefused:
        return False
