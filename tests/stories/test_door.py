"""The door to people's keys: what `credentials.sign` refuses, whatever the transaction's row says."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dss.credentials.activation import Activation
from dss.kernel import canonical
from dss.kernel.errors import AnswerRefused, Conflict, DssError, Expired
from dss.kernel.ids import DeviceId
from dss.transactions import store
from tests.stories.test_answers import HASH, OTHER, open_one, start
from tests.world.world import PIN, World

Forge = Callable[[Activation], Activation]


async def activation(world: World, id: str, lease: int = 1) -> Activation:
    """What a performing node would hand to the door for a confirmed transaction."""
    async with world.services.database.read() as connection:
        held = await store.get(connection, id)
    assert held.answer
    assert held.box
    assert held.device_id
    return Activation(held.request, held.answer, held.box, held.device_id, lease)


def with_request(change: dict[str, Any]) -> Forge:
    """Change members of the request that the Activation carries."""

    def forge(right: Activation) -> Activation:
        return replace(right, request=canonical.encode(canonical.decode(right.request) | change))

    return forge


def with_to_sign(right: Activation) -> Activation:
    request = canonical.decode(right.request)
    request["documents"][0]["to_sign"] = OTHER.replace("+", "-").replace("/", "_").rstrip("=")
    return replace(right, request=canonical.encode(request))


FORGED: dict[str, Forge] = {
    "another digest": with_to_sign,
    "another text": with_request({"text": "harmless"}),
    "another server": with_request({"server": "http://other.test"}),
    "another transaction": with_request({"transaction": "0" * 26}),
    "another kind": with_request({"kind": "create"}),
    "another time": with_request({"expires": "2036-01-01T00:00:00Z"}),
    "another box key": with_request({"box_key": {"kid": "0" * 26, "jwk": {}}}),
    "no documents": with_request({"documents": []}),
    "another phone": lambda right: replace(right, device=DeviceId("0" * 26)),
    "another box": lambda right: replace(right, box=right.box[:-4] + "AAAA"),
    "an answer cut short": lambda right: replace(right, answer=right.answer[:-4]),
    "a request that is none": lambda right: replace(right, request=b"{}"),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_t18_a_forged_activation_signs_nothing(world: World, forge: Forge) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    await alice.phone.confirm(shown, PIN)

    with pytest.raises(DssError):
        await world.services.credentials.sign(forge(await activation(world, id)))


async def test_t02_the_answer_to_one_request_does_not_open_the_door_for_another(world: World) -> None:
    application, alice = await start(world)
    first, shown = await open_one(world, application, alice)
    await alice.phone.confirm(shown, PIN)
    second, shown = await open_one(world, application, alice, OTHER)
    await alice.phone.confirm(shown, PIN)
    one, other = await activation(world, first), await activation(world, second)

    for spliced in (
        replace(one, request=other.request),
        replace(one, answer=other.answer),
        replace(one, box=other.box),
    ):
        with pytest.raises(AnswerRefused):
            await world.services.credentials.sign(spliced)


async def test_t32_one_person_s_answer_does_not_open_another_s_key(world: World) -> None:
    application, alice = await start(world)
    bob = await world.signer(application, "bob")
    id, shown = await open_one(world, application, alice)
    await alice.phone.confirm(shown, PIN)
    right = await activation(world, id)

    (bobs,) = await world.services.devices.of_user(bob.user.id)
    for forged in (
        replace(right, device=bobs.id),
        with_request({"credential": canonical.decode(right.request)["credential"] | {"id": bob.credential_id}})(right),
    ):
        with pytest.raises(AnswerRefused):
            await world.services.credentials.sign(forged)


async def test_t25_a_digest_is_signed_by_the_newest_attempt_only(world_on_each_database: World) -> None:
    world = world_on_each_database
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    await alice.phone.confirm(shown, PIN)
    sign = world.services.credentials.sign

    assert len(await sign(await activation(world, id, lease=2))) == 1
    for late in (1, 2):
        with pytest.raises(Conflict):
            await sign(await activation(world, id, lease=late))


async def test_t01_an_activation_cannot_be_spent_again_after_its_release(world: World) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    await alice.phone.confirm(shown, PIN)
    right = await activation(world, id)
    await world.settle()

    with pytest.raises(Conflict):
        await world.services.credentials.sign(replace(right, lease=99))


async def test_an_activation_that_nobody_began_to_spend_in_time_is_refused(world: World) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    await alice.phone.confirm(shown, PIN)
    right = await activation(world, id)
    world.clock.move(301)

    with pytest.raises(Expired):
        await world.services.credentials.sign(right)


async def test_a_certificate_that_has_expired_signs_nothing(world: World) -> None:
    application, alice = await start(world)
    credential = await world.services.credentials.get(alice.credential["id"])
    assert credential.not_after
    world.clock.move((credential.not_after - world.clock.now()).total_seconds())
    await application.log_in()
    refusal = await application.ask_hashes(alice, HASH, status=409)
    assert "not valid now" in refusal["detail"]
