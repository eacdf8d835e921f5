"""What /v1 allows in which state of a signature: wait, cancel, collect."""

import asyncio

import pytest

from mobile_mock.errors import Refused
from tests.protocol.scene import ABSENT, HASH, SOON, Refusal, Scene, scene
from tests.world.world import PIN

__all__ = ["scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- wait ---


async def test_who_waits_for_a_signature_is_told_when_it_is_signed(scene: Scene):
    id = await scene.ask()
    told = await scene.told_at_the_end(f"/v1/signatures/{id}", scene.sign(id))
    assert (told["state"], told["documents"][0]["href"]) == ("signed", f"/v1/signatures/{id}/documents/0")


async def test_who_waits_for_a_signature_is_told_when_it_is_declined(scene: Scene):
    id = await scene.ask()

    async def decline() -> None:
        await scene.alice.phone.decline(await scene.alice.phone.show(id), "not mine")

    told = await scene.told_at_the_end(f"/v1/signatures/{id}", decline())
    assert (told["state"], told["reason"]) == ("declined", "not mine")


async def test_who_waits_for_a_signature_is_told_when_it_is_cancelled(scene: Scene):
    id = await scene.ask()
    cancel = scene.shop.http.post(f"/v1/signatures/{id}/cancel")
    assert (await scene.told_at_the_end(f"/v1/signatures/{id}", cancel))["state"] == "cancelled"


async def test_a_confirmation_alone_does_not_end_the_wait(scene: Scene):
    id = await scene.ask()
    waiting = asyncio.create_task(scene.shop.get(f"/v1/signatures/{id}?wait=60"))
    await scene.confirm(id)
    done, _ = await asyncio.wait({waiting}, timeout=SOON)
    assert not done
    await scene.world.settle()
    assert (await asyncio.wait_for(waiting, 5))["state"] == "signed"


async def test_who_waits_for_a_credential_is_told_when_it_is_there(scene: Scene):
    asked = await scene.shop.post("/v1/credentials", {"user": "alice"})
    (notice,) = [one for one in await scene.alice.phone.waiting() if one.kind == "create"]
    told = await scene.told_at_the_end(f"/v1/credentials/{asked['id']}", scene.sign(notice.id))
    assert told["state"] == "active"
    assert told["certificate"]


async def test_a_hundred_may_wait_for_one_signature(scene: Scene):
    id = await scene.ask()
    waiting = [asyncio.create_task(scene.shop.get(f"/v1/signatures/{id}?wait=60")) for _ in range(100)]
    await scene.sign(id)
    told = await asyncio.wait_for(asyncio.gather(*waiting), 10)
    assert {one["state"] for one in told} == {"signed"}


# --- cancel ---


async def test_a_cancelled_signature_is_gone_from_the_phone_and_a_second_cancel_changes_nothing(scene: Scene):
    id = await scene.ask()
    shown = await scene.alice.phone.show(id)
    answers = [await scene.shop.http.post(f"/v1/signatures/{id}/cancel") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert await scene.world.tells(f"transaction:{id}") == ["transaction.opened", "transaction.cancelled"]
    assert id not in [notice.id for notice in await scene.alice.phone.waiting()]
    with pytest.raises(Refused) as refusal:
        await scene.alice.phone.confirm(shown, PIN)
    assert (refusal.value.status, refusal.value.reason) == (409, "conflict")


async def test_a_signature_cannot_be_cancelled_once_it_is_signed(scene: Scene):
    id = await scene.ask()
    await scene.sign(id)
    await scene.refuses(scene.shop.http.post(f"/v1/signatures/{id}/cancel"), Refusal(409, "conflict", "cancelled"))


async def test_a_confirmed_signature_can_be_cancelled_until_it_is_being_made(scene: Scene):
    id = await scene.ask()
    await scene.confirm(id)
    assert (await scene.shop.post(f"/v1/signatures/{id}/cancel", None, status=200))["state"] == "cancelled"
    await scene.world.settle()
    assert (await scene.shop.get(f"/v1/signatures/{id}"))["state"] == "cancelled"


# --- collect ---


@pytest.mark.parametrize("step", ["awaiting", "confirmed", "declined", "cancelled"])
async def test_nothing_is_handed_out_unless_it_is_signed(scene: Scene, step: str):
    id = await scene.ask()
    if step == "confirmed":
        await scene.confirm(id)
    if step == "declined":
        await scene.alice.phone.decline(await scene.alice.phone.show(id))
    if step == "cancelled":
        await scene.shop.http.post(f"/v1/signatures/{id}/cancel")
    call = scene.shop.http.get(f"/v1/signatures/{id}/documents/0")
    await scene.refuses(call, Refusal(409, "conflict", f"the transaction is {step}"))


async def test_there_is_no_document_beyond_the_last(scene: Scene):
    id = await scene.ask()
    await scene.sign(id)
    assert (await scene.shop.http.get(f"/v1/signatures/{id}/documents/0")).status_code == 200
    await scene.refuses(scene.shop.http.get(f"/v1/signatures/{id}/documents/1"), Refusal(404, "not_found"))
    for index in ("10000", "-1", "first"):
        call = scene.shop.http.get(f"/v1/signatures/{id}/documents/{index}")
        await scene.refuses(call, Refusal(422, "invalid", "index"))


async def test_a_bare_hash_has_no_document_to_collect(scene: Scene):
    id = (await scene.shop.ask_hashes(scene.alice, HASH))["id"]
    await scene.sign(id)
    await scene.refuses(scene.shop.http.get(f"/v1/signatures/{id}/documents/0"), Refusal(404, "not_found"))


# --- the signer's phone ---


async def test_nothing_can_be_asked_of_a_signer_without_a_phone(scene: Scene):
    """T17: that there is no such signer, and that they have no phone, look alike."""
    await scene.world.user("bob")
    calls = [scene.shop.http.post("/v1/credentials", json={"user": login}) for login in ("bob", "nobody")]
    told = [(await scene.refuses(call, Refusal(404, "not_found", "no such signer"))).content for call in calls]
    assert told[0] == told[1]


async def test_a_credential_that_is_only_asked_for_cannot_sign(scene: Scene):
    """T17: it looks like one that does not exist."""
    asked = await scene.shop.post("/v1/credentials", {"user": "alice"})
    calls = [scene.shop.http.post("/v1/signatures", json=scene.wish(credential_id=id)) for id in (asked["id"], ABSENT)]
    told = [(await scene.refuses(call, Refusal(404, "not_found", "credential"))).content for call in calls]
    assert told[0] == told[1]
