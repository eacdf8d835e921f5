"""The run: rounds in which everything has its turn, so that a slow moment of the machine hits all alike."""

import gc
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from tests.bench.baselines import Baselines
from tests.bench.flows import HASH, HASH_RSA, PDF, sign_hash, sign_pdf
from tests.bench.logs import LogTurn
from tests.bench.meter import Meter, Steps
from tests.bench.million import LEAVES
from tests.bench.protections import PROTECTIONS, all_timed
from tests.bench.stage import Stage
from tests.bench.switching import Switch
from tests.bench.tokens import TokenTurn
from tests.world.world import Signer

WARM_UP, FEWEST = 3, 10
BASELINES, LOG, AUTHORIZATION = "baselines", "the log", "authorization"
INSIDE = "inside"  # timers that tick within a step add to it: so they have a turn of their own
PARTS = {
    "examine the answer": "dss.devices.service:Devices.examine",
    "count it, and seal the phone's row": "dss.devices.service:Devices.weigh",
    "the door": "dss.credentials.service:Credentials.begin",
}

Flow = Callable[[Stage, Signer], Awaitable[Steps]]
Turn = Callable[[], Awaitable[Steps]]
Samples = dict[str, list[Steps]]


@dataclass(frozen=True, slots=True)
class Variant:
    """A flow of a signer of its own, with or without something: what was written without seals has none."""

    signer: Signer
    flow: Flow = sign_hash
    under: Callable[[], AbstractContextManager[object]] = nullcontext


async def run(stage: Stage, seconds: float, tell: Callable[[str], None]) -> Samples:
    """Measure in rounds for so long, at least FEWEST; tell: is called with how far it is.

    Returns what each round measured, by the name of what had its turn.
    """
    tell("planting a log of a million leaves")
    turns: dict[str, Turn] = {LOG: (await LogTurn.ready(stage, LEAVES)).measure}
    turns[BASELINES] = (await Baselines.ready(stage)).measure
    turns[AUTHORIZATION] = (await TokenTurn.ready(stage)).measure
    turns |= {name: _turn(stage, variant) for name, variant in (await _variants(stage)).items()}
    tell("warming up")
    await _rounds(turns, lambda done: done < WARM_UP)
    gc.collect()
    gc.freeze()  # else what the warm-up left is walked through again and again, in anybody's turn
    end = time.monotonic() + seconds

    def goes_on(done: int) -> bool:
        tell(f"round {done + 1}")
        return done < FEWEST or time.monotonic() < end

    samples = await _rounds(turns, goes_on)
    gc.unfreeze()
    return samples


async def _rounds(turns: Mapping[str, Turn], goes_on: Callable[[int], bool]) -> Samples:
    samples: Samples = {name: [] for name in turns}
    done = 0
    while goes_on(done):
        for name in _rotated(list(turns), done):
            gc.collect()
            samples[name].append(await turns[name]())
        done += 1
    return samples


async def _variants(stage: Stage) -> dict[str, Variant]:
    variants = {
        HASH: Variant(await _signer(stage, 0)),
        HASH_RSA: Variant(await _signer(stage, 1, "RSA-2048")),
        PDF: Variant(await _signer(stage, 2), sign_pdf),
        INSIDE: Variant(await _signer(stage, 3), under=lambda: _timed_within(stage.meter)),
    }
    for number, protection in enumerate(PROTECTIONS, start=4):
        variants[protection.name] = Variant(await _signer(stage, number), under=_again(protection.switch()))
    return variants


@contextmanager
def _timed_within(meter: Meter) -> Iterator[None]:
    with Switch({target: meter.timed(part) for part, target in PARTS.items()}), all_timed(meter):
        yield


def _again(switch: Switch) -> Callable[[], Switch]:
    """Enter the same switch in each round: what it keeps by heart it keeps."""
    return lambda: switch


async def _signer(stage: Stage, number: int, key_type: str = "P-256") -> Signer:
    signer = await stage.world.signer(stage.shop, f"signer{number}", key_type)
    stage.meter.taken()
    return signer


def _turn(stage: Stage, variant: Variant) -> Turn:
    async def take() -> Steps:
        with variant.under():
            return await variant.flow(stage, variant.signer)

    return take


def _rotated(names: list[str], number: int) -> list[str]:
    """Begin each round with another: nobody's turn always comes after the same one's."""
    first = number % len(names)
    return names[first:] + names[:first]
