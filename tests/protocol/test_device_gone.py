"""T38: what awaits an answer no more is gone from the phone's list at once, whoever ended it; a late answer is told so.

docs/device-protocol.md section 3: `gone` of the list that waits, and of the stream.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dss.kernel.ids import CredentialId
from mobile_mock.errors import Refused
from tests.protocol.prover import LIST, Prover
from tests.protocol.scene import ABSENT, HASH, SOON, Scene, fresh
from tests.protocol.test_device_stream import listening
from tests.world.world import OPERATOR, PIN

__all__ = ["fresh"]


async def ask(scene: Scene) -> str:
    return str((await scene.shop.ask_hashes(scene.alice, HASH))["id"])


async def news(scene: Scene, *known: str, wait: int = 0) -> dict[str, Any]:
    """What the list tells a phone that knows some."""
    alice = Prover.of(scene.world, scene.alice.phone)
    return dict((await alice.call("GET", LIST, params={"known": ",".join(known), "wait": wait})).json())


async def expire(scene: Scene, id: str) -> None:
    """Its time passes, and the worker writes it down."""
    scene.world.clock.move(300)
    await scene.world.services.transactions.expire_overdue()


async def cancel(scene: Scene, id: str) -> None:
    """The relying application takes it back."""
    await scene.shop.post(f"/v1/signatures/{id}/cancel", None, status=200)


async def confirm(scene: Scene, id: str) -> None:
    """Another copy of the phone's program answers."""
    await scene.confirm(id)


async def decline(scene: Scene, id: str) -> None:
    """The person declines."""
    await scene.alice.phone.decline(await scene.alice.phone.show(id), "no")


async def suspend(scene: Scene, id: str) -> None:
    """An operator suspends the key."""
    await scene.world.services.keys.suspend(CredentialId(scene.alice.credential_id), OPERATOR)


ENDS = [expire, cancel, confirm, decline, suspend]


@pytest.mark.parametrize("end", ENDS)
async def test_t38_a_phone_that_waits_is_told_at_once_that_one_is_gone(
    fresh: Scene, end: Callable[[Scene, str], Awaitable[None]]
) -> None:
    id = await ask(fresh)
    await fresh.alice.phone.show(id)
    waiting = asyncio.create_task(news(fresh, id, wait=60))
    done, _ = await asyncio.wait({waiting}, timeout=SOON)
    assert not done, "there is nothing to tell yet"
    await end(fresh, id)
    told = await asyncio.wait_for(waiting, 2)
    assert (told["transactions"], told["gone"]) == ([], [id])
    await fresh.world.settle()


@pytest.mark.parametrize("end", ENDS)
async def test_t38_the_stream_tells_that_one_is_gone(
    fresh: Scene, end: Callable[[Scene, str], Awaitable[None]]
) -> None:
    id = await ask(fresh)
    async with listening(Prover.of(fresh.world, fresh.alice.phone)) as listener:
        assert await listener.event() == ("transaction", {"id": id, "kind": "sign"})
        await end(fresh, id)
        assert await listener.event() == ("gone", {"id": id})
        assert listener.is_silent()
    await fresh.world.settle()


async def test_t38_at_the_very_second_of_its_end_it_is_gone_and_its_answer_late(fresh: Scene) -> None:
    """Nobody wrote down yet that it has expired: list, transaction and answer judge by the same clock."""
    id = await ask(fresh)
    shown = await fresh.alice.phone.show(id)
    fresh.world.clock.move((shown.request.expires - fresh.world.clock.now()).total_seconds() - 1)
    assert (await news(fresh, id))["gone"] == []
    answer = await fresh.alice.phone.prepare(shown, PIN)
    fresh.world.clock.move(1)

    told = await news(fresh, id)
    assert (told["transactions"], told["gone"]) == ([], [id])
    assert (await fresh.alice.phone.waiting()) == []
    with pytest.raises(Refused) as refusal:
        await fresh.alice.phone.send(answer)
    assert (refusal.value.status, refusal.value.reason) == (410, "expired")
    await fresh.world.services.transactions.expire_overdue()
    with pytest.raises(Refused) as refusal:
        await fresh.alice.phone.send(answer)
    assert (refusal.value.status, refusal.value.reason) == (410, "expired")


async def test_what_is_new_and_what_is_gone_are_told_together(fresh: Scene) -> None:
    first, second = await ask(fresh), await ask(fresh)
    await cancel(fresh, first)
    told = await news(fresh, first, ABSENT)
    assert ([one["id"] for one in told["transactions"]], told["gone"]) == ([second], [first, ABSENT])


async def test_another_person_s_is_as_gone_as_one_that_never_was(fresh: Scene) -> None:
    id = await ask(fresh)
    bob = Prover.of(fresh.world, await fresh.world.phone(await fresh.world.user("bob")))
    told = (await bob.call("GET", LIST, params={"known": f"{id},{ABSENT}"})).json()
    assert (told["transactions"], told["gone"]) == ([], [id, ABSENT])
