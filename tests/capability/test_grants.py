"""What signers allowed: waiting for the phone, codes, ends. Source: docs/authorization.md section 5."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from dss.clients.service import Registered
from dss.kernel.errors import Conflict, NotFound, Tampered
from dss.kernel.ids import GrantId, TransactionId, UserId
from dss.oauth.grant import Stage
from dss.oauth.tables import grants
from tests.protocol.oauth_world import ALICE, DETAIL, OAuthWorld, world, world_on_each

__all__ = ["world", "world_on_each"]

SIGNATURE = TransactionId(DETAIL["signature_id"])


async def waiting(world: OAuthWorld, shop: Registered) -> GrantId:
    """A grant that waits five minutes for the phone."""
    until = world.clock.now() + timedelta(minutes=5)
    about = {"scopes": ("credential",), "details": (DETAIL,), "signature_id": SIGNATURE, "expires_at": until}
    return await world.grants.begin(world.new_grant(shop.client, client_state="xyz", **about))


async def test_a_grant_is_read_as_it_was_written(world_on_each: OAuthWorld):
    w = world_on_each
    shop = await w.registered("Web shop")

    grant = await w.grants.get(await waiting(w, shop))

    assert (grant.client_id, grant.user_id, grant.client_state) == (shop.client.id, ALICE, "xyz")
    assert (grant.scopes, grant.details, grant.signature_id) == (("credential",), (DETAIL,), SIGNATURE)
    assert (grant.stage, grant.generation, grant.created_at) == (Stage.PENDING, 0, w.clock.now())


async def test_the_code_of_a_confirmed_grant_is_the_same_each_time(world: OAuthWorld):
    """A page that is loaded again goes on to the client with the same code."""
    shop = await world.registered("Web shop")
    id = await waiting(world, shop)

    codes = await asyncio.gather(*(world.grants.issue_pending(id) for _ in range(10)))
    world.clock.move(30)

    assert {*codes, await world.grants.issue_pending(id)} == {codes[0]}
    world.clock.move(29)
    assert (await world.redeem(shop, codes[0])).status_code == 200


async def test_the_code_is_good_for_60_seconds_from_when_it_was_issued_first(world: OAuthWorld):
    shop = await world.registered("Web shop")
    id = await waiting(world, shop)
    world.clock.move(299)
    code = await world.grants.issue_pending(id)
    world.clock.move(60)

    with pytest.raises(Conflict):
        await world.grants.issue_pending(id)
    assert (await world.redeem(shop, code)).json()["error"] == "invalid_grant"


async def test_no_code_is_told_again_once_it_was_redeemed(world: OAuthWorld):
    """A browser that goes back must not bring a used code to the client, whose tokens it would end."""
    shop = await world.registered("Web shop")
    id = await waiting(world, shop)
    await world.redeem(shop, await world.grants.issue_pending(id))

    with pytest.raises(Conflict):
        await world.grants.issue_pending(id)


async def test_a_wait_that_is_over_gives_no_code(world: OAuthWorld):
    id = await waiting(world, await world.registered("Web shop"))
    world.clock.move(300)

    with pytest.raises(Conflict):
        await world.grants.issue_pending(id)


async def test_an_ended_wait_gives_no_code(world: OAuthWorld):
    id = await waiting(world, await world.registered("Web shop"))
    await world.grants.end(id, "declined", f"user:{ALICE}")

    with pytest.raises(Conflict):
        await world.grants.issue_pending(id)


async def test_a_grant_ends_once_and_keeps_its_first_reason(world_on_each: OAuthWorld):
    w = world_on_each
    shop = await w.registered("Web shop")
    told = (await w.redeem(shop, await w.allowed(shop.client))).json()
    (grant,) = await w.grants.living(ALICE)

    await asyncio.gather(*(w.grants.end(grant.id, f"reason {number}", "server") for number in range(10)))
    ended = await w.grants.get(grant.id)
    await w.grants.end(grant.id, "later", "server")

    assert await w.grants.get(grant.id) == ended
    assert not await w.is_good(told["access_token"])
    kinds = [told.event.kind for told in await w.audit.of_subject(f"grant:{grant.id}")]
    assert kinds.count("grant.ended") == 1


async def test_all_that_a_signer_allowed_ends_together_and_nobody_elses(world: OAuthWorld):
    shop, other = await world.registered("Web shop"), await world.registered("Other shop")
    bob = UserId("01KAJ9T8VX3N5Q7R9S1T2V4W60")
    for_bob = world.new_grant(shop.client)
    await world.grants.issue(replace(for_bob, user_id=bob))
    mine = [await world.allowed(client.client) for client in (shop, other)]
    assert [grant.id for grant in await world.grants.living(ALICE)] == [code.split(".")[0] for code in mine]

    await world.grants.end_all_of(ALICE, "signed out everywhere", f"user:{ALICE}")

    assert await world.grants.living(ALICE) == []
    assert len(await world.grants.living(bob)) == 1
    for client, code in zip((shop, other), mine, strict=True):
        assert (await world.redeem(client, code)).json()["error"] == "invalid_grant"


async def test_what_is_over_is_not_among_the_living(world: OAuthWorld):
    await world.allowed((await world.registered("Web shop")).client)
    world.clock.move(60)

    assert await world.grants.living(ALICE) == []


async def test_an_end_that_races_with_a_redemption_leaves_no_good_token(world_on_each: OAuthWorld):
    """T33: whichever is first, the tokens are dead."""
    w = world_on_each
    shop = await w.registered("Web shop")
    for _ in range(10):
        code = await w.allowed(shop.client)
        id = GrantId(code.split(".")[0])
        answer, _ = await asyncio.gather(w.redeem(shop, code), w.grants.end(id, "taken back", f"user:{ALICE}"))

        assert (await w.grants.get(id)).stage is Stage.ENDED
        if answer.status_code == 200:
            assert not await w.is_good(answer.json()["access_token"])
            assert (await w.refresh(shop, answer.json()["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_grant_that_nobody_made_is_not_found(world: OAuthWorld):
    with pytest.raises(NotFound):
        await world.grants.get(GrantId("0" * 26))


async def test_a_grant_that_was_put_back_is_found_out(world: OAuthWorld):
    """T33: the row as it was before it ended fits its seal, but the log knows a newer one."""
    shop = await world.registered("Web shop")
    code = await world.allowed(shop.client)
    id = GrantId(code.split(".")[0])
    before = await world.intruder.row(grants, id)
    await world.grants.end(id, "taken back", f"user:{ALICE}")
    await world.intruder.edit(grants, id, **{name: value for name, value in before.items() if name != "id"})

    with pytest.raises(Tampered):
        await world.grants.get(id)
    assert (await world.redeem(shop, code)).json()["error"] == "invalid_grant"
