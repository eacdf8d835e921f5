"""POST /v1/signatures with more than 100 documents: `preparing`, and what may come of it before the signer is asked."""

import asyncio

import pytest

from dss.transactions.preparation import MOST_AT_ONCE
from tests.protocol.preparing import COUNT, cancel, read, start, wish
from tests.protocol.scene import ABSENT, SOON, Refusal, Scene, alone, scene
from tests.world.pdfs import simple_pdf

__all__ = ["alone", "scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_while_documents_are_prepared_it_is_told_how_many_are_ready(scene: Scene) -> None:
    id = await start(scene)
    ready = []
    while (told := await read(scene, id))["state"] == "preparing":
        ready.append(told["prepared"])
        await scene.world.services.preparing.next()
    assert (ready[0], ready[-1], ready == sorted(ready), told["count"]) == (0, COUNT, True, COUNT)
    assert (told["state"], told["prepared"], len(told["documents"])) == ("awaiting", None, 100)
    await cancel(scene, id)


async def test_who_waits_is_told_as_soon_as_the_signer_is_asked_and_then_of_the_end(scene: Scene) -> None:
    """The requester's page has a number to show from then on."""
    id = (await scene.shop.post("/v1/signatures", await wish(scene) | {"verification": "choose"}))["id"]
    waiting = asyncio.create_task(scene.shop.get(f"/v1/signatures/{id}?wait=60"))
    await scene.world.services.preparing.next()
    done, _ = await asyncio.wait({waiting}, timeout=SOON)
    assert not done
    await scene.world.settle()
    told = await asyncio.wait_for(waiting, 5)
    assert (told["state"], len(told["verification"]["number"])) == ("awaiting", 2)
    assert (await scene.told_at_the_end(f"/v1/signatures/{id}", cancel(scene, id)))["state"] == "cancelled"


async def test_what_there_is_only_once_the_signer_was_asked_is_a_conflict_until_then(scene: Scene) -> None:
    id = await start(scene)
    links = ("device-link", "device-link.png", "offline-qr", "offline-qr.png")
    proofs = ("evidence", "evidence?index=0", "evidence/report?index=0", "documents/0")
    paths = [f"/v1/transactions/{id}/{end}" for end in links] + [f"/v1/signatures/{id}/{end}" for end in proofs]
    for path in paths:
        await scene.refuses(scene.shop.http.get(path), Refusal(409, "conflict", "the signature is preparing"))
        assert (await scene.other.http.get(path)).status_code == 404
    typed = scene.shop.http.post(f"/v1/transactions/{id}/offline-code", json={"code": "12345678"})
    await scene.refuses(typed, Refusal(409, "conflict", "the signature is preparing"))
    await cancel(scene, id)
    cancelled = Refusal(409, "conflict", "the signature is cancelled")
    await scene.refuses(scene.shop.http.get(f"/v1/signatures/{id}/evidence"), cancelled)


async def test_a_document_that_cannot_be_signed_fails_it_and_is_named(scene: Scene) -> None:
    id = await start(scene, _57=simple_pdf(password="secret"))
    told = await scene.told_at_the_end(f"/v1/signatures/{id}", scene.world.settle())
    assert (told["state"], told["reason"].startswith("documents[57]: ")) == ("failed", True), told
    assert await scene.alice.phone.waiting() == []
    call = scene.shop.http.post(f"/v1/signatures/{id}/cancel")
    await scene.refuses(call, Refusal(409, "conflict", "the signature is failed"))


async def test_a_document_that_is_not_there_fails_it_and_is_named(scene: Scene) -> None:
    id = await start(scene, _100=ABSENT)
    await scene.world.settle()
    assert (await read(scene, id))["reason"] == "documents[100]: there is no such document"


async def test_what_is_cancelled_while_it_is_prepared_comes_to_nothing_and_leaves_no_file(scene: Scene) -> None:
    made = scene.world.services.settings.documents / "made"
    before = sorted(made.rglob("*"))
    id = await start(scene)
    await scene.world.services.preparing.next()
    assert sorted(made.rglob("*")) != before
    for _ in range(2):
        assert (await cancel(scene, id))["state"] == "cancelled"
    await scene.world.settle()
    assert (await read(scene, id))["state"] == "cancelled"
    assert sorted(path for path in made.rglob("*") if path.is_file()) == [path for path in before if path.is_file()]


async def test_the_same_wish_under_the_same_key_is_one_signature_before_and_after_it_is_prepared(scene: Scene) -> None:
    body = await wish(scene)
    calls = (scene.shop.post("/v1/signatures", body, key="order-1") for _ in range(3))
    ids = {one["id"] for one in await asyncio.gather(*calls)}
    await scene.world.settle()
    ids.add((await scene.shop.post("/v1/signatures", body, key="order-1"))["id"])
    assert len(ids) == 1
    other = scene.shop.http.post("/v1/signatures", json=scene.wish(), headers={"Idempotency-Key": "order-1"})
    await scene.refuses(other, Refusal(409, "idempotency_conflict"))
    await cancel(scene, ids.pop())


async def test_another_wish_under_the_key_of_one_that_is_prepared_is_refused(scene: Scene) -> None:
    id = (await scene.shop.post("/v1/signatures", await wish(scene), key="order-2"))["id"]
    other = scene.shop.http.post("/v1/signatures", json=scene.wish(), headers={"Idempotency-Key": "order-2"})
    await scene.refuses(other, Refusal(409, "idempotency_conflict"))
    await cancel(scene, id)


async def test_what_is_prepared_stands_in_the_list_and_is_nobody_else_s(scene: Scene) -> None:
    id = await start(scene)
    (newest,) = (await scene.shop.get("/v1/signatures?limit=1"))["items"]
    assert (newest["id"], newest["state"]) == (id, "preparing")
    await scene.other.get(f"/v1/signatures/{id}", status=404)
    await scene.other.get(f"/v1/signatures/{id}/results", status=404)
    await scene.other.post(f"/v1/signatures/{id}/cancel", None, status=404)
    assert (await scene.shop.http.get(f"/v1/signatures/{id}/results")).content == b""
    await cancel(scene, id)


async def test_t56_an_application_has_so_many_prepared_at_a_time_and_no_more(alone: Scene) -> None:
    body = await wish(alone)
    ids = [(await alone.shop.post("/v1/signatures", body))["id"] for _ in range(MOST_AT_ONCE)]
    refusal = Refusal(429, "too_many", f"{MOST_AT_ONCE} signatures")
    await alone.refuses(alone.shop.http.post("/v1/signatures", json=body), refusal)
    for id in ids:
        await cancel(alone, id)
    await cancel(alone, (await alone.shop.post("/v1/signatures", body))["id"])


async def test_a_wish_that_cannot_be_granted_is_refused_before_anything_is_prepared(scene: Scene) -> None:
    await scene.refuses_wish(Refusal(404, "not_found"), **await wish(scene) | {"hashes": None, "credential_id": ABSENT})
