"""What scripts of other origins may call and read: applications that live in a browser. Source: Fetch standard."""

import httpx
import pytest

from tests.world.world import World

ELSEWHERE = "https://app.example"
OPEN = ("/oauth/token", "/oauth/par", "/oauth/revoke", "/oauth/jwks.json", "/v1/credentials", "/v1/signatures/x")
SHUT = ("/oauth/authorize", "/oauth/introspect", "/signin", "/account", "/device/v1/transactions")


async def asked_before(world: World, path: str) -> httpx.Response:
    """What a browser asks before it sends what a script wishes."""
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,dpop"}
    async with world.http() as http:
        return await http.options(path, headers={"Origin": ELSEWHERE, **asks})


@pytest.mark.parametrize("path", OPEN)
async def test_a_script_may_send_tokens_and_proofs_of_its_own(world: World, path: str) -> None:
    told = await asked_before(world, path)

    assert (told.status_code, told.headers["access-control-allow-origin"]) == (200, "*")
    assert {"authorization", "dpop"} <= set(told.headers["access-control-allow-headers"].lower().split(", "))
    assert "access-control-allow-credentials" not in told.headers


@pytest.mark.parametrize("path", SHUT)
async def test_pages_for_people_are_read_by_no_script_of_another_origin(world: World, path: str) -> None:
    told = await asked_before(world, path)

    assert told.status_code >= 400
    assert not [name for name in told.headers if name.startswith("access-control")]


async def test_a_script_reads_the_nonce_for_its_next_proof(world: World) -> None:
    async with world.http() as http:
        refused = await http.post("/oauth/token", data={"grant_type": "x"}, headers={"Origin": ELSEWHERE})

    assert refused.headers["access-control-allow-origin"] == "*"
    assert "DPoP-Nonce" in refused.headers["access-control-expose-headers"]
