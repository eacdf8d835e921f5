"""Tokens that their clients take back. Source: RFC 7009; docs/authorization.md section 5."""

import asyncio
from typing import Any

import httpx
import pytest

from dss.clients.service import Registered
from dss.oauth.grant import Stage
from tests.protocol.oauth_world import OAuthWorld, world, world_on_each
from tests.world.relying_app import form

__all__ = ["world", "world_on_each"]

NOTHING = "the-token-of-nobody"


async def revoke(world: OAuthWorld, who: Registered, token: str, **more: str) -> httpx.Response:
    told = {"client_id": who.client.id, "client_secret": who.secret or "", "token": token, **more}
    return await world.http.post("/oauth/revoke", data=told)


async def signed_in(world: OAuthWorld, who: Registered, **headers: Any) -> dict[str, Any]:
    """The tokens of a signer's consent."""
    answer = await world.redeem(who, await world.allowed(who.client), **headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def own_token(world: OAuthWorld, who: Registered) -> str:
    answer = await world.ask(who, grant_type="client_credentials", scope="signatures")
    return str(answer.json()["access_token"])


async def test_an_access_token_is_refused_at_once(world_on_each: OAuthWorld):
    world = world_on_each
    bank = await world.registered("Bank")
    token, other = await own_token(world, bank), await own_token(world, bank)

    answer = await revoke(world, bank, token)

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert not await world.is_good(token)
    assert await world.is_good(other)


async def test_that_an_access_token_was_revoked_is_told_to_the_log(world: OAuthWorld):
    bank = await world.registered("Bank")
    token = await own_token(world, bank)
    jti = (await world.tokens.verify(token)).id

    await revoke(world, bank, token)

    issued, revoked = await world.audit.of_subject(f"token:{jti}")
    assert (issued.event.kind, revoked.event.kind) == ("token.issued", "token.revoked")
    assert revoked.event.actor == f"client:{bank.client.id}"


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
async def test_a_signer_s_token_takes_its_whole_grant_along(world_on_each: OAuthWorld, kind: str):
    """Section 2.1: the refresh token and the access tokens of the same authorization."""
    world = world_on_each
    bank = await world.registered("Bank")
    tokens = await signed_in(world, bank)
    claims = await world.tokens.verify(tokens["access_token"])
    assert claims.grant_id is not None

    assert (await revoke(world, bank, tokens[kind])).status_code == 200

    grant = await world.grants.get(claims.grant_id)
    assert (grant.stage, grant.why) == (Stage.ENDED, "revoked by the client")
    assert not await world.is_good(tokens["access_token"])
    refused = await world.refresh(bank, tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_an_older_refresh_token_ends_the_grant_too(world: OAuthWorld):
    bank = await world.registered("Bank")
    first = await signed_in(world, bank)
    second = (await world.refresh(bank, first["refresh_token"])).json()

    await revoke(world, bank, first["refresh_token"])

    assert not await world.is_good(second["access_token"])


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "saml2_token", "x" * 300])
async def test_a_wrong_hint_changes_nothing(world: OAuthWorld, hint: str):
    """Section 2.1: the hint helps, and does not decide."""
    bank = await world.registered("Bank")
    tokens = await signed_in(world, bank)

    assert (await revoke(world, bank, tokens["refresh_token"], token_type_hint=hint)).status_code == 200

    assert not await world.is_good(tokens["access_token"])


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
async def test_another_client_s_token_stays_good_and_the_answer_tells_nothing(world: OAuthWorld, kind: str):
    """Section 2.1: the token was issued to the client that asks."""
    bank, thief = await world.registered("Bank"), await world.registered("Thief")
    tokens = await signed_in(world, bank)

    answer = await revoke(world, thief, tokens[kind])
    unknown = await revoke(world, thief, NOTHING)

    assert (answer.status_code, answer.content) == (unknown.status_code, unknown.content) == (200, b"{}")
    assert await world.is_good(tokens["access_token"])
    assert (await world.refresh(bank, tokens["refresh_token"])).status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        NOTHING,
        "a.b.c",
        "eyJhbGciOiJub25lIn0.e30.",
        "0" * 26 + ".1." + "A" * 43,
        "ї",
        "x" * 20_000,
    ],
    ids=["words", "dots", "alg none", "a mac of nobody", "not ASCII", "long"],
)
async def test_what_is_no_token_is_as_good_as_revoked(world: OAuthWorld, text: str):
    """Section 2.2: an invalid token is no error."""
    assert (await revoke(world, await world.registered("Bank"), text)).status_code == 200


async def test_a_token_revoked_twice_is_revoked(world: OAuthWorld):
    bank = await world.registered("Bank")
    tokens = await signed_in(world, bank)

    for token in (tokens["access_token"], tokens["refresh_token"]) * 2:
        assert (await revoke(world, bank, token)).status_code == 200


async def test_a_token_that_has_ended_by_itself_is_no_error(world: OAuthWorld):
    bank = await world.registered("Bank")
    token = await own_token(world, bank)
    world.clock.move(601)

    assert (await revoke(world, bank, token)).status_code == 200


async def test_a_public_client_revokes_its_own_by_its_name_alone(world: OAuthWorld):
    app = await world.registered("App", "service", public=True)
    tokens = await signed_in(world, app)

    assert (await revoke(world, app, tokens["access_token"])).status_code == 200

    assert not await world.is_good(tokens["access_token"])


async def test_a_client_that_does_not_prove_itself_revokes_nothing(world: OAuthWorld):
    bank = await world.registered("Bank")
    token = await own_token(world, bank)

    for claimed in ({}, {"client_id": bank.client.id}, {"client_id": bank.client.id, "client_secret": "wrong"}):
        refused = await world.http.post("/oauth/revoke", data={"token": token, **claimed})
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")

    assert await world.is_good(token)


async def test_a_request_without_a_token_is_invalid(world: OAuthWorld):
    bank = await world.registered("Bank")

    refused = await world.http.post(
        "/oauth/revoke", data={"client_id": bank.client.id, "client_secret": bank.secret or ""}
    )

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_an_assertion_revokes_once(world: OAuthWorld):
    asked = form(world.acme.assertion())
    tokens = [(await world.http.post("/oauth/token", data=form(world.acme.assertion()))).json() for _ in range(2)]
    proof = {name: asked[name] for name in ("client_assertion", "client_assertion_type")}

    first, second = [
        await world.http.post("/oauth/revoke", data={**proof, "token": token["access_token"]}) for token in tokens
    ]

    assert (first.status_code, second.status_code) == (200, 401)
    assert [await world.is_good(token["access_token"]) for token in tokens] == [False, True]


async def test_while_the_hsm_is_away_the_client_may_try_again(world: OAuthWorld):
    """Section 2.2.1: 503, and the token is as good as before."""
    bank = await world.registered("Bank")
    tokens = await signed_in(world, bank)
    world.keys.stopped = True

    refused = await revoke(world, bank, tokens["refresh_token"])

    assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
    world.keys.stopped = False
    assert await world.is_good(tokens["access_token"])


async def test_whatever_is_refreshed_while_the_grant_is_revoked_dies_with_it(world_on_each: OAuthWorld):
    world = world_on_each
    bank = await world.registered("Bank")
    tokens = await signed_in(world, bank)

    refreshed, revoked = await asyncio.gather(
        world.refresh(bank, tokens["refresh_token"]), revoke(world, bank, tokens["access_token"])
    )

    assert revoked.status_code == 200
    given = [tokens, *([refreshed.json()] if refreshed.status_code == 200 else [])]
    for told in given:
        assert not await world.is_good(told["access_token"])
        assert (await world.refresh(bank, told["refresh_token"])).json()["error"] == "invalid_grant"
