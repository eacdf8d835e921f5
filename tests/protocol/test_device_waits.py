"""T42: a phone that asks again and again: a poll is good once, and so many of one phone wait at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import httpx
import pytest

from dss.wiring.services import WAITS
from tests.protocol.prover import LIST, Prover
from tests.protocol.scene import SOON, Refusal, Scene, assert_refused, scene
from tests.protocol.test_device_stream import STREAM, listening

__all__ = ["scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOO_MANY = Refusal(429, "too_many", str(WAITS))


@pytest.fixture
def alice(scene: Scene) -> Prover:
    return Prover.of(scene.world, scene.alice.phone)


@asynccontextmanager
async def polling(alice: Prover, proof: str = "", path: str = LIST) -> AsyncIterator[asyncio.Task[httpx.Response]]:
    """A call that waits, until it is given up."""
    async with alice.world.http() as http:
        headers = {"DPoP": proof or alice.proof("GET", path)}
        waiting = asyncio.create_task(http.get(path, params={"wait": 60}, headers=headers))
        done, _ = await asyncio.wait({waiting}, timeout=SOON)
        assert not done, "the answer did not wait"
        yield waiting
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting


async def test_t42_a_poll_that_waits_is_not_joined_by_another_with_its_proof(scene: Scene, alice: Prover):
    proof = alice.proof()
    async with polling(alice, proof) as waiting:
        assert (await alice.with_proofs(proof)).status_code == 401
        asked = await scene.shop.ask_hashes(scene.alice, "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=")
        told = (await asyncio.wait_for(waiting, 5)).json()
    assert [one["id"] for one in told["transactions"]] == [asked["id"]]
    await scene.shop.post(f"/v1/signatures/{asked['id']}/cancel", None, status=200)


async def test_t42_so_many_calls_of_a_phone_wait_and_no_more_and_the_others_are_served(scene: Scene, alice: Prover):
    id = await scene.ask()
    await scene.confirm(id)
    one = f"{LIST}/{id}"
    bob = Prover.of(scene.world, await scene.world.phone(await scene.world.user("bob")))
    async with AsyncExitStack() as stack:
        for _ in range(WAITS // 2):
            await stack.enter_async_context(listening(alice))
        for path in [LIST, one] * (WAITS // 4):
            await stack.enter_async_context(polling(alice, path=path))
        for path, query in ((LIST, {"wait": 1}), (one, {"wait": 1}), (STREAM, {})):
            call = alice.call(path=path, params=query)
            refused = await assert_refused(scene.world, call, TOO_MANY, by=f"device:{alice.device}")
            assert int(refused.headers["Retry-After"]) > 0
        assert (await alice.call()).status_code == (await alice.call(path=one)).status_code == 200
        async with polling(bob):
            pass
    await scene.world.settle()
    async with listening(alice) as again, polling(alice):
        assert (await asyncio.wait_for(again.started, 5))["status"] == 200
