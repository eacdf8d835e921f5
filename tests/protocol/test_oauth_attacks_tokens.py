"""Attacks on what was issued, as RFC 9700 sections 4.9 and 4.10 list them, on the whole server.

Those that other tests try already are named in docs/conformance/oauth.md.
"""

from tests.protocol.attack_world import Stage, stage
from tests.world.dpop import DpopKey
from tests.world.world import SERVER

__all__ = ["stage"]

KEYS = "/v1/credentials"
TOKEN = "/oauth/token"


async def bound(stage: Stage, key: DpopKey) -> str:
    """Return an access token of the bank that is bound to a key."""
    code = (await stage.allowed())["code"]
    answer = await stage.redeem(code, headers={"DPoP": await stage.proof(key, "POST", TOKEN)})
    assert answer.json()["token_type"] == "DPoP", answer.text
    return str(answer.json()["access_token"])


async def test_t35_what_a_counterfeit_server_was_sent_is_of_no_use_to_it(stage: Stage) -> None:
    """RFC 9700 section 4.9.1: it has the token, and a proof for its own address."""
    key, clock = DpopKey.new(stage.world.clock), stage.world.clock
    token = await bound(stage, key)
    for_evil = await stage.proof(key, "GET", KEYS, token, "https://evil.example")
    by_evil = await stage.proof(DpopKey.new(clock), "GET", KEYS, token)
    right = await stage.proof(key, "GET", KEYS, token)

    answers = [await stage.keys(f"DPoP {token}", DPoP=proof) for proof in (for_evil, by_evil, right)]

    assert [answer.status_code for answer in answers] == [401, 401, 200]


async def test_t35_no_parameter_makes_a_token_for_another_server(stage: Stage) -> None:
    """RFC 9700 sections 2.3 and 4.9.1, RFC 9068 section 3."""
    code, evil = (await stage.allowed())["code"], "https://evil.example/"
    answer = await stage.redeem(code, resource=evil, audience=evil)

    me = (stage.bank.client.id, stage.bank.secret or "")
    looked_at = await stage.http.post("/oauth/introspect", data={"token": answer.json()["access_token"]}, auth=me)

    assert (looked_at.json()["aud"], looked_at.json()["client_id"]) == (SERVER, stage.bank.client.id)


async def test_t35_a_stolen_token_that_is_bound_opens_nothing(stage: Stage) -> None:
    """RFC 9700 section 4.10.1: neither as a bearer token nor with a proof that was used."""
    key = DpopKey.new(stage.world.clock)
    token = await bound(stage, key)
    proof = await stage.proof(key, "GET", KEYS, token)
    assert (await stage.keys(f"DPoP {token}", DPoP=proof)).status_code == 200

    answers = [
        await stage.keys(f"Bearer {token}"),
        await stage.keys(f"Bearer {token}", DPoP=await stage.proof(key, "GET", KEYS, token)),
        await stage.keys(f"DPoP {token}"),
        await stage.keys(f"DPoP {token}", DPoP=proof),
    ]

    assert [answer.status_code for answer in answers] == [401] * 4


async def test_t35_a_stolen_token_is_dead_once_its_signer_takes_it_back(stage: Stage) -> None:
    """RFC 9700 section 4.10; docs/authorization.md section 5."""
    token = await stage.token()
    assert (await stage.keys(f"Bearer {token}")).status_code == 200

    await stage.browser.go("/account")
    await stage.browser.press("Take back")

    assert (await stage.keys(f"Bearer {token}")).status_code == 401
