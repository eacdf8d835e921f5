"""Documents that are refused: by POST /v1/documents as they come, or by POST /v1/signatures as they are prepared."""

from collections.abc import AsyncIterator

import pytest

from tests.protocol.scene import ABSENT, Refusal, Scene, scene
from tests.world.pdfs import MIB, bomb_pdf, simple_pdf, truncated_pdf

__all__ = ["scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT = 50 * MIB
PDF = {"Content-Type": "application/pdf"}
NAMED = {"name": "contract.pdf"}


async def pieces(size: int) -> AsyncIterator[bytes]:
    """So many bytes, in pieces as a network gives them, and without a Content-Length."""
    piece = b"%PDF-1.7\n".ljust(65536, b" ")
    for start in range(0, size, len(piece)):
        yield piece[: size - start]


async def refused_when_prepared(scene: Scene, content: bytes, says: str) -> None:
    document = await scene.shop.upload(content)
    wish = scene.wish(hashes=None, documents=[{"id": document["id"]}])
    await scene.refuses(scene.shop.http.post("/v1/signatures", json=wish), Refusal(422, "bad_document", says))


async def test_a_file_that_is_not_a_pdf_cannot_be_signed(scene: Scene):
    await refused_when_prepared(scene, b"PK\x03\x04 not a PDF at all", "not a PDF: it does not begin with %PDF-")


async def test_a_truncated_pdf_cannot_be_signed(scene: Scene):
    await refused_when_prepared(scene, truncated_pdf(), "not a whole PDF, or is damaged")


async def test_a_pdf_that_is_encrypted_cannot_be_signed(scene: Scene):
    await refused_when_prepared(scene, simple_pdf(password="secret"), "encrypted")


async def test_a_pdf_that_is_encrypted_with_an_empty_password_cannot_be_signed(scene: Scene):
    await refused_when_prepared(scene, simple_pdf(password=""), "encrypted")


async def test_t56_a_pdf_that_unpacks_to_very_much_cannot_be_signed(scene: Scene):
    await refused_when_prepared(scene, bomb_pdf(), "unpacks to more than the limit")


async def test_one_bad_document_refuses_them_all_and_leaves_nothing_prepared_of_the_good_one(scene: Scene):
    good, bad = [(await scene.shop.upload(content))["id"] for content in (simple_pdf(), b"PK")]
    for documents in ([good, bad], [good, ABSENT]):
        wish = scene.wish(hashes=None, documents=[{"id": id} for id in documents])
        answer = Refusal(422, "bad_document") if bad in documents else Refusal(404, "not_found", "document")
        await scene.refuses(scene.shop.http.post("/v1/signatures", json=wish), answer)


async def test_an_empty_file_is_refused_when_it_comes(scene: Scene):
    call = scene.shop.http.post("/v1/documents", params=NAMED, content=b"", headers=PDF)
    await scene.refuses(call, Refusal(422, "invalid", "the file is empty"))


async def test_t56_a_file_one_byte_over_50_mib_is_refused_when_that_byte_comes(scene: Scene):
    call = scene.shop.http.post("/v1/documents", params=NAMED, content=pieces(LIMIT + 1), headers=PDF)
    await scene.refuses(call, Refusal(413, "too_large", f"{LIMIT} bytes"))


async def test_t56_a_claimed_length_over_50_mib_is_refused_before_anything_comes(scene: Scene):
    async def nothing() -> AsyncIterator[bytes]:
        pytest.fail("the body was read")
        yield b""

    claimed = {**PDF, "Content-Length": str(LIMIT + 1)}
    call = scene.shop.http.post("/v1/documents", params=NAMED, content=nothing(), headers=claimed)
    await scene.refuses(call, Refusal(413, "too_large", f"{LIMIT} bytes"))


async def test_t56_the_operator_s_own_limit_is_told_as_well(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scene.world.services.documents, "_largest", 1000)
    call = scene.shop.http.post("/v1/documents", params=NAMED, content=pieces(1001), headers=PDF)
    await scene.refuses(call, Refusal(413, "too_large", "1000 bytes"))


@pytest.mark.parametrize("media_type", ["text/plain", "application/pdf; charset=latin-1", ""])
async def test_what_does_not_come_as_a_pdf_is_refused(scene: Scene, media_type: str):
    call = scene.shop.http.post(
        "/v1/documents", params=NAMED, content=simple_pdf(), headers={"Content-Type": media_type}
    )
    says = "charset" if "charset" in media_type else "application/pdf"
    await scene.refuses(call, Refusal(415, "unsupported_media_type", says))


async def test_a_body_without_a_content_type_is_refused(scene: Scene):
    call = scene.shop.http.post("/v1/documents", params=NAMED, content=simple_pdf())
    await scene.refuses(call, Refusal(415, "unsupported_media_type", "application/pdf"))


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("contract\u202efdp.exe", "deceptive_text", "U+202E"),
        ("con\u200btract.pdf", "deceptive_text", "U+200B"),
        ("../contract.pdf", "deceptive_text", "names a folder"),
        ("x" * 256, "invalid", "255"),
        ("", "invalid", "name"),
    ],
)
async def test_t04_a_name_that_a_person_would_not_be_shown_as_it_is_is_refused(
    scene: Scene, name: str, code: str, says: str
):
    call = scene.shop.http.post("/v1/documents", params={"name": name}, content=simple_pdf(), headers=PDF)
    await scene.refuses(call, Refusal(422, code, says))


async def test_a_document_without_a_name_is_refused(scene: Scene):
    call = scene.shop.http.post("/v1/documents", content=simple_pdf(), headers=PDF)
    await scene.refuses(call, Refusal(422, "invalid", "name is missing"))
