"""Stories of a phone that was stopped for good: it is shown nothing any more (T20)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from mobile_mock.misbehave import Misbehaviour
from tests.protocol.prover import LIST, Prover
from tests.world.owners import HOUR, LOCKED, REFUSED, WRONG, Owner, alice, id_of, refusal, street
from tests.world.pdfs import simple_pdf
from tests.world.world import OPERATOR, PIN

__all__ = ["alice", "street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
Block = Callable[[Owner], Awaitable[Any]]


async def by_the_owner(alice: Owner) -> None:
    other = await alice.joined()
    await other.block(id_of(alice.phone))


async def by_an_operator(alice: Owner) -> None:
    await alice.joined()
    await alice.world.services.phones.block(id_of(alice.phone), OPERATOR)


async def as_a_clone(alice: Owner) -> None:
    """A counter that was used, under other bytes, is a second phone's with the same keys."""
    await alice.joined()
    assert await alice.signs() == "signed"
    used_again = Misbehaviour(stale_counter=True)
    assert await refusal(alice.phone.confirm(await alice.asked(), PIN, misbehave=used_again)) == LOCKED


async def looks(alice: Owner) -> dict[str, int]:
    """What the phone is answered, by each call that shows something; the stream only where nothing is to be shown."""
    phones = await alice.world.services.devices.of_user(alice.user.id)
    key = await alice.key()
    assert len(phones) == 2
    assert key.state == "active"
    asked = await alice.application.ask(alice.signer, simple_pdf())
    prover, shown = Prover.of(alice.world, alice.phone), f"{LIST}/{asked['id']}"
    document = f"{shown}/documents/0"
    calls = [LIST, shown, f"{document}/original", f"{document}/prepared", f"{document}/attributes"]
    calls.append("/device/v1/credentials")
    if (await alice.device()).is_locked_for_good:
        calls.append("/device/v1/stream")
    return {path.removeprefix(shown): (await prover.call(path=path)).status_code for path in calls}


@pytest.mark.parametrize("block", [by_the_owner, by_an_operator, as_a_clone])
async def test_t20_a_phone_that_was_stopped_is_shown_nothing(alice: Owner, block: Block) -> None:
    await block(alice)
    assert (await alice.device()).state == "locked"
    answers = await looks(alice)
    assert len(answers) == 7
    assert set(answers.values()) == {423}, answers


async def test_t20_a_phone_that_wrong_pins_locked_for_three_hours_may_look_and_not_answer(alice: Owner) -> None:
    await alice.joined()
    shown = await alice.asked()
    for _ in range(3):
        assert await refusal(alice.phone.confirm(shown, WRONG)) == REFUSED
    assert set((await looks(alice)).values()) == {200}
    assert await refusal(alice.phone.confirm(shown, PIN)) == LOCKED
    await alice.later(3 * HOUR)
    assert await alice.signs() == "signed"


async def test_t20_a_phone_that_is_stopped_while_it_waits_is_told_of_nothing(alice: Owner) -> None:
    other = await alice.joined()
    call = asyncio.create_task(Prover.of(alice.world, alice.phone).call(path=LIST, params={"wait": 5}))
    await asyncio.sleep(0)
    await other.block(id_of(alice.phone))
    await alice.asked(other)
    answer = await asyncio.wait_for(call, 10)
    assert answer.status_code in (401, 423), answer.text
