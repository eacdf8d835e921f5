"""What a phone is given to check a document with, and until when."""

import hashlib

import pytest

from dss.kernel import b64
from tests.protocol.prover import Prover
from tests.protocol.scene import HASH, Refusal, Scene, assert_refused, scene
from tests.world.pdfs import simple_pdf

__all__ = ["scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARTS = ("original", "prepared", "attributes")


@pytest.fixture
def alice(scene: Scene) -> Prover:
    return Prover.of(scene.world, scene.alice.phone)


def path(id: str, part: str, index: int = 0) -> str:
    return f"/device/v1/transactions/{id}/documents/{index}/{part}"


async def refuses(prover: Prover, place: str) -> None:
    call = prover.call(path=place)
    await assert_refused(prover.world, call, Refusal(404, "not_found"), by=f"device:{prover.device}")


async def test_a_phone_is_given_the_document_its_prepared_file_and_the_attributes(scene: Scene, alice: Prover):
    id = await scene.ask()
    original, prepared, attributes = [(await alice.call(path=path(id, part))).content for part in PARTS]
    assert original == simple_pdf()
    assert prepared.startswith(original)
    (asked,) = (await scene.shop.get(f"/v1/signatures/{id}"))["documents"]
    assert asked["to_sign"] == b64.encode(hashlib.sha256(attributes).digest())


@pytest.mark.parametrize("part", PARTS)
async def test_a_phone_that_confirmed_may_look_until_it_is_signed(scene: Scene, alice: Prover, part: str):
    id = await scene.ask()
    await scene.confirm(id)
    assert (await alice.call(path=path(id, part))).status_code == 200
    await scene.world.settle()
    await refuses(alice, path(id, part))


@pytest.mark.parametrize("part", PARTS)
async def test_what_was_cancelled_or_declined_is_not_shown_any_more(scene: Scene, alice: Prover, part: str):
    cancelled, declined = await scene.ask(), await scene.ask()
    await scene.shop.post(f"/v1/signatures/{cancelled}/cancel", None, status=200)
    await scene.alice.phone.decline(await scene.alice.phone.show(declined))
    for id in (cancelled, declined):
        await refuses(alice, path(id, part))


async def test_what_was_not_answered_in_its_time_is_not_shown_any_more(scene: Scene, alice: Prover):
    document = await scene.shop.upload(simple_pdf())
    wish = scene.wish(hashes=None, documents=[{"id": document["id"]}], expires_in=10)
    id = (await scene.shop.post("/v1/signatures", wish))["id"]
    scene.world.clock.move(10)
    for part in PARTS:
        await refuses(alice, path(id, part))


@pytest.mark.parametrize("part", PARTS)
async def test_there_is_nothing_beyond_the_last_document_nor_for_a_bare_hash(scene: Scene, alice: Prover, part: str):
    bare = (await scene.shop.ask_hashes(scene.alice, HASH))["id"]
    await refuses(alice, path(await scene.ask(), part, index=1))
    await refuses(alice, path(bare, part))


async def test_t32_another_person_s_phone_is_given_nothing(scene: Scene):
    bob = Prover.of(scene.world, await scene.world.phone(await scene.world.user("bob")))
    id = await scene.ask()
    for part in PARTS:
        await refuses(bob, path(id, part))


@pytest.mark.parametrize("asked", ["bytes=0-3", "bytes=5-2", "bytes=999999999-", "lines=1", ""])
async def test_a_document_comes_whole_whatever_range_is_asked_for(scene: Scene, alice: Prover, asked: str):
    """RFC 9110 section 14.2."""
    place = path(await scene.ask(), "original")
    async with scene.world.http() as http:
        got = await http.get(place, headers={"DPoP": alice.proof("GET", place), "Range": asked})
    assert (got.status_code, got.content) == (200, simple_pdf())
