"""What the log and the evidence cost: rounds of the sealer, proofs from a log of a million leaves, verification."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import sqlalchemy as sa

from dss.audit.event import SALT_BYTES
from dss.audit.merkle import HASH_BYTES, require_consistent, require_included
from dss.audit.tables import audit_events
from dss.evidence.verifying import Trust, verify
from dss.kernel.ids import Ids
from tests.bench.flows import HASH, HASH_RSA, PDF, signed_hash, signed_pdf
from tests.bench.meter import Spent, Steps
from tests.bench.million import Planted, plant
from tests.bench.stage import Stage
from tests.world.stranger import sealed_evidence, trust
from tests.world.world import Signer

MANY = 1000
IDLE, ONE_FLOW = "a round with nothing to seal", "a round with the events of one flow"
FULL = f"a round with {MANY:,} events"
SEALING = (IDLE, ONE_FLOW, FULL)
INCLUSION, CONSISTENCY = "inclusion proof, over HTTP", "consistency proof, over HTTP"
INCLUDED, CONSISTENT = "inclusion proof, verified", "consistency proof, verified"
EVIDENCE, REPORT = "evidence of one hash, over HTTP", "its report for people, over HTTP"
VERIFIED = {kind: f"evidence of {kind}, verified" for kind in (HASH, HASH_RSA, PDF)}
PROOFS = (INCLUSION, CONSISTENCY, INCLUDED, CONSISTENT, EVIDENCE, *VERIFIED.values(), REPORT)
SALT = "a salt"
EACH = 5

Work = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class LogTurn:
    """The turn of the log in each round; signer: whose flow is sealed alone. records: evidence files, by kind."""

    stage: Stage
    planted: Planted
    signer: Signer
    trust: Trust
    records: dict[str, bytes]

    @classmethod
    async def ready(cls, stage: Stage, leaves: int) -> "LogTurn":
        """Begin the log with so many leaves, and have evidence of each kind made. The log must have none yet."""
        services = stage.world.services
        planted = await plant(services, leaves)
        signer = await stage.world.signer(stage.shop, "logged")
        with_rsa = await stage.world.signer(stage.shop, "logged-rsa", "RSA-2048")
        made = {
            HASH: await signed_hash(stage, signer),
            HASH_RSA: await signed_hash(stage, with_rsa),
            PDF: await signed_pdf(stage, signer),
        }
        records = {kind: (await sealed_evidence(services, id)).encoded() for kind, id in made.items()}
        stage.meter.taken()
        return cls(stage, planted, signer, await trust(services), records)

    async def measure(self) -> Steps:
        """Do all of it; what other turns have left to seal is sealed before."""
        await self.stage.world.services.sealer.round()
        steps = {IDLE: await self._spent(self._round)}
        evidence = f"/v1/signatures/{await signed_hash(self.stage, self.signer)}/evidence"
        steps[ONE_FLOW] = await self._spent(self._round)
        await self._copy_events(int(steps[ONE_FLOW].size))
        steps[FULL] = await self._spent(self._round)
        steps[REPORT] = await self._spent(lambda: self._get(f"{evidence}/report"))
        work: dict[str, Work] = {
            INCLUSION: self._prove_inclusion,
            CONSISTENCY: self._prove_consistency,
            INCLUDED: self._check_inclusion,
            CONSISTENT: self._check_consistency,
            EVIDENCE: lambda: self._get(evidence),
            **{name: self._verifying(self.records[kind]) for kind, name in VERIFIED.items()},
            SALT: self._draw,
        }
        return steps | {name: await self._spent(one, EACH) for name, one in work.items()}

    async def _spent(self, work: Work, times: int = 1) -> Spent:
        """Return what the work takes once, and the size that it tells."""
        meter = self.stage.meter
        meter.taken()
        with meter.step("log"):
            sizes = [await work() for _ in range(times)]
        return replace(meter.taken()["log"].each(times), size=sum(sizes) / times)

    async def _round(self) -> int:
        with self.stage.meter.counting():
            return await self.stage.world.services.sealer.round()

    async def _copy_events(self, events: int) -> None:
        """Add MANY events like the newest, on subjects of their own: without the flows, which would take long."""
        services, ids = self.stage.world.services, Ids(self.stage.world.clock)
        e = audit_events
        async with services.database.write() as connection:
            newest = sa.select(e).order_by(e.c.leaf.desc().nulls_last()).limit(events)
            models = [dict(row) for row in (await connection.execute(newest)).mappings()]
            await connection.execute(sa.insert(e), [_copy(models[n % events], ids.new()) for n in range(MANY)])

    async def _prove_inclusion(self) -> int:
        return await self._get("/log/inclusion", leaf=secrets.randbelow(self.planted.size), size=self.planted.size)

    async def _prove_consistency(self) -> int:
        return await self._get("/log/consistency", first=self._any_size(), second=self.planted.size)

    async def _check_inclusion(self) -> int:
        planted, leaf = self.planted, secrets.randbelow(self.planted.size)
        entry, head = planted.entry(leaf), planted.head(planted.size)
        path = await self.stage.world.services.log.inclusion(leaf, planted.size)
        with self.stage.meter.counting():
            require_included(leaf, entry, path, head)
        return HASH_BYTES * len(path)

    async def _check_consistency(self) -> int:
        first, second = (self.planted.head(size) for size in (self._any_size(), self.planted.size))
        path = await self.stage.world.services.log.consistency(first.size, second.size)
        with self.stage.meter.counting():
            require_consistent(first, second, path)
        return HASH_BYTES * len(path)

    def _verifying(self, record: bytes) -> Work:
        async def verified() -> int:
            with self.stage.meter.counting():
                verify(record, self.trust)
            return len(record)

        return verified

    async def _draw(self) -> int:
        with self.stage.meter.counting():
            return len(secrets.token_bytes(SALT_BYTES))

    async def _get(self, path: str, **asked: int) -> int:
        answer = await self.stage.shop.http.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        return len(answer.content)

    def _any_size(self) -> int:
        return 1 + secrets.randbelow(self.planted.size - 1)


def _copy(event: dict[str, object], id: str) -> dict[str, object]:
    """Return an event that waits for its leaf; a sealed row has one of each version, so it tells of another row."""
    row = None if event["sealed_row"] is None else f"bench:{id}"
    return {**event, "id": id, "subject": f"bench:{id}", "sealed_row": row, "leaf": None}
