"""Operators stop an application: nothing that it has is good any more, and nothing comes back when it is resumed.

Source: docs/authorization.md section 2.
"""

import asyncio
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from dss.kernel.ids import ClientId
from dss.oauth import pkce
from dss.oauth.authorization_errors import PageFault
from dss.oauth.grant import NewGrant, Stage
from dss.transactions.machine import State
from tests.stories.test_authorized_signatures import CALLBACK, VERIFIER, answer, stage
from tests.stories.test_authorized_signatures import Stage as Shop
from tests.world.pdfs import simple_pdf
from tests.world.world import OPERATOR, world

__all__ = ["stage", "world"]

KEYS = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "service", "code_challenge_method": "S256"}
REQUEST = {**KEYS, "code_challenge": pkce.challenge_of(VERIFIER)}


async def suspend(shop: Shop) -> None:
    """Suspend the application, some seconds after what it did."""
    shop.world.clock.move(5)
    await shop.world.services.suspending.suspend(ClientId(shop.application.id), OPERATOR)


async def resume(shop: Shop) -> None:
    """Resume it, some seconds later."""
    shop.world.clock.move(5)
    await shop.world.services.suspending.resume(ClientId(shop.application.id), OPERATOR)


async def form(shop: Shop, path: str, **fields: str) -> httpx.Response:
    """Send a form of the application, with its secret."""
    who = (shop.application.id, shop.application.secret)
    return await shop.world.http().post(path, data=fields, auth=who)


async def signers_token(shop: Shop) -> str:
    """Have Alice let the application read her keys; return the access token."""
    new = NewGrant(
        client_id=ClientId(shop.application.id),
        user_id=shop.alice.user.id,
        session_id=shop.session().id,
        scopes=("service",),
        redirect_uri=CALLBACK,
        code_challenge=REQUEST["code_challenge"],
        authenticated_at=shop.world.clock.now(),
    )
    code = await shop.world.services.grants.issue(new)
    told = await form(shop, "/oauth/token", grant_type="authorization_code", code=code, code_verifier=VERIFIER)
    return str(told.json()["access_token"])


async def reads(shop: Shop, path: str, token: str) -> int:
    """Read what a token opens; return the status."""
    return (await shop.world.http().get(path, headers={"Authorization": f"Bearer {token}"})).status_code


async def opened(shop: Shop, own: str, alices: str) -> list[int]:
    """Read by the application's own token, and by Alice's; return the statuses."""
    return [await reads(shop, "/v1/signatures", own), await reads(shop, "/v1/credentials", alices)]


def own_token(shop: Shop) -> str:
    """Return the access token that the application has got for itself."""
    return shop.application.http.headers["Authorization"].removeprefix("Bearer ")


async def test_its_tokens_are_refused_at_once_its_own_and_signers(stage: Shop):
    own, alices = own_token(stage), await signers_token(stage)
    assert await opened(stage, own, alices) == [200, 200]

    await suspend(stage)

    assert await opened(stage, own, alices) == [401, 401]


async def test_it_gets_nothing_and_looks_unknown(stage: Shop):
    await suspend(stage)
    asked = {
        "/oauth/token": {"grant_type": "client_credentials"},
        "/oauth/par": REQUEST,
        "/oauth/revoke": {"token": "a-token"},
        "/oauth/introspect": {"token": "a-token"},
    }
    for path, fields in asked.items():
        refused = await form(stage, path, **fields)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client"), path

    with pytest.raises(PageFault) as here:
        await stage.authorizing.read_query(urlencode({"client_id": stage.application.id, **REQUEST}).encode())
    with pytest.raises(PageFault) as nobodys:
        await stage.authorizing.read_query(urlencode({"client_id": "0" * 26, **REQUEST}).encode())
    assert here.value.detail == nobodys.value.detail


async def test_what_it_asked_of_signers_ends(stage: Shop):
    asked: dict[str, Any] = await stage.application.ask(stage.alice, simple_pdf())
    grant = await stage.consents()
    assert len(await stage.alice.phone.waiting()) == 2

    await suspend(stage)

    assert await stage.alice.phone.waiting() == []
    told = answer(await stage.authorizing.finish(grant, stage.session()))
    assert told == {"error": "access_denied", "error_description": "the request was cancelled"}
    ended = await stage.world.services.grants.get(grant)
    assert (ended.stage, ended.why) == (Stage.ENDED, "the application is suspended")
    assert "transaction.cancelled" in await stage.world.tells(f"transaction:{asked['id']}")


async def test_what_is_prepared_for_it_ends(stage: Shop):
    documents = [await stage.application.upload(simple_pdf()) for _ in range(101)]
    wish = {
        "credential_id": stage.alice.credential_id,
        "text": "All",
        "documents": [{"id": one["id"]} for one in documents],
    }
    asked = await stage.application.post("/v1/signatures", wish, status=201)
    await suspend(stage)
    await resume(stage)
    await stage.application.log_in()
    assert (await stage.application.get(f"/v1/signatures/{asked['id']}"))["state"] == State.CANCELLED


async def test_resumed_it_works_again_and_nothing_that_was_ended_comes_back(stage: Shop):
    own, alices = own_token(stage), await signers_token(stage)
    await suspend(stage)
    await resume(stage)

    await stage.application.log_in()
    assert await opened(stage, own, alices) == [401, 401]
    assert await stage.world.services.grants.living(stage.alice.user.id) == []
    assert await opened(stage, own_token(stage), await signers_token(stage)) == [200, 200]


async def test_another_application_goes_on(stage: Shop):
    other = await stage.world.application("Other Ltd")
    await other.ask(stage.alice, simple_pdf())
    await suspend(stage)
    assert len(await stage.alice.phone.waiting()) == 1
    await other.get("/v1/signatures")


async def test_what_slipped_through_at_the_moment_of_the_suspension_ends_when_it_is_resumed(stage: Shop):
    await suspend(stage)
    grants, now = stage.world.services.grants, stage.world.clock.now()
    new = NewGrant(
        ClientId(stage.application.id), stage.alice.user.id, stage.session().id, ("service",), CALLBACK, "c" * 43, now
    )
    await grants.issue(new)
    assert len(await grants.living(stage.alice.user.id)) == 1
    await resume(stage)
    assert await grants.living(stage.alice.user.id) == []


async def test_suspended_by_two_operators_at_once_it_is_suspended(stage: Shop):
    done = await asyncio.gather(*(suspend(stage) for _ in range(3)), return_exceptions=True)
    assert None in done
    client = await stage.world.services.clients.get(ClientId(stage.application.id))
    assert client.profile.suspended
    told = await stage.world.tells(f"client:{stage.application.id}")
    assert told.count("client.suspended") == 1
