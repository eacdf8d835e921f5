"""POST /oauth/token: what tokens are bound to, and which scopes are a client's own."""

from dss.kernel import b64
from dss.oauth.client_certificate import fingerprint, x5t
from tests.protocol.oauth_world import OAuthWorld, world
from tests.world.asgi import BASE
from tests.world.dpop import DpopKey
from tests.world.tls_client import self_signed

__all__ = ["world"]

CERTIFICATE = self_signed()
OVER_TLS = {"Client-Cert": f":{b64.encode(CERTIFICATE)}:"}
OWN = {"grant_type": "client_credentials"}


async def test_a_token_is_bound_to_the_key_that_the_client_proves(world: OAuthWorld):
    """RFC 9449 section 5."""
    key = DpopKey.new(world.clock)
    told = (await world.ask(world.shop, await world.proof(key), **OWN)).json()

    assert told["token_type"] == "DPoP"
    assert (await world.tokens.verify(told["access_token"])).jkt == key.jkt


async def test_a_token_is_bound_to_the_certificate_of_its_connection(world: OAuthWorld):
    """RFC 8705 section 3: whichever way the client authenticates."""
    told = (await world.ask(world.shop, OVER_TLS, **OWN)).json()

    assert told["token_type"] == "Bearer"
    assert (await world.tokens.verify(told["access_token"])).x5t == x5t(CERTIFICATE)


async def test_a_client_that_authenticates_by_its_certificate_gets_a_bound_token(world: OAuthWorld):
    """RFC 8705 sections 2.2 and 3."""
    by_tls = await world.registered("By TLS", "signatures", certificates=(fingerprint(CERTIFICATE),))
    told = (await world.http.post("/oauth/token", data={**OWN, "client_id": by_tls.client.id}, headers=OVER_TLS)).json()

    assert (await world.tokens.verify(told["access_token"])).x5t == x5t(CERTIFICATE)


async def test_a_client_that_is_registered_for_bound_tokens_gets_no_others(world: OAuthWorld):
    """T35: RFC 9449 section 5.2, dpop_bound_access_tokens."""
    strict = await world.registered("Strict", dpop=True)
    plain = await world.ask(strict, **OWN)
    proven = await world.ask(strict, await world.proof(DpopKey.new(world.clock)), **OWN)

    assert (plain.status_code, plain.json()["error"]) == (400, "invalid_dpop_proof")
    assert proven.json()["token_type"] == "DPoP"


async def test_a_proof_is_used_once_and_for_the_token_endpoint_only(world: OAuthWorld):
    """T35: RFC 9449 section 11.1."""
    key = DpopKey.new(world.clock)
    proof = await world.proof(key)
    elsewhere = {"DPoP": key.proof("POST", f"{BASE}/oauth/par", await world.proofs.nonce())}

    answers = [await world.ask(world.shop, headers, **OWN) for headers in (proof, proof, elsewhere)]

    assert [answer.status_code for answer in answers] == [200, 400, 400]
    assert {answer.json()["error"] for answer in answers[1:]} == {"invalid_dpop_proof"}


async def test_the_scopes_of_signers_are_never_a_clients_own(world: OAuthWorld):
    """docs/authorization.md section 3: the two kinds are never in one token."""
    both = await world.registered("Both", "signatures", "service", "credential")

    assert (await world.ask(both, **OWN)).json()["scope"] == "signatures"
    for scope in ("service", "credential", "signatures service"):
        assert (await world.ask(both, **OWN, scope=scope)).json()["error"] == "invalid_scope"


async def test_a_public_client_has_no_tokens_of_its_own(world: OAuthWorld):
    """RFC 6749 section 4.4: only confidential clients."""
    app = await world.registered("Phone app", public=True)

    answer = await world.ask(app, await world.proof(DpopKey.new(world.clock)), **OWN)

    assert answer.json()["error"] == "unauthorized_client"
