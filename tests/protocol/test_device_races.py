"""Calls of phones that come many times at once, on each database."""

import asyncio

from tests.protocol.prover import Prover
from tests.world.world import World


async def test_t35_of_ten_calls_at_once_with_one_proof_one_is_served(world_on_each_database: World):
    world = world_on_each_database
    alice = Prover.of(world, await world.phone(await world.user()))
    proof = alice.proof()
    answers = await asyncio.gather(*(alice.with_proofs(proof) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9


async def test_t35_ten_calls_at_once_with_ten_proofs_are_all_served(world_on_each_database: World):
    world = world_on_each_database
    alice = Prover.of(world, await world.phone(await world.user()))
    answers = await asyncio.gather(*(alice.call() for _ in range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10
