"""GET /v1/signatures/{id}/evidence: not yet, here it is, or why there is none (docs/evidence.md section 5)."""

from io import BytesIO

import httpx
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from dss.audit.checkpoint import Checkpoint
from dss.audit.note import Note
from dss.evidence.record import Record
from dss.evidence.verifying import verify
from dss.hsm.servicekeys import KeyName
from dss.notify.model import LOCALES
from dss.web.http.op import JSON
from tests.protocol.scene import ABSENT, Refusal, Scene, fresh, scene
from tests.world.stranger import trust
from tests.world.world import World

__all__ = ["fresh", "scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def signed(scene: Scene) -> str:
    """A signature that the log has not sealed yet."""
    id = await scene.ask()
    await scene.sign(id)
    return id


def path(id: str) -> str:
    return f"/v1/signatures/{id}/evidence"


async def given(scene: Scene, id: str, **query: int) -> httpx.Response:
    """The evidence once the log has sealed what waits."""
    await scene.world.services.sealer.round()
    answer = await scene.shop.http.get(path(id), params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON), answer.text
    return answer


async def newest(world: World) -> tuple[str, int]:
    """The newest checkpoint as it is published, and its size."""
    note = await world.services.log.checkpoint()
    return note, Checkpoint.read(Note.read(note).text).head.size


async def test_until_the_log_has_sealed_it_who_asks_is_told_to_come_again(scene: Scene) -> None:
    id = await signed(scene)
    answer = await scene.shop.http.get(path(id))
    assert (answer.status_code, answer.headers["retry-after"], answer.content) == (202, "1", b"")
    assert (await given(scene, id)).status_code == 200


async def test_the_record_is_given_byte_for_byte_and_verifies_without_the_server(scene: Scene) -> None:
    id = await signed(scene)
    file = (await given(scene, id)).content
    assert Record.read(file).encoded() == file
    assert verify(file, await trust(scene.world.services)).transaction == id


async def test_what_was_declined_has_evidence_too(scene: Scene) -> None:
    id = await scene.ask()
    await scene.alice.phone.decline(await scene.alice.phone.show(id), "not mine")
    file = (await given(scene, id)).content
    assert verify(file, await trust(scene.world.services)).reason == "not mine"


async def test_with_a_checkpoint_that_was_kept_the_record_proves_that_the_log_only_grew(scene: Scene) -> None:
    id = await signed(scene)
    await given(scene, id)
    kept, size = await newest(scene.world)
    await signed(scene)

    file = (await given(scene, id, checkpoint=size)).content
    told = verify(file, await trust(scene.world.services, kept))
    assert (told.logged.kept, told.logged.size > size) == (size, True)


async def test_a_checkpoint_that_the_log_never_had_is_not_found(scene: Scene) -> None:
    id = await signed(scene)
    await given(scene, id)
    _, size = await newest(scene.world)
    beyond = scene.shop.http.get(path(id), params={"checkpoint": size + 1})
    await scene.refuses(beyond, Refusal(404, "not_found", f"its newest has {size}"))


@pytest.mark.parametrize("size", ["0", "-1", "9007199254740993", "1.5", "many", ""])
async def test_a_size_that_no_checkpoint_has_is_refused(scene: Scene, size: str) -> None:
    call = scene.shop.http.get(path(ABSENT), params={"checkpoint": size})
    await scene.refuses(call, Refusal(422, "invalid", "checkpoint"))


async def test_there_is_none_before_the_signature_and_the_reason_is_told(scene: Scene) -> None:
    id = await scene.ask()
    await scene.refuses(scene.shop.http.get(path(id)), Refusal(409, "conflict", "yet: the transaction is awaiting"))
    await scene.confirm(id)
    await scene.refuses(scene.shop.http.get(path(id)), Refusal(409, "conflict", "yet: the transaction is confirmed"))


async def test_there_is_none_of_what_came_to_nothing_and_the_reason_is_told(scene: Scene) -> None:
    id = await scene.ask()
    await scene.shop.post(f"/v1/signatures/{id}/cancel", {}, status=200)
    await scene.refuses(scene.shop.http.get(path(id)), Refusal(409, "conflict", "the transaction is cancelled"))


@pytest.mark.asyncio(loop_scope="function")
async def test_there_is_none_of_what_has_expired(fresh: Scene) -> None:
    id = await fresh.ask()
    fresh.world.clock.move(301)
    await fresh.refuses(fresh.shop.http.get(path(id)), Refusal(409, "conflict", "the transaction is expired"))


async def test_anothers_evidence_is_not_found_like_one_that_does_not_exist(scene: Scene) -> None:
    """T16."""
    id = await signed(scene)
    for asked, application in ((id, scene.other), (ABSENT, scene.shop)):
        answer = await application.http.get(path(asked))
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:dss:error:not_found")


# --- the report ---


async def sealed_by_the_server(scene: Scene) -> None:
    """Let the server's seal be certified."""
    await scene.world.services.service_certificates.ensure(KeyName.EVIDENCE_SEAL)


@pytest.mark.parametrize("language", LOCALES)
async def test_the_report_is_a_pdf_with_the_record_attached_in_each_language(scene: Scene, language: str) -> None:
    await sealed_by_the_server(scene)
    id = await signed(scene)
    waiting = await scene.shop.http.get(f"{path(id)}/report")
    assert (waiting.status_code, waiting.headers["retry-after"]) == (202, "1")
    await given(scene, id)

    answer = await scene.shop.http.get(f"{path(id)}/report", params={"language": language})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["content-disposition"] == f'attachment; filename="evidence-{id}.pdf"'
    pdf = PdfFileReader(BytesIO(answer.content))
    assert pdf.root["/Lang"].lower().startswith(language)
    assert verify(attachment(pdf), await trust(scene.world.services)).transaction == id


def attachment(pdf: PdfFileReader) -> bytes:
    """The one file that is attached."""
    _, named = pdf.root["/Names"]["/EmbeddedFiles"]["/Names"]
    return bytes(named.get_object()["/EF"]["/F"].data)


async def test_another_language_is_refused_and_the_four_are_named(scene: Scene) -> None:
    for language, says in (("de", "en|ru|uk|ro"), ("EN", "en|ru|uk|ro"), ("en\n", "language"), ("", "language")):
        call = scene.shop.http.get(f"{path(ABSENT)}/report", params={"language": language})
        await scene.refuses(call, Refusal(422, "invalid", says))


async def test_no_report_is_made_where_there_is_no_evidence(scene: Scene) -> None:
    id = await scene.ask()
    call = scene.shop.http.get(f"{path(id)}/report")
    await scene.refuses(call, Refusal(409, "conflict", "the transaction is awaiting"))
