"""Stories of documents that are signed in a session, where nobody is shown them: only those that were meant are."""

import hashlib
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from dss.devices.items import Item
from dss.documents.tables import documents
from dss.kernel.digest import Digest
from dss.kernel.errors import Invalid
from dss.kernel.ids import ClientId, CredentialId, TransactionId
from dss.kernel.policy import Bounds
from dss.transactions import entries, preparing_store
from dss.transactions.model import Entry, OpenSigning
from dss.transactions.preparation import Preparation, Stage
from dss.transactions.tables import preparations
from tests.stories.desk import Desk, begun, count
from tests.stories.shop import Shop, shop
from tests.world.pdfs import simple_pdf

__all__ = ["shop"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def uploaded(shop: Shop) -> dict[str, str]:
    """Upload a PDF; return how a wish names it."""
    pdf = simple_pdf()
    return {"id": (await shop.application.upload(pdf))["id"], "sha256": hashlib.sha256(pdf).hexdigest()}


async def problem(desk: Desk, *wished: dict[str, str]) -> tuple[int, str]:
    """Ask for documents to be signed in the session; return how it is refused."""
    answer = await desk.sign(hashes=[], documents=wished)
    return answer.status_code, answer.json()["detail"]


async def prepare(desk: Desk, wish: OpenSigning) -> Preparation:
    """Put a preparation with a hash that is ready into the database, past the server."""
    services = desk.shop.world.services
    now = services.clock.now()
    put = Preparation(TransactionId("0" * 26), wish, Stage.PREPARING, 0, now, now)
    async with services.database.write() as connection:
        await preparing_store.add(connection, put)
        await entries.add(connection, put.id, [Entry(Item(0, "hash", "ecdsa", Digest.of(b"a debt")))])
    return put


def wish_of(desk: Desk) -> OpenSigning:
    return OpenSigning(
        client_id=ClientId(desk.shop.application.id),
        credential_id=CredentialId(desk.signer.credential_id),
        text="",
        session_id=TransactionId(desk.session),
    )


async def test_a_document_whose_hash_is_told_is_signed(shop: Shop) -> None:
    desk = await begun(shop)
    asked = await desk.sign(hashes=[], documents=[await uploaded(shop)])
    assert asked.status_code == 201, asked.text
    await shop.world.settle()
    (signed,) = (await shop.application.get(f"/v1/signatures/{asked.json()['id']}"))["documents"]
    assert signed["state"] == "signed"


async def test_t37_a_document_whose_hash_is_not_told_is_not_signed(shop: Shop) -> None:
    desk, document = await begun(shop), await uploaded(shop)
    says = "documents[1]: in a session the sha256 of each document is needed"
    assert await problem(desk, document, {"id": document["id"]}) == (422, says)
    assert (await desk.told())["used"] == 0


async def test_t03_a_document_that_was_exchanged_in_the_database_is_not_signed(shop: Shop) -> None:
    desk, document, other = await begun(shop), await uploaded(shop), b"another debt"
    async with shop.world.services.database.write() as connection:
        row = sa.update(documents).where(documents.c.id == document["id"])
        await connection.execute(row.values(sha256=hashlib.sha256(other).digest()))
    assert await problem(desk, document) == (409, "documents[0]: the uploaded document has another SHA-256")
    assert (await desk.told())["used"] == 0


async def test_t37_more_documents_than_are_prepared_in_one_call_are_refused(shop: Shop) -> None:
    desk, document = await begun(shop), await uploaded(shop)
    says = "in a session one signature takes at most 100 documents, not 101"
    assert await problem(desk, *[document] * 101) == (422, says)


async def test_t37_a_preparation_that_was_put_into_the_database_is_not_signed_in_a_session(shop: Shop) -> None:
    desk = await begun(shop)
    put = await prepare(desk, wish_of(desk))
    await shop.world.settle()

    told: Any = await shop.application.get(f"/v1/signatures/{put.id}")
    assert (told["state"], told["reason"]) == ("failed", "what is signed in a session is not prepared beforehand")
    assert (await count(desk), (await desk.told())["used"]) == (0, 0)


async def test_t37_a_session_that_was_put_into_a_preparation_that_goes_on_ends_it(shop: Shop) -> None:
    desk, document = await begun(shop, 50, bounds=Bounds(50, 30)), await uploaded(shop)
    wish = {"credential_id": desk.signer.credential_id, "documents": [document] * 101}
    id = (await shop.application.post("/v1/signatures", wish))["id"]
    preparing, database = shop.world.services.preparing, shop.world.services.database
    await preparing.next()
    async with database.write() as connection:
        stored = msgspec.to_builtins(wish_of(desk))
        await connection.execute(sa.update(preparations).where(preparations.c.id == id).values(wish=stored))
    await shop.world.settle()
    assert (await shop.application.get(f"/v1/signatures/{id}"))["state"] == "failed"
    assert (await count(desk), (await desk.told())["used"]) == (0, 0)


async def test_t37_no_preparation_begins_for_a_session(shop: Shop) -> None:
    desk = await begun(shop)
    with pytest.raises(Invalid, match="prepared beforehand"):
        await shop.world.services.preparing.start(wish_of(desk))
