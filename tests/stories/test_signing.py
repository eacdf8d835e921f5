"""Stories of a signature, from the wish to the file in the requester's hands."""

import base64
import hashlib

import pytest

from tests.world.pdfs import simple_pdf
from tests.world.world import PIN, World


@pytest.fixture
def world(world_on_each_database: World) -> World:
    """These stories are told on each database."""
    return world_on_each_database


async def test_a_document_is_signed_once_its_signer_confirmed_exactly_it(world: World) -> None:
    application = await world.application()
    alice = await world.signer(application)
    asked = await application.ask(alice, simple_pdf())

    (notice,) = await alice.phone.waiting()
    shown = await alice.phone.show(notice.id)
    assert await alice.phone.confirm(shown, PIN) == "confirmed"
    await world.settle()

    signed = await application.get(f"/v1/signatures/{asked['id']}")
    assert signed["state"] == "signed"
    file = await application.http.get(signed["documents"][0]["href"])
    assert file.content.startswith(b"%PDF")
    assert await world.tells(f"transaction:{asked['id']}") == [
        "transaction.opened",
        "transaction.confirmed",
        "activation.reserved",
        "transaction.signed",
    ]


async def test_a_declined_document_has_no_signature_and_its_requester_is_told_why(world: World) -> None:
    application = await world.application()
    alice = await world.signer(application)
    asked = await application.ask(alice, simple_pdf())

    (notice,) = await alice.phone.waiting()
    await alice.phone.decline(await alice.phone.show(notice.id), "not my contract")
    await world.settle()

    declined = await application.get(f"/v1/signatures/{asked['id']}")
    assert (declined["state"], declined["reason"]) == ("declined", "not my contract")
    assert declined["documents"][0]["signature"] is None
    refused = await application.http.get(f"/v1/signatures/{asked['id']}/documents/0")
    assert refused.status_code == 409


async def test_bare_hashes_are_signed_in_their_order_and_as_often_as_they_stand(world: World) -> None:
    application = await world.application()
    alice = await world.signer(application, key_type="RSA-2048")
    first, second = (base64.b64encode(hashlib.sha256(text).digest()).decode() for text in (b"one", b"two"))
    asked = await application.ask_hashes(alice, second, first, second)

    (notice,) = await alice.phone.waiting()
    await alice.phone.confirm(await alice.phone.show(notice.id), PIN)
    await world.settle()

    items = (await application.get(f"/v1/signatures/{asked['id']}"))["documents"]
    assert [item["to_sign"] for item in items] == [second, first, second]
    assert items[0]["signature"] == items[2]["signature"] != items[1]["signature"]
