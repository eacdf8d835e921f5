"""Applications on JavaScript's OAuth libraries work against this server unchanged."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.outside.scene import BACK, Program, Registered, Scene, node, program, scene_of
from tests.world import live
from tests.world.clock import HandClock
from tests.world.pdfs import simple_pdf
from tests.world.softhsm import SoftHsm

pytestmark = pytest.mark.asyncio(loop_scope="package")
PROGRAMS = ("openid-client.mjs", "oauth4webapi.mjs")
OPENID_CLIENT = PROGRAMS[0]
HASH = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
DETAIL = {"type": "signature", "text": "Please sign", "hashes": [HASH], "hash_algorithm": "sha256"}
TO_CONFIRM_S = 300


@asynccontextmanager
async def started(scene: Scene, script: str, application: Registered, **plan: Any) -> AsyncIterator[Program]:
    """Start a program with its plan."""
    who = {"client_id": application.id, "jwk": application.jwk, "secret": application.secret}
    async with program(node(), script) as client:
        await client.tell({"issuer": scene.world.url, "redirect_uri": BACK, **who, **plan})
        yield client


async def outcome(scene: Scene, script: str, application: Registered, signer: Any = None, **plan: Any) -> Any:
    """Let a program do its part, and the signer theirs; return what the program tells in the end.

    signer: takes the address to which the program sends the signer, and returns the one to which they are sent back.
    """
    async with started(scene, script, application, **plan) as client:
        told = await client.hear()
        assert "go_to" in told, told
        await client.tell({"came_back_to": await (signer or scene.authorize)(told["go_to"])})
        return await client.hear()


@pytest.mark.parametrize("script", PROGRAMS)
async def test_an_application_gets_refreshes_looks_at_and_revokes_a_token_bound_to_its_key(scene: Scene, script: str):
    application = await scene.application()
    plan = {"scope": "service", "dpop": True, "par": True, "resource": "/v1/credentials"}
    told = await outcome(scene, script, application, **plan)

    assert (told["token_type"].lower(), told["scope"], told["refreshed"]) == ("dpop", "service", True), told
    assert told["resource"]["status"] == 200
    assert [key["id"] for key in told["resource"]["body"]["items"]] == [scene.signer.credential_id]
    assert told["introspected"]["active"] is True
    assert told["introspected"]["username"] == scene.signer.user.login
    assert told["after_revocation"] == {"active": False}


@pytest.mark.parametrize("script", PROGRAMS)
async def test_an_application_has_the_phone_confirm_one_signature_and_reads_it(scene: Scene, script: str):
    application = await scene.application(par=True)
    plan = {"scope": "credential", "details": [DETAIL], "par": True, "dpop": True}
    told = await outcome(scene, script, application, scene.ask_phone, resource="/v1/signatures/{signature}", **plan)

    assert "failed" not in told, told
    assert told["details"][0]["credential_id"] == scene.signer.credential_id
    assert (told["resource"]["status"], told["resource"]["body"]["state"]) == (200, "signed")


async def test_a_public_application_without_a_secret_uses_pkce_alone(scene: Scene):
    application = await scene.public_application()
    told = await outcome(scene, OPENID_CLIENT, application, scope="service", resource="/v1/credentials")

    assert told["resource"]["status"] == 200, told
    assert "refreshed" not in told  # RFC 9700 section 2.2.2: not without a key that it is bound to


async def test_an_application_uploads_a_document_by_its_own_token_bound_to_its_key(scene: Scene):
    application = await scene.application(dpop=True)
    pdf = base64.b64encode(simple_pdf()).decode()
    plan = {"dpop": True, "upload": pdf, "resource": "/v1/documents?name=contract.pdf"}
    async with started(scene, OPENID_CLIENT, application, **plan) as client:
        told = await client.hear()

    assert told["token_type"].lower() == "dpop", told
    assert (told["resource"]["status"], told["resource"]["body"].get("size")) == (201, len(simple_pdf())), told


async def test_the_second_use_of_a_refresh_token_ends_what_came_of_it_too(scene: Scene):
    """RFC 9700 section 4.14.2."""
    application = await scene.application()
    told = await outcome(scene, OPENID_CLIENT, application, scope="service", dpop=True, reuse=True)

    assert told["refreshed"] is True, told
    assert (told["first_again"], told["second"]) == ("invalid_grant", "invalid_grant")
    assert told["introspected"] == {"active": False}


async def test_an_application_learns_that_the_signer_declined(scene: Scene):
    application = await scene.application()

    async def declining(url: str) -> str:
        return await scene.authorize(url, "Ask my phone", scene.decline)

    told = await outcome(scene, OPENID_CLIENT, application, declining, scope="credential", details=[DETAIL])

    assert (told.get("failed"), told.get("description")) == ("access_denied", "the signer declined"), told
    answer = parse_qs(told["cause"])
    assert answer["iss"] == [scene.world.url]
    assert set(answer) == {"error", "error_description", "iss", "state"}


async def test_an_application_learns_that_nobody_confirmed_in_time(
    softhsm: SoftHsm, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock = HandClock(datetime.now(UTC))
    monkeypatch.setattr(live, "SystemClock", lambda: clock)

    async def pass_time() -> None:
        clock.move(TO_CONFIRM_S + 1)

    async with live.live_world(softhsm, sqlite_url, tmp_path) as world, scene_of(world) as scene:

        async def dawdling(url: str) -> str:
            return await scene.authorize(url, "Ask my phone", pass_time)

        application = await scene.application_with_secret()
        told = await outcome(scene, OPENID_CLIENT, application, dawdling, scope="credential", details=[DETAIL])

    assert (told.get("failed"), told.get("description")) == ("access_denied", "the time to confirm has passed"), told


async def test_nobody_is_sent_to_an_address_that_is_not_registered(scene: Scene):
    application = await scene.application()
    elsewhere = "https://elsewhere.example/back"
    async with started(scene, OPENID_CLIENT, application, scope="service", redirect_uri=elsewhere) as client:
        await scene.visitor.go((await client.hear())["go_to"])

    assert scene.visitor.left_for == ""
    assert scene.visitor.page.answer.status_code == 400
    assert not [link for link in scene.visitor.page.links.values() if link.startswith(elsewhere)]
