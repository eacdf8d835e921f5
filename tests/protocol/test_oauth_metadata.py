"""What clients find out about the authorization server by themselves. Source: RFC 8414, RFC 7517."""

from datetime import timedelta

import pytest

from dss.oauth.issuer import Issuer, Lifetimes
from dss.oauth.key_rotation import KeyRotation
from dss.oauth.metadata import Offered, metadata
from dss.oauth.token_key import SHOWN_AFTER, SHOWN_BEFORE
from dss.web.oauth.api import OAUTH
from tests.protocol.oauth_world import OAuthWorld, world
from tests.world.asgi import BASE

__all__ = ["world"]

ISSUER = Issuer(BASE, ("signatures", "service"))


async def test_the_metadata_are_where_the_issuer_s_name_says(world: OAuthWorld):
    """RFC 8414 section 3."""
    told = (await world.http.get("/.well-known/oauth-authorization-server")).json()

    assert told["issuer"] == BASE
    assert told["response_types_supported"] == ["code"]
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["require_pushed_authorization_requests"] is False
    assert told["authorization_details_types_supported"] == ["signature"]


@pytest.mark.parametrize("path", ["/.well-known/oauth-authorization-server", "/oauth/jwks.json"])
async def test_what_is_found_out_is_kept_for_less_time_than_a_key_is_shown_before_it_signs(
    world: OAuthWorld, path: str
):
    """RFC 9111 section 5.2.2."""
    told = (await world.http.get(path)).headers["cache-control"]

    assert told == "public, max-age=300"
    assert timedelta(seconds=300) < SHOWN_BEFORE


async def test_every_endpoint_that_is_told_is_below_the_issuer_and_serves(world: OAuthWorld):
    told = (await world.http.get("/.well-known/oauth-authorization-server")).json()
    served = {BASE + operation.declared.path for operation in OAUTH.operations}

    endpoints = {value for name, value in told.items() if name.endswith("_endpoint") or name == "jwks_uri"}

    assert endpoints - served == {f"{BASE}/oauth/authorize"}  # a page for people, not a part of this protocol


def test_public_clients_may_revoke_and_not_introspect():
    told = metadata(ISSUER, Offered())

    assert "none" in told.token_endpoint_auth_methods_supported
    assert "none" in told.revocation_endpoint_auth_methods_supported
    assert "none" not in told.introspection_endpoint_auth_methods_supported


@pytest.mark.parametrize(
    ("offered", "methods"),
    [
        (Offered(), set()),
        (Offered(cas=True), set()),
        (Offered(tls=True), {"self_signed_tls_client_auth"}),
        (Offered(tls=True, cas=True), {"self_signed_tls_client_auth", "tls_client_auth"}),
    ],
    ids=["nothing", "CAs without a proxy", "a proxy", "a proxy and CAs"],
)
def test_certificates_are_told_of_where_they_can_reach_the_server(offered: Offered, methods: set[str]):
    """RFC 8705 sections 2 and 3.3."""
    told = metadata(ISSUER, offered)

    assert {name for name in told.token_endpoint_auth_methods_supported if "tls" in name} == methods
    assert told.tls_client_certificate_bound_access_tokens == offered.tls


@pytest.mark.parametrize("password", [True, False])
def test_the_password_grant_is_told_of_where_the_operator_wants_it(password: bool):
    assert ("password" in metadata(ISSUER, Offered(password=password)).grant_types_supported) == password


def test_no_algorithm_is_told_of_that_signs_nothing_or_with_a_shared_secret():
    """T30; RFC 8725 section 3.1."""
    told = metadata(ISSUER, Offered())

    for algorithms in (
        told.token_endpoint_auth_signing_alg_values_supported,
        told.revocation_endpoint_auth_signing_alg_values_supported,
        told.introspection_endpoint_auth_signing_alg_values_supported,
        told.dpop_signing_alg_values_supported,
    ):
        assert "ES256" in algorithms
        assert not [name for name in algorithms if name == "none" or name.startswith("HS")]


async def kids(world: OAuthWorld) -> list[str]:
    keys = (await world.http.get("/oauth/jwks.json")).json()["keys"]
    assert {(key["kty"], key["crv"], key["use"], key["alg"]) for key in keys} == {("EC", "P-256", "sig", "ES256")}
    assert not [key for key in keys if "d" in key]
    return [key["kid"] for key in keys]


async def test_the_next_key_is_shown_before_it_signs_and_tokens_of_both_are_taken(world: OAuthWorld):
    """RFC 7517 section 5; docs/authorization.md section 5."""
    bank, lifetime = await world.registered("Bank"), Lifetimes().token
    rotation = KeyRotation(world.database, world.keys, world.audit, world.clock, lifetime)
    await rotation.make("operator:test")
    first, second = await kids(world)

    async def token() -> str:
        answer = await world.ask(bank, grant_type="client_credentials", scope="signatures")
        return str(answer.json()["access_token"])

    world.clock.move(SHOWN_BEFORE.total_seconds() - 1)
    before = await token()
    world.clock.move(1)
    after = await token()

    assert [(await world.tokens.verify(text)).kid for text in (before, after)] == [first, second]
    assert await kids(world) == [first, second]
    world.clock.move((lifetime + SHOWN_AFTER).total_seconds())
    assert await kids(world) == [second]
