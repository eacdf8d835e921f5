"""Tokens bound to a key, at a resource: RFC 9449 sections 7 to 9, T35."""

import asyncio
from typing import Any

import httpx
import pytest

from dss.oauth.access_token import Wanted
from tests.protocol.resource_world import CLIENT, URL, ResourceWorld, world, world_on_each

__all__ = ["world", "world_on_each"]

ALGS = 'algs="ES256 ES384 PS256 RS256"'


def assert_refused(answer: httpx.Response, error: str, scheme: str = "DPoP") -> None:
    """Assert that the challenge names the fault (RFC 9449 section 7.1)."""
    more = f", {ALGS}" if scheme == "DPoP" else ""
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, f'{scheme} error="{error}"{more}')


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "PS256", "RS256"])
async def test_a_bound_token_with_its_proof_opens_a_resource(world_on_each: ResourceWorld, algorithm: str):
    world, key = world_on_each, world_on_each.key(algorithm)
    answer = await world.ask(await world.by(key, await world.token(jkt=key.jkt)))

    assert (answer.status_code, answer.json()["client"]) == (200, CLIENT)


async def test_t35_a_bound_token_without_its_proof_is_refused(world: ResourceWorld):
    """RFC 9449 section 9: it is told the nonce that its proof will need."""
    token = await world.token(jkt=world.key().jkt)
    answer = await world.ask({"Authorization": f"DPoP {token}"})

    assert_refused(answer, "invalid_dpop_proof")
    assert answer.headers["dpop-nonce"] == await world.proofs.nonce()


async def test_t35_a_bound_token_as_a_bearer_is_refused_also_with_its_proof(world: ResourceWorld):
    """RFC 9449 section 7.2: no downgrade."""
    key = world.key()
    token = await world.token(jkt=key.jkt)
    bearer = {"Authorization": f"Bearer {token}"}

    assert_refused(await world.ask(bearer), "invalid_token", "Bearer")
    assert_refused(await world.ask(await world.by(key, token) | bearer), "invalid_token", "Bearer")


async def test_a_token_that_is_bound_to_no_key_is_not_one_for_dpop(world: ResourceWorld):
    assert_refused(await world.ask(await world.by(world.key(), await world.token())), "invalid_token")


async def test_t35_a_stolen_token_is_of_no_use_with_another_key(world: ResourceWorld):
    token = await world.token(jkt=world.key().jkt)

    assert_refused(await world.ask(await world.by(world.key(), token)), "invalid_token")


async def test_t35_a_proof_is_good_once(world_on_each: ResourceWorld):
    """RFC 9449 section 11.1."""
    world, key = world_on_each, world_on_each.key()
    headers = await world.by(key, await world.token(jkt=key.jkt))

    assert (await world.ask(headers)).status_code == 200
    assert_refused(await world.ask(headers), "invalid_dpop_proof")


async def test_t35_of_ten_uses_of_a_proof_at_the_same_time_one_is_served(world_on_each: ResourceWorld):
    world, key = world_on_each, world_on_each.key()
    headers = await world.by(key, await world.token(jkt=key.jkt))
    answers = await asyncio.gather(*(world.ask(headers) for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9


async def test_the_same_id_by_two_keys_is_two_ids(world: ResourceWorld):
    for key in (world.key(), world.key()):
        headers = await world.by(key, await world.token(jkt=key.jkt), jti="1")
        assert (await world.ask(headers)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "POST"},
        {"htu": "https://sign.example/other"},
        {"htu": "https://thief.example/who"},
        {"iat": 0},
        {"ath": None},
        {"ath": "A" * 43},
        {"jti": None},
    ],
)
async def test_t35_a_proof_for_another_call_is_refused(world: ResourceWorld, changes: dict[str, Any]):
    key = world.key()
    headers = await world.by(key, await world.token(jkt=key.jkt), **changes)

    assert_refused(await world.ask(headers), "invalid_dpop_proof")


async def test_t35_the_host_that_a_caller_names_does_not_make_its_proof_right(world: ResourceWorld):
    key = world.key()
    headers = await world.by(key, await world.token(jkt=key.jkt), htu="https://thief.example/who")

    assert_refused(await world.ask(headers | {"Host": "thief.example"}), "invalid_dpop_proof")


async def test_a_query_is_no_part_of_what_is_proven(world: ResourceWorld):
    key = world.key()
    headers = await world.by(key, await world.token(jkt=key.jkt))
    async with world.client() as http:
        answer = await http.get("/who?limit=1", headers=headers)

    assert (answer.status_code, answer.json()["detail"]) == (422, "query parameter limit is not known here")


async def test_two_proofs_are_refused(world: ResourceWorld):
    """RFC 9449 section 4.3, item 1."""
    key = world.key()
    token = await world.token(jkt=key.jkt)
    one, two = [(await world.by(key, token))["DPoP"] for _ in range(2)]

    assert_refused(
        await world.ask([("Authorization", f"DPoP {token}"), ("DPoP", one), ("DPoP", two)]), "invalid_dpop_proof"
    )


@pytest.mark.parametrize("nonce", [None, "", "x", 7, "é"])
async def test_t35_a_proof_without_the_server_s_nonce_is_refused_and_told_it(world: ResourceWorld, nonce: Any):
    """RFC 9449 section 9."""
    key = world.key()
    token = await world.token(jkt=key.jkt)
    answer = await world.ask(await world.by(key, token, nonce=nonce))

    assert_refused(answer, "use_dpop_nonce")
    proof = key.proof("GET", URL, answer.headers["dpop-nonce"], token)
    assert (await world.ask({"Authorization": f"DPoP {token}", "DPoP": proof})).status_code == 200


async def test_a_nonce_is_good_for_five_minutes_at_most_and_the_next_one_is_told_before(world: ResourceWorld):
    """RFC 9449 section 8.2."""
    key, first = world.key(), await world.proofs.nonce()
    told = []
    for _ in range(3):
        headers = await world.by(key, await world.token(jkt=key.jkt), nonce=first)
        answer = await world.ask(headers)
        told.append((answer.status_code, answer.headers["dpop-nonce"] == first))
        world.clock.move(150)

    assert told == [(200, True), (200, False), (401, False)]


async def test_a_nonce_is_made_once_in_its_time(world: ResourceWorld):
    first = await world.proofs.nonce()
    world.keys.stopped = True

    assert await world.proofs.nonce() == first


async def test_an_answer_to_a_call_without_a_proof_tells_no_nonce(world: ResourceWorld):
    answer = await world.ask({"Authorization": f"Bearer {await world.token()}"})

    assert (answer.status_code, "dpop-nonce" in answer.headers) == (200, False)


async def test_a_scope_that_is_missing_is_told_in_the_scheme_of_the_call(world: ResourceWorld):
    key = world.key()
    wanted = await world.tokens.mint(Wanted(CLIENT, ("credentials",), jkt=key.jkt))
    answer = await world.ask(await world.by(key, wanted.text))

    assert answer.status_code == 403
    assert answer.headers["www-authenticate"] == f'DPoP error="insufficient_scope", scope="signatures", {ALGS}'


@pytest.mark.parametrize("proof", ["x", "a.b.c", ".." * 99, "é", "x" * 9000, "{}", ","])
async def test_a_malformed_proof_is_refused_and_breaks_nothing(world: ResourceWorld, proof: str):
    token = await world.token(jkt=world.key().jkt)
    async with world.client() as http:
        answer = await http.get("/who", headers={"Authorization": f"DPoP {token}", "DPoP": proof.encode()})

    assert_refused(answer, "invalid_dpop_proof")
