"""POST /oauth/token with a signer's token: one application goes on for another. Source: RFC 8693."""

from typing import Any

import httpx
import pytest

from dss.clients.profile import GrantType
from dss.clients.service import Registered
from dss.kernel.ids import GrantId
from dss.oauth.access_token import Claims
from dss.oauth.exchange import ACCESS_TOKEN
from dss.oauth.revoked import Revoked
from tests.protocol.oauth_world import ALICE, DETAIL, OAuthWorld, world
from tests.protocol.test_oauth_introspect import alice
from tests.world.asgi import BASE
from tests.world.dpop import DpopKey

__all__ = ["alice", "world"]

EXCHANGES = (GrantType.CLIENT_CREDENTIALS, GrantType.TOKEN_EXCHANGE)
TYPES = {"subject_token_type": ACCESS_TOKEN, "actor_token_type": ACCESS_TOKEN}


async def archive_of(world: OAuthWorld, name: str = "Archive") -> Registered:
    """A client that may exchange tokens, and has no signers of its own."""
    return await world.registered(name, "signatures", "service", "credential", grants=EXCHANGES)


async def signers_token(world: OAuthWorld, **changes: Any) -> str:
    """What a shop got for a signer's consent."""
    shop = await world.registered("Web shop")
    told = (await world.redeem(shop, await world.allowed(shop.client, **changes))).json()
    return str(told["access_token"])


async def own_token(world: OAuthWorld, who: Registered, headers: dict[str, str] | None = None) -> str:
    """What a client got for itself."""
    return str((await world.ask(who, headers, grant_type="client_credentials")).json()["access_token"])


async def exchange(
    world: OAuthWorld, who: Registered, headers: dict[str, str] | None = None, **form: str
) -> httpx.Response:
    """Exchange a token."""
    return await world.ask(who, headers, **{"grant_type": GrantType.TOKEN_EXCHANGE, **TYPES, **form})


async def test_a_client_goes_on_for_the_same_signer(world: OAuthWorld):
    """RFC 8693 sections 2.2.1 and 4.1."""
    archive, subject = await archive_of(world), await signers_token(world)
    world.clock.move(100)

    answer = await exchange(world, archive, subject_token=subject, actor_token=await own_token(world, archive))

    told = answer.json()
    assert (answer.status_code, told["issued_token_type"], told["token_type"]) == (200, ACCESS_TOKEN, "Bearer")
    assert (told["scope"], told["expires_in"]) == ("service", 500), "no more than the token says, nor for longer"
    assert "refresh_token" not in told
    before, after = await world.tokens.verify(subject), await world.tokens.verify(told["access_token"])
    assert (after.user_id, after.client_id, after.grant_id) == (ALICE, archive.client.id, before.grant_id)
    assert (after.act, after.expires, after.auth_time) == ({"sub": archive.client.id}, before.expires, before.auth_time)


async def test_who_acted_before_stays_in_the_token(world: OAuthWorld):
    """RFC 8693 section 4.1."""
    first, second = await archive_of(world, "First"), await archive_of(world, "Second")
    token = await signers_token(world, scopes=("credential",), details=(DETAIL,))
    for who in (first, second):
        answer = await exchange(world, who, subject_token=token, actor_token=await own_token(world, who))
        token = answer.json()["access_token"]

    claims = await world.tokens.verify(token)
    assert claims.act == {"sub": second.client.id, "act": {"sub": first.client.id}}
    assert claims.signatures == {DETAIL["signature_id"]}


async def test_a_token_is_not_passed_on_without_end(world: OAuthWorld):
    archive, token = await archive_of(world), await signers_token(world)
    answers = []
    for _ in range(5):
        answers.append(await exchange(world, archive, subject_token=token, actor_token=await own_token(world, archive)))
        token = answers[-1].json().get("access_token", "")

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 400]


async def test_the_end_of_the_consent_ends_the_exchanged_token(world: OAuthWorld):
    """T33."""
    archive, subject = await archive_of(world), await signers_token(world)
    actor = await own_token(world, archive)
    token = (await exchange(world, archive, subject_token=subject, actor_token=actor)).json()["access_token"]

    grant_id = (await world.tokens.verify(token)).grant_id
    assert grant_id is not None
    await world.grants.end(GrantId(grant_id), "taken back", f"user:{ALICE}")

    assert not await world.is_good(token)
    refused = await exchange(world, archive, subject_token=subject, actor_token=actor)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"subject_token": ""}, "invalid_request"),
        ({"actor_token": ""}, "invalid_request"),
        ({"subject_token": "e30.e30.e30"}, "invalid_request"),
        ({"subject_token": "eyJhbGciOiJub25lIn0.e30."}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
        ({"actor_token_type": ""}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"audience": "https://other.example"}, "invalid_target"),
        ({"resource": f"{BASE}.other.example"}, "invalid_target"),
        ({"scope": "service credential"}, "invalid_scope"),
        ({"scope": "signatures"}, "invalid_scope"),
    ],
)
async def test_what_cannot_be_exchanged_is_told_by_its_code(world: OAuthWorld, changes: dict[str, str], error: str):
    """RFC 8693 section 2.2.2; T30: unsigned tokens."""
    archive, subject = await archive_of(world), await signers_token(world)
    right = {"subject_token": subject, "actor_token": await own_token(world, archive), "audience": BASE}

    answer = await exchange(world, archive, **{**right, **changes})

    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_the_actor_is_the_client_that_asks_and_the_subject_a_signer(world: OAuthWorld):
    """T35: a stolen token is not exchanged with another stolen one."""
    archive, other = await archive_of(world), await archive_of(world, "Other archive")
    subject, own, others = await signers_token(world), await own_token(world, archive), await own_token(world, other)

    for pair in ((subject, others), (subject, subject), (own, own), (others, own)):
        answer = await exchange(world, archive, subject_token=pair[0], actor_token=pair[1])
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_token_that_is_over_is_not_exchanged(world: OAuthWorld):
    archive, subject = await archive_of(world), await signers_token(world)
    world.clock.move(600)

    answer = await exchange(world, archive, subject_token=subject, actor_token=await own_token(world, archive))

    assert answer.json()["error"] == "invalid_request"


async def test_t35_a_bound_token_is_not_exchanged_without_its_key(world: OAuthWorld):
    """T35: whoever stole it has no key, and a key of their own is none of it."""
    key, own = DpopKey.new(world.clock), DpopKey.new(world.clock)
    archive, shop = await archive_of(world), await world.registered("Web shop")
    told = (await world.redeem(shop, await world.allowed(shop.client), await world.proof(key))).json()
    both = {"subject_token": told["access_token"], "actor_token": await own_token(world, archive)}

    for headers in ({}, await world.proof(own)):
        assert (await exchange(world, archive, headers, **both)).json()["error"] == "invalid_request"
    bound = (await exchange(world, archive, await world.proof(key), **both)).json()

    assert bound["token_type"] == "DPoP"
    assert (await world.tokens.verify(bound["access_token"])).jkt == key.jkt


async def test_t35_nobody_gets_by_an_exchange_what_they_are_not_registered_for(world: OAuthWorld):
    archive, subject = await world.registered("Archive", "signatures", grants=EXCHANGES), await signers_token(world)

    answer = await exchange(world, archive, subject_token=subject, actor_token=await own_token(world, archive))

    assert answer.json()["error"] == "invalid_scope"


async def test_t35_a_token_in_its_last_moment_is_not_exchanged_for_a_longer_one(
    world: OAuthWorld, monkeypatch: pytest.MonkeyPatch
):
    """The time runs out between its check and its exchange."""
    archive, subject = await archive_of(world), await signers_token(world)
    world.clock.move(300)
    actor, known = await own_token(world, archive), Revoked.refuses
    ends = (await world.tokens.verify(subject)).expires

    async def slow(self: Revoked, claims: Claims) -> bool:
        world.clock.move(max(ends - world.clock.now().timestamp(), 0))
        return await known(self, claims)

    monkeypatch.setattr(Revoked, "refuses", slow)
    answer = await exchange(world, archive, subject_token=subject, actor_token=actor)

    assert answer.json()["error"] == "invalid_request"


async def test_t33_who_exchanged_a_token_takes_back_that_one_only(world: OAuthWorld):
    """RFC 7009 section 2.1: the grant is the other client's."""
    shop, archive = await world.registered("Web shop"), await archive_of(world)
    told = (await world.redeem(shop, await world.allowed(shop.client))).json()
    actor = await own_token(world, archive)
    exchanged = (await exchange(world, archive, subject_token=told["access_token"], actor_token=actor)).json()

    form = {"client_id": archive.client.id, "client_secret": archive.secret, "token": exchanged["access_token"]}
    assert (await world.http.post("/oauth/revoke", data=form)).status_code == 200

    assert not await world.is_good(exchanged["access_token"])
    assert await world.is_good(told["access_token"])
    assert (await world.refresh(shop, told["refresh_token"])).status_code == 200


@pytest.mark.usefixtures("alice")
async def test_t16_what_was_signed_is_told_to_the_client_whose_grant_it_is_and_to_resource_servers(world: OAuthWorld):
    shop, archive = await world.registered("Web shop"), await archive_of(world)
    reader = await world.registered("Reader", introspects=True)
    code = await world.allowed(shop.client, scopes=("credential",), details=(DETAIL,))
    token = (await world.redeem(shop, code)).json()["access_token"]
    actor = await own_token(world, archive)
    exchanged = (await exchange(world, archive, subject_token=token, actor_token=actor)).json()["access_token"]

    seen = []
    for who, text in ((shop, token), (reader, exchanged), (archive, exchanged)):
        form = {"client_id": who.client.id, "client_secret": who.secret, "token": text}
        (detail,) = (await world.http.post("/oauth/introspect", data=form)).json()["authorization_details"]
        seen.append("text" in detail)

    assert seen == [True, True, False]


async def test_a_bound_actor_token_needs_its_key(world: OAuthWorld):
    """T35."""
    archive, subject, key = await archive_of(world), await signers_token(world), DpopKey.new(world.clock)
    both = {"subject_token": subject, "actor_token": await own_token(world, archive, await world.proof(key))}

    for headers in ({}, await world.proof(DpopKey.new(world.clock))):
        assert (await exchange(world, archive, headers, **both)).json()["error"] == "invalid_request"
    assert (await exchange(world, archive, await world.proof(key), **both)).status_code == 200


async def test_a_client_that_is_not_registered_for_it_exchanges_nothing(world: OAuthWorld):
    shop, subject = await world.registered("Shop without"), await signers_token(world)

    answer = await exchange(world, shop, subject_token=subject, actor_token=await own_token(world, shop))

    assert answer.json()["error"] == "unauthorized_client"
