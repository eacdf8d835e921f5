"""T03: what changes behind the phone's back, on disk or in a row, is not released, and is told of."""

import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from dss.kernel import b64, canonical
from mobile_mock.errors import PhoneError
from tests.protocol.scene import Scene, scene
from tests.stories.test_answers import OTHER
from tests.stories.witness import (
    Witness,
    assert_failed,
    entry,
    quick_pins,
    row,
    tamper,
    tamper_entry,
    witness,
)
from tests.world.pdfs import raw_pdf, simple_pdf
from tests.world.world import PIN, World

__all__ = ["quick_pins", "scene", "witness"]

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("quick_pins")]

Change = Callable[[World, str], Awaitable[None]]
URL_OTHER = b64.url_encode(base64.b64decode(OTHER))


def stored(world: World, folder: str, sha256: bytes) -> Path:
    """Where a file lies."""
    return world.services.settings.documents / folder / sha256.hex()[:2] / sha256.hex()


async def prepared_path(world: World, id: str) -> Path:
    """Where the file lies that will carry the signature."""
    return stored(world, "made", base64.b64decode((await entry(world, id)).place["file"]))


async def one_byte_of_the_prepared_file(world: World, id: str) -> None:
    path = await prepared_path(world, id)
    path.write_bytes(path.read_bytes().replace(b"/MediaBox", b"/MediaBoy", 1))


async def all_of_the_prepared_file(world: World, id: str) -> None:
    path = await prepared_path(world, id)
    path.write_bytes(simple_pdf(2).ljust(path.stat().st_size, b"\n"))


async def the_prepared_file_s_being_there(world: World, id: str) -> None:
    (await prepared_path(world, id)).unlink()


async def the_attributes(world: World, id: str) -> None:
    place = (await entry(world, id)).place
    changed = bytearray(base64.b64decode(place["attributes"]))
    changed[-1] ^= 1
    await tamper_entry(world, id, place=place | {"attributes": base64.b64encode(changed).decode()})


async def the_place_by_that_of_another_document(world: World, id: str) -> None:
    await tamper_entry(world, id, place=OTHERS["place"])


async def the_document_by_a_bare_hash(world: World, id: str) -> None:
    await tamper_entry(world, id, place=None)


async def the_hash_in_the_row_of_the_document(world: World, id: str) -> None:
    await tamper_entry(world, id, item=(await entry(world, id)).item | {"to_sign": URL_OTHER})


async def the_name_in_the_row_of_the_document(world: World, id: str) -> None:
    await tamper_entry(world, id, item=(await entry(world, id)).item | {"name": "harmless.pdf"})


async def the_hash_in_the_request(world: World, id: str) -> None:
    payload = canonical.decode((await row(world, id)).request)
    payload["documents"][0]["to_sign"] = URL_OTHER
    await tamper(world, id, request=canonical.encode(payload))


async def the_digest_of_the_original_in_the_request(world: World, id: str) -> None:
    payload = canonical.decode((await row(world, id)).request)
    payload["documents"][0]["document_digest"] = URL_OTHER
    await tamper(world, id, request=canonical.encode(payload))


OTHERS: dict[str, Any] = {}
SHOWN: tuple[Change, ...] = (
    one_byte_of_the_prepared_file,
    all_of_the_prepared_file,
    the_prepared_file_s_being_there,
    the_attributes,
    the_place_by_that_of_another_document,
)
NOTICED: tuple[Change, ...] = (
    *SHOWN,
    the_hash_in_the_request,
    the_digest_of_the_original_in_the_request,
    the_document_by_a_bare_hash,
    the_hash_in_the_row_of_the_document,
    the_name_in_the_row_of_the_document,
)
CHANGES = [pytest.param(change, id=change.__name__) for change in NOTICED]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def _another_document(scene: Scene) -> None:
    """Another document waits for the same signer."""
    OTHERS["place"] = (await entry(scene.world, (await scene.shop.ask(scene.alice, raw_pdf()))["id"])).place


async def asked(scene: Scene) -> tuple[str, Any]:
    """Ask for a signature over a document of its own; its id, and what the phone shows."""
    scene.world.clock.move(1)
    pdf = simple_pdf() + b"%% %d\n" % int(scene.world.clock.now().timestamp())
    id = (await scene.shop.ask(scene.alice, pdf))["id"]
    return id, await scene.alice.phone.show(id)


@pytest.mark.parametrize("change", CHANGES)
async def test_t03_what_changes_between_answer_and_signing_is_not_released(
    scene: Scene, change: Change, witness: Witness
):
    world = scene.world
    id, shown = await asked(scene)
    confirmed = [document.to_sign for document in shown.request.documents]
    assert await scene.alice.phone.confirm(shown, PIN) == "confirmed"
    await change(world, id)
    await world.settle()

    await assert_failed(world, id)
    assert set(witness.digests) <= set(confirmed), "the key signed what nobody saw"


@pytest.mark.parametrize("change", CHANGES)
async def test_t03_what_changes_between_display_and_answer_is_refused_or_not_released(
    scene: Scene, change: Change, witness: Witness
):
    world = scene.world
    id, shown = await asked(scene)
    confirmed = [document.to_sign for document in shown.request.documents]
    await change(world, id)
    try:
        await scene.alice.phone.confirm(shown, PIN)
    except PhoneError:
        last = (await world.services.audit.of_subject(f"transaction:{id}"))[-1].event
        assert (last.kind, last.outcome) == ("transaction.answer_refused", "refused")
        assert (await row(world, id)).state == "awaiting"
        assert witness.digests == []
        return
    await world.settle()

    await assert_failed(world, id)
    assert set(witness.digests) <= set(confirmed), "the key signed what nobody saw"


@pytest.mark.parametrize("change", SHOWN, ids=lambda change: change.__name__)
async def test_t03_what_changed_before_the_display_is_not_shown(scene: Scene, change: Change):
    id, _ = await asked(scene)
    await change(scene.world, id)
    with pytest.raises(PhoneError):
        await scene.alice.phone.show(id)


async def test_t03_an_original_that_changed_on_the_disk_is_refused_by_the_phone_and_never_in_the_signed_file(
    scene: Scene,
):
    world = scene.world
    id, shown = await asked(scene)
    content = shown.request.documents[0].content
    original = stored(world, "uploads", content.digest)
    seen = original.read_bytes()
    original.write_bytes(seen.replace(b"/MediaBox", b"/MediaBoy", 1))
    with pytest.raises(PhoneError):
        await scene.alice.phone.show(id)

    await scene.alice.phone.confirm(shown, PIN)
    await world.settle()
    released = await scene.shop.http.get(f"/v1/signatures/{id}/documents/0")
    assert released.status_code == 200
    assert released.content.startswith(seen)
