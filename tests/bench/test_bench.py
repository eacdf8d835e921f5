"""What `make bench` stands on: a protection that it names is there, goes off, and comes on again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bench.figures import Figure, added
from tests.bench.flows import sign_hash
from tests.bench.protections import PROTECTIONS, all_timed
from tests.bench.stage import Stage, staged
from tests.bench.switching import resolve
from tests.world.softhsm import SoftHsm


def places() -> dict[str, object]:
    """What the server has now wherever a protection would be switched."""
    return {target: getattr(*resolve(target)) for protection in PROTECTIONS for target in protection.off}


@pytest.fixture
async def stage(softhsm: SoftHsm, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage, on a database of the test's own."""
    async with staged(softhsm, sqlite_url, tmp_path) as made:
        yield made


async def test_every_protection_is_at_work_in_a_flow(stage: Stage):
    signer = await stage.world.signer(stage.shop)
    stage.meter.taken()
    with all_timed(stage.meter):
        taken = await sign_hash(stage, signer)
    at_work = {part.partition(": ")[2] for part in taken}
    assert {protection.name for protection in PROTECTIONS} <= at_work


async def test_without_any_of_the_protections_a_flow_still_ends_and_then_it_is_on_again(stage: Stage):
    before = places()
    for number, protection in enumerate(PROTECTIONS):
        signer = await stage.world.signer(stage.shop, f"signer{number}")
        with protection.switch():
            assert places() != before
            await sign_hash(stage, signer)
        assert places() == before


def test_what_a_protection_adds_is_judged_within_each_round():
    """One round was a hundred times slower: the comparison does not see it."""
    without = [10.0] * 40 + [1000.0]
    with_it = [11.0] * 40 + [1001.0]
    assert added(with_it, without) == Figure(1.0, 1.0, 1.0)


def test_where_rounds_disagree_the_bounds_have_different_signs():
    ups_and_downs = [1.0, -1.0] * 50
    found = added(ups_and_downs, [0.0] * 100)
    assert found.low < 0 < found.high
