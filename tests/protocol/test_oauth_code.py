"""POST /oauth/token with a code: what a client gets for it, and what becomes of one that is stolen or used twice."""

import asyncio
from collections import Counter

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from dss.clients.profile import GrantType
from dss.kernel.ids import GrantId
from dss.oauth.grant import Stage
from dss.oauth.tables import grants
from tests.protocol.oauth_world import ALICE, CALLBACK, DETAIL, VERIFIER, OAuthWorld, world, world_on_each
from tests.world.dpop import DpopKey

__all__ = ["world", "world_on_each"]

WRONG_VERIFIER = VERIFIER[::-1]
OTHER_CALLBACK = "https://shop.example/other"


def grant_of(code: str) -> GrantId:
    """The id that a code names."""
    return GrantId(code.split(".", maxsplit=1)[0])


async def test_a_code_becomes_a_token_for_the_signer(world: OAuthWorld):
    """RFC 6749 section 4.1.4, RFC 9068 section 2.2."""
    shop = await world.registered("Web shop")
    code = await world.allowed(shop.client)

    answer = await world.redeem(shop, code)

    told = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 600, "service")
    assert set(told) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    keys = KeySet.import_key_set((await world.http.get("/oauth/jwks.json")).json())
    claims = jwt.decode(told["access_token"], keys, algorithms=["ES256"]).claims
    assert (claims["sub"], claims["client_id"], claims["grant"]) == (ALICE, shop.client.id, grant_of(code))
    assert claims["auth_time"] == int(world.clock.now().timestamp())


async def test_a_token_for_a_signature_carries_it_and_cannot_be_refreshed(world: OAuthWorld):
    """RFC 9396 section 7; docs/authorization.md section 3."""
    shop = await world.registered("Web shop")
    code = await world.allowed(shop.client, scopes=("credential",), details=(DETAIL,))

    told = (await world.redeem(shop, code)).json()

    assert (told["scope"], told["authorization_details"]) == ("credential", [DETAIL])
    assert "refresh_token" not in told
    claims = await world.tokens.verify(told["access_token"])
    assert claims.signatures == {DETAIL["signature_id"]}


async def test_a_client_that_is_not_registered_for_refreshing_gets_no_refresh_token(world: OAuthWorld):
    shop = await world.registered("Web shop", "service", grants=(GrantType.AUTHORIZATION_CODE,))

    told = (await world.redeem(shop, await world.allowed(shop.client))).json()

    assert "refresh_token" not in told


async def test_a_client_may_leave_the_redirect_uri_out(world: OAuthWorld):
    """OAuth 2.1 dropped the parameter of RFC 6749 section 4.1.3."""
    shop = await world.registered("Web shop")

    answer = await world.redeem(shop, await world.allowed(shop.client), redirect_uri="")

    assert answer.status_code == 200


async def test_a_second_use_of_a_code_takes_back_the_tokens_of_the_first(world: OAuthWorld):
    """T33: RFC 6749 section 4.1.2."""
    shop = await world.registered("Web shop")
    code = await world.allowed(shop.client)
    first = (await world.redeem(shop, code)).json()
    assert await world.is_good(first["access_token"])

    again = await world.redeem(shop, code)

    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert not await world.is_good(first["access_token"])
    assert (await world.refresh(shop, first["refresh_token"])).json()["error"] == "invalid_grant"
    grant = await world.grants.get(grant_of(code))
    assert (grant.stage, grant.why) == (Stage.ENDED, "reused")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": WRONG_VERIFIER},
        {"code_verifier": ""},
        {"code_verifier": VERIFIER[:42]},
        {"code_verifier": f"{VERIFIER}="},
        {"redirect_uri": OTHER_CALLBACK},
    ],
)
async def test_a_right_code_with_anything_wrong_ends_its_grant(world: OAuthWorld, changes: dict[str, str]):
    """T33: a code that was injected, a verifier left out (PKCE downgrade, RFC 9700 section 4.8), a redirect swap."""
    shop = await world.registered("Web shop", redirect_uris=(CALLBACK, OTHER_CALLBACK))
    code = await world.allowed(shop.client)

    refused = await world.redeem(shop, code, **changes)
    afterwards = await world.redeem(shop, code)

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert refused.content == afterwards.content, "one answer for all that can be wrong"
    assert (await world.grants.get(grant_of(code))).why == "misused"


async def test_a_code_of_another_client_ends_its_grant(world: OAuthWorld):
    """T33: RFC 6749 section 4.1.3, a code that was stolen by another client."""
    shop, thief = await world.registered("Web shop"), await world.registered("Thief")
    code = await world.allowed(shop.client)

    assert (await world.redeem(thief, code)).json()["error"] == "invalid_grant"
    assert (await world.redeem(shop, code)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("place", [0, 25, 27, -1])
async def test_a_code_that_was_not_written_here_changes_nothing(world: OAuthWorld, place: int):
    """docs/authorization.md section 5: nobody ends the grants of others by guessing."""
    shop = await world.registered("Web shop")
    code = await world.allowed(shop.client)
    letters = list(code)
    letters[place] = "A" if letters[place] != "A" else "Q"

    assert (await world.redeem(shop, "".join(letters))).json()["error"] == "invalid_grant"
    assert (await world.redeem(shop, code)).status_code == 200


@pytest.mark.parametrize("code", ["x", "a.b", "é", "0" * 26 + "." + "A" * 43])
async def test_what_is_no_code_is_refused_as_a_wrong_one(world: OAuthWorld, code: str):
    shop = await world.registered("Web shop")

    assert (await world.redeem(shop, code)).json()["error"] == "invalid_grant"


async def test_without_a_code_the_request_is_malformed(world: OAuthWorld):
    """RFC 6749 section 5.2."""
    shop = await world.registered("Web shop")

    assert (await world.redeem(shop, "")).json()["error"] == "invalid_request"


async def test_a_refresh_token_is_no_code_and_a_code_no_refresh_token(world: OAuthWorld):
    shop = await world.registered("Web shop")
    code = await world.allowed(shop.client)
    told = (await world.redeem(shop, code)).json()

    assert (await world.redeem(shop, told["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await world.refresh(shop, code)).json()["error"] == "invalid_grant"
    assert await world.is_good(told["access_token"])


async def test_a_code_is_good_for_60_seconds(world: OAuthWorld):
    """RFC 6749 section 4.1.2; its end needs no other."""
    shop = await world.registered("Web shop")
    late, early = await world.allowed(shop.client), await world.allowed(shop.client)
    world.clock.move(59.9)
    assert (await world.redeem(shop, early)).status_code == 200
    world.clock.move(0.1)

    assert (await world.redeem(shop, late)).json()["error"] == "invalid_grant"
    assert (await world.grants.get(grant_of(late))).stage is Stage.ISSUED


async def test_a_client_that_does_not_prove_itself_does_not_touch_the_code(world: OAuthWorld):
    """Authentication comes first: whoever saw a code in a log cannot end its grant."""
    shop = await world.registered("Web shop")
    code = await world.allowed(shop.client)

    refused = await world.redeem(shop, code, client_secret="wrong")

    assert refused.json()["error"] == "invalid_client"
    assert (await world.redeem(shop, code)).status_code == 200


async def test_a_code_that_is_bound_to_a_key_needs_that_key(world: OAuthWorld):
    """T35: RFC 9449 section 10."""
    shop, key, other = await world.registered("Web shop"), DpopKey.new(world.clock), DpopKey.new(world.clock)
    right, stolen = [await world.allowed(shop.client, dpop_jkt=key.jkt) for _ in range(2)]

    told = (await world.redeem(shop, right, await world.proof(key))).json()
    refused = await world.redeem(shop, stolen, await world.proof(other))

    assert told["token_type"] == "DPoP"
    assert (await world.tokens.verify(told["access_token"])).jkt == key.jkt
    assert refused.json()["error"] == "invalid_grant"
    assert (await world.redeem(shop, stolen, await world.proof(key))).json()["error"] == "invalid_grant"


async def test_a_proof_without_the_nonce_costs_nothing_but_another_request(world: OAuthWorld):
    """RFC 9449 section 8."""
    shop, key = await world.registered("Web shop"), DpopKey.new(world.clock)
    code = await world.allowed(shop.client, dpop_jkt=key.jkt)

    refused = await world.redeem(shop, code, await world.proof(key, nonce=""))
    nonce = refused.headers["dpop-nonce"]

    assert (refused.status_code, refused.json()["error"]) == (400, "use_dpop_nonce")
    assert (await world.redeem(shop, code, await world.proof(key, nonce=nonce))).status_code == 200


async def test_a_public_client_needs_its_verifier_and_gets_refresh_tokens_only_with_a_key(world: OAuthWorld):
    """OAuth 2.1; RFC 9700 section 2.2.2."""
    app, key = await world.registered("Phone app", public=True), DpopKey.new(world.clock)

    plain = (await world.redeem(app, await world.allowed(app.client))).json()
    bound = (await world.redeem(app, await world.allowed(app.client), await world.proof(key))).json()

    assert "refresh_token" not in plain
    assert bound["refresh_token"]


async def test_a_grant_that_was_altered_is_nobodys(world: OAuthWorld):
    """T33, T25: a row that says another scope or another client does not fit its seal."""
    shop = await world.registered("Web shop")
    code = await world.allowed(shop.client)
    await world.intruder.edit(grants, grant_of(code), scopes=["credential"])

    assert (await world.redeem(shop, code)).json()["error"] == "invalid_grant"
    assert [told.event.subject for told in await world.audit.newest(1, "alarm.")] == [f"grant:{grant_of(code)}"]


async def test_without_the_hsm_the_code_stays_good(world: OAuthWorld):
    shop = await world.registered("Web shop")
    code = await world.allowed(shop.client)
    world.keys.stopped = True
    refused = await world.redeem(shop, code)
    world.keys.stopped = False

    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert (await world.redeem(shop, code)).status_code == 200


async def test_each_step_of_a_grant_is_told_in_the_log(world: OAuthWorld):
    shop = await world.registered("Web shop")
    code = await world.allowed(shop.client)
    told = (await world.redeem(shop, code)).json()
    await world.refresh(shop, told["refresh_token"])
    await world.redeem(shop, code)

    events = [told.event for told in await world.audit.of_subject(f"grant:{grant_of(code)}")]

    client = f"client:{shop.client.id}"
    assert [(event.kind, event.actor) for event in events] == [
        ("grant.issued", f"user:{ALICE}"),
        ("grant.redeemed", client),
        ("grant.refreshed", client),
        ("grant.ended", client),
    ]
    assert dict(events[-1].details) == {"why": "reused"}


async def test_of_fifty_redemptions_at_once_one_is_served_and_the_others_end_what_it_got(world_on_each: OAuthWorld):
    """T33: docs/authorization.md section 5; the server cannot know which of them was the client."""
    w = world_on_each
    shop = await w.registered("Web shop")
    code = await w.allowed(shop.client)

    answers = await asyncio.gather(*(w.redeem(shop, code) for _ in range(50)))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 49}
    assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
    (served,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert not await w.is_good(served["access_token"])
    assert (await w.refresh(shop, served["refresh_token"])).json()["error"] == "invalid_grant"
    kinds = Counter(told.event.kind for told in await w.audit.of_subject(f"grant:{grant_of(code)}"))
    assert kinds == {"grant.issued": 1, "grant.redeemed": 1, "grant.ended": 1}
