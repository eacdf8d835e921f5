"""Lists of /v1, page by page."""

from typing import Any

import pytest

from tests.protocol.scene import HASH, Scene, alone, scene
from tests.world.pdfs import simple_pdf
from tests.world.world import Application

__all__ = ["alone", "scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def pages(application: Application, first: str) -> list[list[dict[str, Any]]]:
    """Follow the links to the end."""
    found, link = [], first
    while link:
        page = await application.get(link)
        found.append(page["items"])
        link = page["next"]
    return found


async def test_signatures_come_newest_first_and_each_once(alone: Scene):
    asked = [(await alone.shop.post("/v1/signatures", alone.wish(text=f"No. {n}")))["id"] for n in range(5)]
    found = await pages(alone.shop, "/v1/signatures?limit=2")
    assert [len(page) for page in found] == [2, 2, 1]
    assert [item["id"] for page in found for item in page] == asked[::-1]
    assert {item["state"] for page in found for item in page} == {"awaiting"}


async def test_a_last_page_that_is_full_is_followed_by_an_empty_one_that_is_the_end(alone: Scene):
    for _ in range(2):
        await alone.shop.ask_hashes(alone.alice, HASH)
    assert [len(page) for page in await pages(alone.shop, "/v1/signatures?limit=2")] == [2, 0]


async def test_a_page_has_ten_items_unless_more_are_asked_for(alone: Scene):
    for _ in range(11):
        await alone.shop.ask_hashes(alone.alice, HASH)
    assert [len(page) for page in await pages(alone.shop, "/v1/signatures")] == [10, 1]
    assert [len(page) for page in await pages(alone.shop, "/v1/signatures?limit=100")] == [11]


async def test_what_is_asked_for_meanwhile_does_not_move_the_pages(alone: Scene):
    asked = [(await alone.shop.ask_hashes(alone.alice, HASH))["id"] for _ in range(3)]
    first = await alone.shop.get("/v1/signatures?limit=2")
    await alone.shop.ask_hashes(alone.alice, HASH)
    second = await alone.shop.get(first["next"])
    assert [item["id"] for item in (*first["items"], *second["items"])] == asked[::-1]


async def test_documents_come_oldest_first_and_each_once(alone: Scene):
    uploaded = [(await alone.shop.upload(simple_pdf(), f"{n}.pdf"))["id"] for n in range(3)]
    found = await pages(alone.shop, "/v1/documents?limit=2")
    assert [item["id"] for page in found for item in page] == uploaded


async def test_credentials_keep_their_signer_from_page_to_page(alone: Scene):
    bob = await alone.world.signer(alone.shop, "bob")
    found = await pages(alone.shop, "/v1/credentials?user=bob&limit=1")
    assert [[item["id"] for item in page] for page in found] == [[bob.credential_id], []]
