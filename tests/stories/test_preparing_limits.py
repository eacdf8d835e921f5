"""Stories of what documents cost to prepare: who may not ask has none prepared, and nobody fills the disk."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from dss.documents.service import Documents
from dss.kernel.ids import CredentialId
from dss.kernel.policy import Mode, Policy
from tests.stories.pestering import Stage, shared_world, stage, staged, usual_world
from tests.world.pdfs import simple_pdf
from tests.world.softhsm import SoftHsm
from tests.world.world import OPERATOR

__all__ = ["shared_world", "stage"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

FEW, MANY = 2, 101


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the documents that are prepared in a test."""
    prepare, names = Documents.prepare, []

    async def prepare_and_tell(self: Documents, document: Any, how: Any) -> Any:
        names.append(document.name)
        return await prepare(self, document, how)

    monkeypatch.setattr(Documents, "prepare", prepare_and_tell)
    return names


async def ask(stage: Stage, count: int, **more: str) -> httpx.Response:
    """Ask Alice to sign one document so many times."""
    document = await stage.shop.upload(simple_pdf())
    wish = {"credential_id": stage.alice.credential_id, "documents": [{"id": document["id"]}] * count}
    return await stage.shop.http.post("/v1/signatures", json=wish | more)


@pytest.mark.parametrize("count", [FEW, MANY])
async def test_t56_who_was_blocked_has_nothing_prepared(stage: Stage, prepared: list[str], count: int) -> None:
    await stage.decline(await stage.asked(), cause="not_me")
    assert (await ask(stage, count)).status_code == 403
    assert prepared == []
    assert await stage.refusals() == [(f"client:{stage.shop.id}", "blocked")]


@pytest.mark.parametrize("count", [FEW, MANY])
async def test_t56_who_asks_too_much_has_nothing_prepared(stage: Stage, prepared: list[str], count: int) -> None:
    for _ in range(10):
        await stage.asked()
    refused = await ask(stage, count)
    assert (refused.status_code, int(refused.headers["Retry-After"])) == (429, 300)
    assert prepared == []


async def test_t56_who_is_blocked_meanwhile_has_no_more_prepared(stage: Stage, prepared: list[str]) -> None:
    id = (await ask(stage, MANY)).json()["id"]
    await stage.world.services.preparing.next()
    before = len(prepared)
    await stage.decline(await stage.asked(), cause="not_me")
    await stage.world.settle()
    told = await stage.state(id)
    assert (0 < before < MANY, len(prepared)) == (True, before)
    assert (told["state"], told["reason"]) == ("failed", "the signer takes no requests of this application")


async def test_while_too_much_awaits_the_answer_preparing_pauses(stage: Stage, prepared: list[str]) -> None:
    id = (await ask(stage, MANY)).json()["id"]
    for _ in range(10):
        await stage.asked()
    await stage.world.settle()
    assert ((await stage.state(id))["state"], prepared) == ("preparing", [])
    stage.world.clock.move(301)
    await stage.shop.log_in()
    await stage.shop.post(f"/v1/signatures/{id}/cancel", None, status=200)


@pytest.mark.parametrize("count", [FEW, MANY])
async def test_t56_documents_that_are_too_large_together_are_refused_and_the_limit_told(
    softhsm: SoftHsm, sqlite_url: str, tmp_path: Path, prepared: list[str], count: int
) -> None:
    limit = count * len(simple_pdf())
    async with usual_world(softhsm, sqlite_url, tmp_path, signature_limit=limit) as world:
        stage = await staged(world)
        refused = await ask(stage, count + 1)
        assert (refused.status_code, prepared) == (422, [])
        assert f"at most {limit} bytes together" in refused.json()["detail"]
        assert (await ask(stage, count)).status_code == 201


async def test_t29_a_policy_that_is_raised_while_documents_are_prepared_holds(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, strict = Documents.prepare, Policy(verification={"sign": Mode.CHOOSE})

    async def raise_and_prepare(self: Documents, document: Any, how: Any) -> Any:
        monkeypatch.undo()
        made = await prepare(self, document, how)
        await stage.world.services.policies.change_credential(CredentialId(stage.alice.credential_id), strict, OPERATOR)
        return made

    monkeypatch.setattr(Documents, "prepare", raise_and_prepare)
    asked = await ask(stage, FEW)
    assert (asked.status_code, asked.json()["verification"]["mode"]) == (201, "choose")


async def test_a_key_that_is_blocked_while_documents_are_prepared_leaves_no_file(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage.world.services.settings.documents / "made"
    before = {path for path in made.rglob("*") if path.is_file()}
    prepare, left = Documents.prepare, FEW

    async def prepare_and_block(self: Documents, document: Any, how: Any) -> Any:
        nonlocal left
        left -= 1
        stored = await prepare(self, document, how)
        if not left:
            await stage.alice.phone.suspend(stage.alice.credential_id)
        return stored

    monkeypatch.setattr(Documents, "prepare", prepare_and_block)
    assert (await ask(stage, FEW)).status_code == 409
    assert {path for path in made.rglob("*") if path.is_file()} == before
