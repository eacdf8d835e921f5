"""What a run found: the rows of the report, with every cost as a multiple of the plain endpoint and of the bare HSM."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from statistics import median

from dss.kernel.keyspec import KeySpec
from tests.bench.baselines import PLAIN, SIGNATURE
from tests.bench.batches import LARGE, SMALL, SPECS, Lot
from tests.bench.figures import Figure, added
from tests.bench.flows import HASH, HASH_RSA, PDF, STEPS
from tests.bench.logs import FULL, ONE_FLOW, PROOFS, SALT, SEALING
from tests.bench.meter import Spent, Steps
from tests.bench.protections import EVIDENCE, PROTECTIONS
from tests.bench.rounds import AUTHORIZATION, BASELINES, INSIDE, LOG, PARTS, Samples
from tests.bench.share import Costs, Share
from tests.bench.tokens import TOKENS

WHOLE = "complete flow"


@dataclass(frozen=True, slots=True)
class Multiples:
    """A cost as a multiple of a request to the plain endpoint, and of one signature (P-256) by the bare HSM."""

    of_plain: float
    of_hsm: float


@dataclass(frozen=True, slots=True)
class Row:
    """What one thing takes: CPU and time in milliseconds on this machine; the multiples count the child's CPU too.

    size: what it gave: bytes, or events sealed; 0 where that is not told.
    """

    name: str
    cpu_ms: Figure
    child_cpu_ms: float
    wall_ms: float
    hsm_calls: float
    statements: float
    writes: float
    size: float
    multiples: Multiples


@dataclass(frozen=True, slots=True)
class Price:
    """What a protection adds to a flow, in milliseconds of CPU.

    steps:      in which its functions are called.
    without_ms: the flow without it.
    adds_ms:    the difference, with the bounds in which it surely lies; part: of the whole flow.
    inside_ms:  what its functions take where it is on, with what they would have to do without it too.
    found:      the difference is more than noise.
    """

    name: str
    steps: list[str]
    without_ms: float
    adds_ms: Figure
    inside_ms: Figure
    part: float
    found: bool
    multiples: Multiples


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast batches are signed, in signatures a second by the clock: medians of so many batches.

    wrapped: the bare HSM at the same moments, a key unwrapped for each; in_lots: for many. share, share_of_lots: the
    batch's rate as a part of either, by the clock; share_of_cpu: of the wrapped rate, by CPU time.
    cpu_ms, hsm_calls, statements, writes: of one signature of the batch.
    """

    name: str
    batches: int
    wrapped: float
    in_lots: float
    signed: float
    share: float
    share_of_cpu: float
    share_of_lots: float
    cpu_ms: float
    hsm_calls: float
    statements: float
    writes: float

    @classmethod
    def of(cls, name: str, lots: Sequence[Lot]) -> "Rate":
        """Take the middle of some batches."""

        def middle(figure: Callable[[Lot], float]) -> float:
            return median(figure(lot) for lot in lots)

        return cls(
            name=name,
            batches=len(lots),
            wrapped=middle(lambda lot: 1 / lot.bare.wall),
            in_lots=middle(lambda lot: 1 / lot.in_lots.wall),
            signed=middle(lambda lot: 1 / lot.signed.wall),
            share=middle(lambda lot: lot.share),
            share_of_cpu=middle(lambda lot: lot.share_of_cpu),
            share_of_lots=middle(lambda lot: lot.share_of_lots),
            cpu_ms=middle(lambda lot: 1000 * lot.signed.cpu),
            hsm_calls=middle(lambda lot: lot.signed.hsm),
            statements=middle(lambda lot: lot.signed.sql),
            writes=middle(lambda lot: lot.signed.writes),
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """All that a run on one database found.

    sealing: rounds of the sealer. proofs: what the log and its evidence give out, and its verification.
    share:   the tree's share of a flow. rates: batches. tokens: given, looked at, and called with.
    """

    database: str
    rounds: int
    baselines: list[Row]
    flows: dict[str, list[Row]]
    prices: list[Price]
    sealing: list[Row]
    proofs: list[Row]
    share: Share
    rates: list[Rate]
    tokens: list[Row]


class Summing:
    """Makes the summary of a run."""

    def __init__(self, samples: Samples, lots: Sequence[Lot]) -> None:
        self._samples = samples
        self._lots = lots
        baselines = samples[BASELINES]
        self._plain, self._hsm = (_median(baselines, name) for name in (PLAIN, SIGNATURE))
        self._whole = Figure.of([1000 * _whole(steps).cpu for steps in samples[HASH]])

    def summary(self, database: str) -> Summary:
        """Return the rows."""
        samples = self._samples
        baselines = samples[BASELINES]
        return Summary(
            database=database,
            rounds=len(baselines),
            baselines=[self._row(name, [steps[name] for steps in baselines]) for name in baselines[0]],
            flows={name: self._flow(name) for name in (HASH, HASH_RSA, PDF)},
            prices=[self._price(protection.name) for protection in PROTECTIONS],
            sealing=[self._of_log(name) for name in SEALING],
            proofs=[self._of_log(name) for name in PROOFS],
            share=Share.of(self._costs()),
            rates=[self._rate(spec, count) for count in (SMALL, LARGE) for spec in SPECS],
            tokens=[self._row(name, [steps[name] for steps in samples[AUTHORIZATION]]) for name in TOKENS],
        )

    def _rate(self, spec: KeySpec, count: int) -> Rate:
        return Rate.of(
            f"{count:,} hashes, {spec}", [lot for lot in self._lots if (lot.spec, lot.count) == (spec, count)]
        )

    def _of_log(self, name: str) -> Row:
        return self._row(name, [steps[name] for steps in self._samples[LOG]])

    def _costs(self) -> Costs:
        one, full = self._of_log(ONE_FLOW), self._of_log(FULL)
        return Costs(
            flow=self._whole.median,
            salt=self._of_log(SALT).cpu_ms.median,
            evidence=self._price(EVIDENCE).inside_ms.median,
            events=one.size,
            one=one.cpu_ms.median,
            full=full.cpu_ms.median,
            many=full.size,
        )

    def _flow(self, name: str) -> list[Row]:
        flows = self._samples[name]
        rows = {step: self._row(step, [steps[step] for steps in flows]) for step in STEPS}
        if name == HASH:
            timed = self._samples[INSIDE]
            parts = [one for one in timed[0] if one.partition(": ")[2] in PARTS]
            rows |= {one: self._row(one, [steps[one] for steps in timed]) for one in parts}
        in_order = sorted(rows, key=lambda step: STEPS.index(step.partition(":")[0]))
        return [*(rows[step] for step in in_order), self._row(WHOLE, [_whole(steps) for steps in flows])]

    def _row(self, name: str, spent: Sequence[Spent]) -> Row:
        cpu = Figure.of([1000 * one.cpu for one in spent])
        others = ("child", "wall", "hsm", "sql", "writes", "size")
        child, wall, *counts = (Figure.of([getattr(one, what) for one in spent]).median for what in others)
        multiples = self._multiples(cpu.median + 1000 * child)
        return Row(name, cpu, 1000 * child, 1000 * wall, *counts, multiples)

    def _price(self, name: str) -> Price:
        """Compare only the steps in which the protection's functions are called: the others would add their noise."""
        timed = self._samples[INSIDE]
        touched = [step for step in STEPS if f"{step}: {name}" in timed[0]]
        inside = [1000 * sum(steps[f"{step}: {name}"].cpu for step in touched) for steps in timed]
        with_it, without = (
            [1000 * sum(steps[step].cpu for step in touched) for steps in self._samples[one]] for one in (HASH, name)
        )
        adds = added(with_it, without)
        whole = self._whole.median
        return Price(
            name=name,
            steps=touched,
            without_ms=whole - adds.median,
            adds_ms=adds,
            inside_ms=Figure.of(inside),
            part=adds.median / whole,
            found=adds.low > 0 or adds.high < 0,
            multiples=self._multiples(adds.median),
        )

    def _multiples(self, cpu_ms: float) -> Multiples:
        return Multiples(cpu_ms / self._plain, cpu_ms / self._hsm)


def _whole(steps: Steps) -> Spent:
    """Add up a flow; the parts of its steps are in them already."""
    return reduce(add, (steps[name] for name in STEPS))


def _median(samples: Sequence[Steps], name: str) -> float:
    return 1000 * Figure.of([steps[name].cpu for steps in samples]).median
