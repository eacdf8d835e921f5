"""Stories of a phone that is blocked, by its owner or an operator: all that it could still confirm ends at once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from dss.credentials.service import Credentials
from tests.world.owners import (
    CONFLICT,
    HOUR,
    LOCKED,
    Owner,
    alice,
    bob,
    id_of,
    refusal,
    states,
    street,
)
from tests.world.world import OPERATOR, PIN

__all__ = ["alice", "bob", "street"]

in_the_street = pytest.mark.asyncio(loop_scope="module")


Block = Callable[[Owner], Awaitable[Any]]


BLOCKS: dict[str, Block] = {
    "operator": lambda owner: owner.world.services.phones.block(id_of(owner.phone), OPERATOR),
    "owner": lambda owner: owner.phone.block(id_of(owner.phone)),
    "letter": Owner.stop_by_link,
}


@in_the_street
@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
async def test_t20_a_block_ends_at_once_what_waits_what_is_confirmed_and_what_is_being_signed(
    alice: Owner, block: Block, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing, confirmed, awaiting = [await alice.asked() for _ in range(3)]
    await alice.phone.confirm(signing, PIN)
    node, go_on = await signing_node(alice, monkeypatch)
    await alice.phone.confirm(confirmed, PIN)
    waiters = [asyncio.create_task(told(alice, shown.id)) for shown in (signing, confirmed, awaiting)]
    done, _ = await asyncio.wait(waiters, timeout=0.05)
    assert not done, "the waiters did not wait"

    await block(alice)
    async with asyncio.timeout(4):
        ends = await asyncio.gather(*waiters)
    go_on.set()
    await node
    await alice.world.settle()

    assert ends == ["failed", "cancelled", "cancelled"]
    assert [await told(alice, shown.id) for shown in (signing, confirmed, awaiting)] == ends
    assert "transaction.late_result_discarded" in await alice.world.tells(f"transaction:{signing.id}")
    assert await states(alice.phone) == ["locked"]


async def told(owner: Owner, id: str) -> str:
    """What the relying application is told once a signature has ended; it holds no result unless signed."""
    signature = await owner.application.get(f"/v1/signatures/{id}?wait=60")
    assert signature["state"] == "signed" or signature["documents"][0]["signature"] is None
    return str(signature["state"])


async def signing_node(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Task[bool], asyncio.Event]:
    """Let a node sign, and stop between the signature and its release, until the event."""
    signed, go_on, sign = asyncio.Event(), asyncio.Event(), Credentials.sign

    async def sign_and_wait(*arguments: Any) -> Any:
        spent = await sign(*arguments)
        signed.set()
        await go_on.wait()
        return spent

    monkeypatch.setattr(Credentials, "sign", sign_and_wait)
    node = asyncio.create_task(owner.world.services.performing[0].next())
    await asyncio.wait_for(signed.wait(), 20)
    return node, go_on


@in_the_street
async def test_t20_a_block_ends_what_the_phone_confirmed_and_leaves_what_another_can_answer(alice: Owner) -> None:
    other = await alice.joined()
    confirmed, awaiting = await alice.asked(), await alice.asked(other)
    change = await alice.wishes("pin")
    await alice.phone.confirm(confirmed, PIN)
    await other.block(id_of(alice.phone))
    await alice.world.settle()

    assert await told(alice, confirmed.id) == "cancelled"
    assert (await alice.world.tells(f"transaction:{change.id}"))[-1] == "transaction.cancelled"
    assert await alice.confirms(awaiting, other) == "signed"


async def test_t20_a_block_and_a_confirmation_at_once_sign_nothing_after_the_block(bob: Owner) -> None:
    shown = await bob.asked()
    answer = await bob.phone.prepare(shown, PIN)
    calls = (bob.phone.send(answer), BLOCKS["operator"](bob), bob.world.settle())
    await asyncio.gather(*calls, return_exceptions=True)
    at_the_block = (await bob.application.get(f"/v1/signatures/{shown.id}"))["state"]
    await bob.world.settle()

    assert await states(bob.phone) == ["locked"]
    assert await told(bob, shown.id) == at_the_block
    assert await refusal(bob.phone.send(replace(answer, jws=answer.jws + "A"))) in {LOCKED, CONFLICT}


@in_the_street
async def test_t20_a_blocked_phone_answers_nothing_until_an_operator_lifts_the_block(alice: Owner) -> None:
    await alice.phone.block(id_of(alice.phone))
    await alice.later(30 * 24 * HOUR)
    assert await states(alice.phone) == ["locked"]
    assert (await alice.application.ask_hashes(alice.signer, "A" * 43 + "=", status=409))["status"] == 409

    await alice.world.services.phones.unlock(id_of(alice.phone), OPERATOR)
    assert await alice.signs() == "signed"
