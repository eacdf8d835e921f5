"""POST /oauth/token with a signer's password, for clients that are registered for it. Source: RFC 6749 section 4.3."""

import httpx
import pytest

from dss.clients.profile import GrantType
from dss.clients.service import Registered
from dss.kernel.errors import TooMany
from dss.oauth.grant import Stage
from tests.protocol.oauth_world import ALICE, PASSWORD, WITH_CODE, OAuthWorld, world

__all__ = ["world"]


async def old_app(world: OAuthWorld) -> Registered:
    """A client that may hand in passwords."""
    return await world.registered("Old app", grants=(*WITH_CODE, GrantType.PASSWORD))


async def ask(world: OAuthWorld, who: Registered, **changes: str) -> httpx.Response:
    """Hand in the right password, but for what is changed."""
    right = {"grant_type": "password", "username": "alice", "password": PASSWORD}
    return await world.ask(who, **{**right, **changes})


async def test_a_password_becomes_a_token_that_reads_keys_and_is_never_refreshed(world: OAuthWorld):
    """docs/authorization.md section 2."""
    app = await old_app(world)

    answer = await ask(world, app)

    told = answer.json()
    assert (answer.status_code, told["scope"], told["expires_in"]) == (200, "service", 600)
    assert "refresh_token" not in told
    claims = await world.tokens.verify(told["access_token"])
    assert (claims.user_id, claims.client_id) == (ALICE, app.client.id)


async def test_what_a_password_gave_is_among_what_the_signer_allowed_and_ends_with_it(world: OAuthWorld):
    told = (await ask(world, await old_app(world))).json()
    (grant,) = await world.grants.living(ALICE)

    await world.grants.end_all_of(ALICE, "password changed", f"user:{ALICE}")

    assert (grant.stage, grant.generation) == (Stage.REDEEMED, 0)
    assert not await world.is_good(told["access_token"])


@pytest.mark.parametrize("changes", [{"username": "nobody"}, {"password": "wrong"}])
async def test_a_wrong_login_and_a_wrong_password_get_one_answer(world: OAuthWorld, changes: dict[str, str]):
    """T17: RFC 6749 section 5.2."""
    answer = await ask(world, await old_app(world), **changes)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert answer.json()["error_description"] == "the login or the password is wrong"
    assert [where.address for where in world.login.tries] == ["127.0.0.1"]


async def test_a_way_in_that_is_closed_is_told_with_how_long_it_is(world: OAuthWorld):
    """docs/authorization.md section 7; RFC 6585 section 4."""
    app = await old_app(world)
    world.login.closed = TooMany("too many wrong tries: try again in 30 s", retry_after=30)

    answer = await ask(world, app)

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize("scope", ["credential", "service credential", "signatures"])
async def test_a_password_authorizes_no_signature(world: OAuthWorld, scope: str):
    """T33: only the phone does; the password is not even tried."""
    answer = await ask(world, await old_app(world), scope=scope)

    assert (answer.json()["error"], world.login.tries) == ("invalid_scope", [])


@pytest.mark.parametrize("missing", ["username", "password"])
async def test_both_are_needed(world: OAuthWorld, missing: str):
    answer = await ask(world, await old_app(world), **{missing: ""})

    assert answer.json()["error"] == "invalid_request"


async def test_a_client_that_is_not_registered_for_it_tries_no_password(world: OAuthWorld):
    answer = await ask(world, await world.registered("Web shop"))

    assert (answer.json()["error"], world.login.tries) == ("unauthorized_client", [])
