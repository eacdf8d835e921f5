"""The Idempotency-Key: sent again, a request has no second effect (T43)."""

from typing import Any

import pytest

from tests.protocol.scene import HASH, Refusal, Scene, alone, scene
from tests.world.pdfs import simple_pdf
from tests.world.world import Application

__all__ = ["alone", "scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHER_HASH = "NtAIsPvcCmZLwtScK4OxrHlZBiaTVhzGTrQkyxVFRuM="
KEY = {"Idempotency-Key": "order-4711"}
PDF = {"Content-Type": "application/pdf"}


async def asked_by(application: Application) -> list[str]:
    return [item["id"] for item in (await application.get("/v1/signatures"))["items"]]


async def ask(application: Application, wish: dict[str, Any]) -> dict[str, Any]:
    return dict(await application.post("/v1/signatures", wish, key="order-4711"))


async def test_t43_the_same_wish_under_the_same_key_is_one_transaction_with_one_answer(alone: Scene):
    answers = [
        await alone.shop.http.post("/v1/signatures", json=alone.wish(), headers=KEY),
        await alone.shop.http.post("/v1/signatures", json=alone.wish(), headers=KEY),
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert len(await asked_by(alone.shop)) == 1


async def test_t43_the_order_of_members_and_the_spaces_between_them_make_no_other_wish(alone: Scene):
    first = await ask(alone.shop, alone.wish())
    assert await ask(alone.shop, dict(reversed(alone.wish().items()))) == first
    assert await ask(alone.shop, alone.wish(hash_algorithm="sha256", documents=[])) == first


@pytest.mark.parametrize(
    "changes", [{"text": "Please sign now"}, {"hashes": [OTHER_HASH]}, {"hashes": [HASH, HASH]}, {"expires_in": 60}]
)
async def test_t43_another_wish_under_the_same_key_is_refused(alone: Scene, changes: dict[str, Any]):
    await ask(alone.shop, alone.wish())
    again = alone.shop.http.post("/v1/signatures", json=alone.wish(**changes), headers=KEY)
    await alone.refuses(again, Refusal(409, "idempotency_conflict", "stands for another request"))
    assert len(await asked_by(alone.shop)) == 1


async def test_t43_a_key_of_one_application_means_nothing_at_another(alone: Scene):
    ids = {(await ask(application, alone.wish()))["id"] for application in (alone.shop, alone.other)}
    assert len(ids) == 2
    assert [len(await asked_by(application)) for application in (alone.shop, alone.other)] == [1, 1]


async def test_t43_a_key_stands_for_one_kind_of_request(alone: Scene):
    await ask(alone.shop, alone.wish())
    asked = alone.shop.http.post("/v1/credentials", json={"user": "alice"}, headers=KEY)
    await alone.refuses(asked, Refusal(409, "idempotency_conflict", "stands for another request"))


async def test_t43_a_repeated_wish_tells_what_has_become_of_the_first(alone: Scene):
    first = await ask(alone.shop, alone.wish())
    await alone.shop.http.post(f"/v1/signatures/{first['id']}/cancel")
    assert (await ask(alone.shop, alone.wish()))["state"] == "cancelled"


async def test_t43_a_refused_wish_does_not_use_up_its_key(alone: Scene):
    refused = alone.shop.http.post("/v1/signatures", json=alone.wish(scheme="pss-32"), headers=KEY)
    await alone.refuses(refused, Refusal(422, "invalid", "cannot sign with"))
    assert (await ask(alone.shop, alone.wish()))["state"] == "awaiting"


async def test_t43_a_credential_is_asked_for_once_under_one_key(alone: Scene):
    asked = [await alone.shop.post("/v1/credentials", {"user": "alice"}, key="k") for _ in range(2)]
    assert asked[0] == asked[1]
    again = alone.shop.http.post(
        "/v1/credentials", json={"user": "alice", "key_type": "P-384"}, headers={"Idempotency-Key": "k"}
    )
    await alone.refuses(again, Refusal(409, "idempotency_conflict"))


async def test_t43_a_repeated_wish_for_a_credential_tells_what_has_become_of_the_first(alone: Scene):
    asked = await alone.shop.post("/v1/credentials", {"user": "alice"}, key="k")
    await alone.sign(asked["transaction_id"])
    again = await alone.shop.post("/v1/credentials", {"user": "alice"}, key="k")
    assert again == {**asked, "state": "active"}


async def test_t43_an_upload_under_the_same_key_is_one_document_and_another_file_is_refused(alone: Scene):
    async def upload(content: bytes, name: str = "contract.pdf"):
        return await alone.shop.http.post(
            "/v1/documents", params={"name": name}, content=content, headers={**KEY, **PDF}
        )

    answers = [await upload(simple_pdf()) for _ in range(2)]
    assert answers[0].content == answers[1].content
    await alone.refuses(upload(simple_pdf(), "other.pdf"), Refusal(409, "idempotency_conflict", "another document"))
    assert len((await alone.shop.get("/v1/documents"))["items"]) == 1


async def test_t43_an_upload_of_another_content_under_the_same_key_makes_no_document(alone: Scene):
    """The bytes may stay in the store under their hash: nothing names them."""
    first = await alone.shop.http.post(
        "/v1/documents", params={"name": "a.pdf"}, content=simple_pdf(), headers={**KEY, **PDF}
    )
    other = await alone.shop.http.post(
        "/v1/documents", params={"name": "a.pdf"}, content=simple_pdf(2), headers={**KEY, **PDF}
    )
    assert (first.status_code, other.status_code) == (201, 409)
    (kept,) = (await alone.shop.get("/v1/documents"))["items"]
    assert kept == first.json()
