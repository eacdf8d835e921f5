"""What `make bench` stands on: a protection that it names is there, goes off, and comes on again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dss.kernel.keyspec import KeySpec
from tests.bench import batches
from tests.bench.figures import Figure, added
from tests.bench.flows import sign_hash
from tests.bench.logs import FULL, IDLE, MANY, ONE_FLOW, PROOFS, SALT, SEALING, LogTurn
from tests.bench.meter import Spent
from tests.bench.protections import PROTECTIONS, all_timed
from tests.bench.share import Costs, Share
from tests.bench.stage import Stage, staged
from tests.bench.switching import resolve
from tests.bench.tokens import BOUND, CALL, CODE, INTROSPECTION, KEYED, REFRESH, SECRET, TOKENS, TokenTurn
from tests.world.softhsm import SoftHsm


def places() -> dict[str, object]:
    """What the server has now wherever a protection would be switched."""
    return {target: getattr(*resolve(target)) for protection in PROTECTIONS for target in protection.off}


async def sealed(stage: Stage) -> int:
    """How many leaves the log's newest checkpoint has."""
    newest = await stage.world.services.log.newest()
    return 0 if newest is None else newest.head.size


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


async def test_the_turn_of_the_log_seals_the_events_of_one_flow_alone_and_then_a_full_batch(stage: Stage):
    planted = 1000
    turn = await LogTurn.ready(stage, planted)
    before = await sealed(stage)
    steps = await turn.measure()
    assert set(steps) == {*SEALING, *PROOFS, SALT}
    assert steps[IDLE].size == 0
    assert 0 < steps[ONE_FLOW].size < 10
    assert steps[FULL].size == MANY
    assert before > planted
    assert await sealed(stage) == before + steps[ONE_FLOW].size + MANY


async def test_the_turn_of_tokens_is_what_clients_do_and_can_be_had_again(stage: Stage):
    turn = await TokenTurn.ready(stage)
    for _ in range(2):
        steps = await turn.measure()
        assert set(steps) == set(TOKENS)
        assert steps[BOUND].writes == steps[CALL].writes + 1
        assert all(steps[name].hsm >= 1 for name in (KEYED, SECRET, CODE, REFRESH))
        assert steps[INTROSPECTION].sql > 0


async def test_batches_are_signed_as_they_are_at_a_relying_application_and_held_against_the_bare_hsm(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    for name, value in {"WARM_UP": 0, "ROUNDS": 1, "SMALL": 4, "LARGE": 101}.items():
        monkeypatch.setattr(batches, name, value)
    lots = await (await batches.Batches.ready(stage)).measure(lambda _: None)
    assert [(lot.spec, lot.count) for lot in lots] == [(spec, count) for count in (4, 101) for spec in batches.SPECS]
    assert {lot.bare.hsm for lot in lots} == {1}
    assert all(lot.signed.hsm < 1 for lot in lots if lot.count == 101)


def test_the_share_of_a_batch_is_that_of_rates():
    bare, in_lots, signed = Spent(cpu=0.004, wall=0.002), Spent(cpu=0.001, wall=0.001), Spent(cpu=0.008, wall=0.001)
    lot = batches.Lot(KeySpec.P256, 100, bare, in_lots, signed)
    assert (lot.share, lot.share_of_cpu, lot.share_of_lots) == (2.0, 0.5, 1.0)


def test_a_round_of_the_sealer_is_shared_by_the_flows_of_its_second():
    costs = Costs(flow=50.0, salt=0.1, evidence=0.5, events=5, one=10.0, full=109.5, many=1000)
    share = Share.of(costs)
    assert share.rate == 20.0
    assert [part.cpu_ms for part in share.parts] == pytest.approx([0.5, 0.5, 0.5, 9.5 / 20])
    assert share.together.part == pytest.approx(1.975 / 50)
    assert share.alone.cpu_ms == pytest.approx(11.0)
    assert share.enough == pytest.approx(9.5 / 3.5)


def test_where_flows_alone_make_the_share_too_large_no_rate_is_enough():
    assert Share.of(Costs(flow=50.0, salt=0.0, evidence=6.0, events=5, one=10.0, full=109.5, many=1000)).enough is None


def test_what_a_protection_adds_is_judged_within_each_round():
    """One round was a hundred times slower: the comparison does not see it."""
    without = [10.0] * 40 + [1000.0]
    with_it = [11.0] * 40 + [1001.0]
    assert added(with_it, without) == Figure(1.0, 1.0, 1.0)


def test_where_rounds_disagree_the_bounds_have_different_signs():
    ups_and_downs = [1.0, -1.0] * 50
    found = added(ups_and_downs, [0.0] * 100)
    assert found.low < 0 < found.high
