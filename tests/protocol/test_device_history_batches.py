"""GET /device/v1/history of batches: how many there were, which were declined, and the evidence of each."""

import base64
import hashlib
import json

import pytest

from tests.protocol.prover import Prover
from tests.protocol.scene import HASH, Scene, scene
from tests.world.world import PIN

__all__ = ["scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

HISTORY = "/device/v1/history"
COUNT = 101
HASHES = [base64.b64encode(hashlib.sha256(b"%d" % number).digest()).decode() for number in range(COUNT)]


@pytest.fixture
def alice(scene: Scene) -> Prover:
    return Prover.of(scene.world, scene.alice.phone)


async def signed(scene: Scene, *declined: int) -> str:
    """A batch that was confirmed by a code on the page, but for some."""
    wish = scene.wish(hashes=HASHES, verification="compare")
    asked = await scene.shop.post("/v1/signatures", wish)
    phone, number = scene.alice.phone, asked["verification"]["number"]
    await phone.confirm(await phone.show(asked["id"]), PIN, number=number, declined_documents=declined)
    await scene.world.settle()
    return str(asked["id"])


async def test_a_batch_is_told_by_its_count_and_by_what_was_declined(scene: Scene, alice: Prover) -> None:
    id = await signed(scene, 0, 100)
    (entry,) = (await alice.call("GET", HISTORY, params={"limit": 1})).json()["entries"]
    assert (entry["id"], entry["documents"], entry["batch"], entry["declined"]) == (id, [], {"count": COUNT}, [0, 100])
    assert "hashes" not in entry
    assert (entry["verification"], entry["mode"]) == ("pin", "compare")
    (past,) = (await scene.alice.phone.history(1)).entries
    assert (past.batch, past.declined, past.mode) == (COUNT, (0, 100), "compare")


async def test_what_is_listed_tells_of_no_batch_and_of_no_mode(scene: Scene, alice: Prover) -> None:
    id = (await scene.shop.ask_hashes(scene.alice, HASH))["id"]
    await scene.sign(id)
    (entry,) = (await alice.call("GET", HISTORY, params={"limit": 1})).json()["entries"]
    assert entry["id"] == id
    assert not {"batch", "declined", "mode", "session"} & set(entry)


async def test_the_evidence_of_a_batch_is_asked_for_by_index(scene: Scene, alice: Prover) -> None:
    id = await signed(scene, 4)
    path = f"{HISTORY}/{id}/evidence"
    assert (await alice.call("GET", path, params={"index": 5})).status_code == 202
    await scene.world.seal()
    record = json.loads((await alice.call("GET", path, params={"index": 5})).content)
    assert record["leaf"]["item"]["index"] == 5
    assert json.loads(await scene.alice.phone.evidence(id, index=5)) == record
    asked = [(None, 409, "by its index"), (4, 409, "no signature"), (COUNT, 404, "no document"), (10_000, 422, "index")]
    for index, status, says in asked:
        refused = await alice.call("GET", path, params={} if index is None else {"index": index})
        assert (refused.status_code, says in refused.json()["detail"]) == (status, True), refused.text


async def test_what_is_no_batch_has_one_evidence_without_an_index(scene: Scene, alice: Prover) -> None:
    id = (await scene.shop.ask_hashes(scene.alice, HASH))["id"]
    await scene.sign(id)
    refused = await alice.call("GET", f"{HISTORY}/{id}/evidence", params={"index": 0})
    assert (refused.status_code, "without an index" in refused.json()["detail"]) == (422, True)
