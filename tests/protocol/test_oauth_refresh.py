"""POST /oauth/token with a refresh token: each is good once, and an older one ends them all."""

import asyncio
from collections import Counter
from datetime import timedelta

from dss.clients.change import Change
from dss.clients.profile import GrantType
from dss.clients.service import Registered
from dss.kernel.ids import GrantId
from dss.oauth.grant import Stage
from tests.protocol.oauth_world import ALICE, OAuthWorld, world, world_on_each
from tests.world.dpop import DpopKey

__all__ = ["world", "world_on_each"]

MONTH_S = timedelta(days=30).total_seconds()


async def shop_with_tokens(world: OAuthWorld) -> tuple[Registered, dict[str, str]]:
    """A client, and the tokens that it got for a code."""
    shop = await world.registered("Web shop")
    return shop, (await world.redeem(shop, await world.allowed(shop.client))).json()


async def test_a_refresh_token_brings_new_tokens(world: OAuthWorld):
    """RFC 6749 section 6."""
    shop, first = await shop_with_tokens(world)

    second = (await world.refresh(shop, first["refresh_token"])).json()

    assert (second["scope"], second["token_type"], second["expires_in"]) == ("service", "Bearer", 600)
    assert second["refresh_token"] != first["refresh_token"]
    assert (await world.refresh(shop, second["refresh_token"], scope="service")).status_code == 200
    claims = await world.tokens.verify(second["access_token"])
    assert (claims.user_id, claims.scopes) == (ALICE, {"service"})


async def test_an_older_refresh_token_ends_the_whole_family(world: OAuthWorld):
    """T33: RFC 9700 section 4.14.2."""
    shop, first = await shop_with_tokens(world)
    second = (await world.refresh(shop, first["refresh_token"])).json()

    reused = await world.refresh(shop, first["refresh_token"])

    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert (await world.refresh(shop, second["refresh_token"])).json()["error"] == "invalid_grant"
    for told in (first, second):
        assert not await world.is_good(told["access_token"])
    grant = await world.grants.get(GrantId(first["refresh_token"].split(".")[0]))
    assert (grant.stage, grant.why) == (Stage.ENDED, "reused")


async def test_a_refresh_token_of_another_client_ends_the_family(world: OAuthWorld):
    """T33: it was stolen."""
    shop, told = await shop_with_tokens(world)
    thief = await world.registered("Thief")

    assert (await world.refresh(thief, told["refresh_token"])).json()["error"] == "invalid_grant"
    assert not await world.is_good(told["access_token"])
    assert (await world.refresh(shop, told["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_number_cannot_be_written_into_a_refresh_token(world: OAuthWorld):
    shop, told = await shop_with_tokens(world)
    id, _, mac = told["refresh_token"].split(".")

    for text in (f"{id}.2.{mac}", f"{id}.0.{mac}", f"{id}.{mac}", f"{id}.01.{mac}"):
        assert (await world.refresh(shop, text)).json()["error"] == "invalid_grant"
    assert (await world.refresh(shop, told["refresh_token"])).status_code == 200


async def test_a_scope_beyond_what_was_allowed_is_refused_and_spends_nothing(world: OAuthWorld):
    """RFC 6749 section 6."""
    shop, told = await shop_with_tokens(world)

    for scope in ("service credential", "signatures", "credential"):
        assert (await world.refresh(shop, told["refresh_token"], scope=scope)).json()["error"] == "invalid_scope"
    assert (await world.refresh(shop, told["refresh_token"])).status_code == 200


async def test_refresh_tokens_end_30_days_after_the_consent_and_access_tokens_with_them(world: OAuthWorld):
    """docs/authorization.md section 5."""
    shop, told = await shop_with_tokens(world)
    world.clock.move(MONTH_S - 60)
    told = (await world.refresh(shop, told["refresh_token"])).json()
    assert told["expires_in"] == 60
    world.clock.move(60)

    assert (await world.refresh(shop, told["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_public_clients_refresh_token_needs_the_key_it_was_given_with(world: OAuthWorld):
    """T35: RFC 9449 section 5."""
    app, key = await world.registered("Phone app", public=True), DpopKey.new(world.clock)
    told = (await world.redeem(app, await world.allowed(app.client), await world.proof(key))).json()
    told = (await world.refresh(app, told["refresh_token"], await world.proof(key))).json()

    stolen = await world.refresh(app, told["refresh_token"], await world.proof(DpopKey.new(world.clock)))

    assert stolen.json()["error"] == "invalid_grant"
    assert not await world.is_good(told["access_token"])


async def test_a_confidential_client_may_change_its_dpop_key(world: OAuthWorld):
    """RFC 9449 section 5: its refresh tokens are bound by its authentication."""
    shop, other = await world.registered("Web shop"), DpopKey.new(world.clock)
    told = (
        await world.redeem(shop, await world.allowed(shop.client), await world.proof(DpopKey.new(world.clock)))
    ).json()

    told = (await world.refresh(shop, told["refresh_token"], await world.proof(other))).json()

    assert told["token_type"] == "DPoP"
    assert (await world.tokens.verify(told["access_token"])).jkt == other.jkt


async def test_a_client_that_may_refresh_no_more_is_told_so(world: OAuthWorld):
    shop, told = await shop_with_tokens(world)
    fewer = Change(grants=(GrantType.CLIENT_CREDENTIALS, GrantType.AUTHORIZATION_CODE))
    await world.clients.change(shop.client.id, fewer, "operator:test")

    assert (await world.refresh(shop, told["refresh_token"])).json()["error"] == "unauthorized_client"


async def test_of_fifty_refreshes_at_once_one_is_served_and_the_others_end_the_family(world_on_each: OAuthWorld):
    """T33: RFC 9700 section 4.14.2."""
    w = world_on_each
    shop, first = await shop_with_tokens(w)

    answers = await asyncio.gather(*(w.refresh(shop, first["refresh_token"]) for _ in range(50)))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 49}
    assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
    (served,) = [answer.json() for answer in answers if answer.status_code == 200]
    for told in (first, served):
        assert not await w.is_good(told["access_token"])
    assert (await w.refresh(shop, served["refresh_token"])).json()["error"] == "invalid_grant"
