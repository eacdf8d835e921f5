"""T08: what a signer or an application brought to an end counts against it, and no other end does."""

import pytest

from dss.kernel.ids import ClientId, CredentialId
from dss.kernel.policy import Bounds, Mode, Policy
from tests.stories.pestering import Stage, shared_world, stage, stage_on_each_database
from tests.world.world import OPERATOR, PIN

__all__ = ["shared_world", "stage", "stage_on_each_database"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMPARE, CHOOSE = Policy(verification={"sign": Mode.COMPARE}), Policy(verification={"sign": Mode.CHOOSE})


async def test_t08_what_operators_end_is_not_held_against_the_application(stage_on_each_database: Stage) -> None:
    stage = stage_on_each_database
    services, key = stage.world.services, CredentialId(stage.alice.credential_id)
    ended = [await stage.asked()]
    await services.policies.change_credential(key, COMPARE, OPERATOR)
    ended.append(await stage.asked())
    await services.keys.suspend(key, OPERATOR)
    await services.keys.resume(key, OPERATOR)
    ended += [await stage.asked(), await stage.asked()]
    await services.policies.change_credential(key, CHOOSE, OPERATOR)

    assert [(await stage.state(id))["state"] for id in ended] == ["cancelled"] * 4
    await stage.asked()


async def test_t08_a_request_that_was_not_the_signer_s_counts_and_those_that_end_by_it_do_not(stage: Stage) -> None:
    for _ in range(3):
        await stage.asked()
    await stage.decline(await stage.asked(), cause="not_me")
    assert await stage.allow() == "signed"

    await stage.decline(await stage.asked())
    assert await stage.held_back() == 30


async def test_t08_ends_of_others_do_not_hide_those_of_the_signer(stage: Stage) -> None:
    services, key = stage.world.services, CredentialId(stage.alice.credential_id)
    await stage.decline(await stage.asked())
    await stage.asked()
    await services.policies.change_credential(key, COMPARE, OPERATOR)
    await stage.decline(await stage.asked())

    assert await stage.held_back() == 30


async def test_t08_wrong_numbers_are_not_confirmations(stage: Stage) -> None:
    await stage.world.services.policies.change_client(ClientId(stage.shop.id), CHOOSE, OPERATOR)
    for _ in range(2):
        asked = (await stage.ask()).json()
        shown = await stage.alice.phone.show(asked["id"])
        wrong = next(one for one in shown.request.verification.numbers if one != asked["verification"]["number"])
        await stage.alice.phone.confirm(shown, PIN, number=wrong)

    assert await stage.held_back() == 30


async def test_t08_a_session_that_its_application_takes_back_is_not_confirmed_either(stage: Stage) -> None:
    key = CredentialId(stage.alice.credential_id)
    await stage.world.services.policies.change_credential(key, Policy(session=Bounds(5, 5)), OPERATOR)
    for _ in range(2):
        wish = {"credential_id": key, "signatures": 5, "minutes": 5}
        session = await stage.shop.post("/v1/sessions", wish)
        await stage.shop.post(f"/v1/sessions/{session['id']}/end", {}, status=200)

    assert await stage.held_back() == 30
