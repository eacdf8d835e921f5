"""GET /device/v1/transactions/{id}/items: what a batch stands for (docs/device-protocol.md section 4)."""

import base64
import hashlib
import json
from typing import Any

import pytest

from dss.kernel import b64
from mobile_mock.forms import canonical
from tests.protocol.prover import Prover, payload_of
from tests.protocol.scene import ABSENT, Scene, scene
from tests.referee.merkle import leaf_hash, root_of
from tests.world.pdfs import simple_pdf

__all__ = ["scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

COUNT = 130
HASHES = [base64.b64encode(hashlib.sha256(b"%d" % number).digest()).decode() for number in range(COUNT)]


@pytest.fixture
def alice(scene: Scene) -> Prover:
    return Prover.of(scene.world, scene.alice.phone)


def path(id: str) -> str:
    return f"/device/v1/transactions/{id}/items"


async def items(prover: Prover, id: str, **query: int) -> list[bytes]:
    answer = await prover.call("GET", path(id), params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson"), answer.text
    assert not answer.content or answer.content.endswith(b"\n")
    return answer.content.splitlines()


async def ask(scene: Scene) -> str:
    return str((await scene.shop.ask_hashes(scene.alice, *HASHES))["id"])


async def end(scene: Scene, id: str) -> None:
    await scene.shop.post(f"/v1/signatures/{id}/cancel", None, status=200)


async def test_the_root_of_the_request_is_over_the_lines_as_they_come(scene: Scene, alice: Prover) -> None:
    """RFC 9162 section 2.1.1, by the referee's own tree."""
    id = await ask(scene)
    lines = await items(alice, id)
    shown = payload_of((await alice.call("GET", f"/device/v1/transactions/{id}")).json()["request"])
    root = b64.url_encode(root_of([leaf_hash(line) for line in lines]))
    assert (shown["documents"], shown["batch"]) == ([], {"count": COUNT, "root": root})
    told: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert [canonical(one) for one in told] == lines
    assert [one["index"] for one in told] == list(range(COUNT))
    assert [b64.url_decode(one["to_sign"]) for one in told] == [base64.b64decode(text) for text in HASHES]
    await end(scene, id)


async def test_a_batch_s_lines_are_given_page_by_page(scene: Scene, alice: Prover) -> None:
    id = await ask(scene)
    lines = await items(alice, id)
    assert await items(alice, id, after=7, limit=2) == lines[7:9]
    assert await items(alice, id, after=COUNT - 1) == lines[-1:]
    assert await items(alice, id, after=COUNT) == []
    for query in ({"limit": 0}, {"limit": 1001}, {"after": -1}):
        assert (await alice.call("GET", path(id), params=query)).status_code == 422
    await end(scene, id)


async def test_what_stands_in_the_request_itself_is_given_as_well(scene: Scene, alice: Prover) -> None:
    id = str((await scene.shop.ask(scene.alice, simple_pdf()))["id"])
    shown = payload_of((await alice.call("GET", f"/device/v1/transactions/{id}")).json()["request"])
    assert [json.loads(line) for line in await items(alice, id)] == shown["documents"]
    await end(scene, id)


async def test_items_are_there_until_the_transaction_has_ended_and_for_their_owner(scene: Scene, alice: Prover) -> None:
    id = await ask(scene)
    bob = Prover.of(scene.world, await scene.world.phone(await scene.world.user("bob")))
    assert (await bob.call("GET", path(id))).status_code == 404
    assert (await alice.call("GET", path(ABSENT))).status_code == 404
    await end(scene, id)
    assert (await alice.call("GET", path(id))).status_code == 404
