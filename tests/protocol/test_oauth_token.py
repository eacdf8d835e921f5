"""POST /oauth/token: what clients get, and what everybody else is told."""

import base64
from urllib.parse import quote, urlencode

import pytest
from joserfc import jwk, jwt

from dss.oauth.presented import Presented
from tests.protocol.oauth_world import OAuthWorld, world
from tests.world.asgi import BASE
from tests.world.relying_app import form

__all__ = ["world"]

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def basic(client_id: str, secret: str) -> dict[str, str]:
    """RFC 6749 section 2.3.1: both parts are form-encoded before they are joined."""
    both = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return {"Authorization": f"Basic {base64.b64encode(both.encode()).decode()}"}


async def test_a_client_gets_a_token_by_a_signed_assertion(world: OAuthWorld):
    """RFC 6749 sections 4.4.3 and 5.1."""
    answer = await world.http.post("/oauth/token", data=form(world.acme.assertion()))

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 600, "credentials signatures")


async def test_the_token_is_a_jwt_that_verifies_with_the_published_keys(world: OAuthWorld):
    """RFC 9068 section 2: judged by another library, from the published key set."""
    token = (await world.http.post("/oauth/token", data=form(world.acme.assertion()))).json()["access_token"]
    keys = jwk.KeySet.import_key_set((await world.http.get("/oauth/jwks.json")).json())

    read = jwt.decode(token, keys, algorithms=["ES256"])

    now = int(world.clock.now().timestamp())
    client_id = world.acme.client.id
    assert read.header == {"typ": "at+jwt", "alg": "ES256", "kid": keys.keys[0].thumbprint()}
    assert read.claims.pop("jti")
    assert read.claims == {
        "iss": BASE,
        "sub": client_id,
        "client_id": client_id,
        "aud": BASE,
        "iat": now,
        "exp": now + 600,
        "scope": "credentials signatures",
    }


async def test_the_token_names_its_caller(world: OAuthWorld):
    asked = form(world.acme.assertion(), scope="signatures")
    token = (await world.http.post("/oauth/token", data=asked)).json()["access_token"]

    caller = await world.calling.caller(Presented("GET", f"{BASE}/v1", f"Bearer {token}"))

    assert (caller.client_id, caller.scopes) == (world.acme.client.id, {"signatures"})
    assert caller.actor == f"client:{world.acme.client.id}"


async def test_a_token_leaves_an_audit_event(world: OAuthWorld):
    await world.http.post("/oauth/token", data=form(world.acme.assertion()))

    event = (await world.audit.newest(1))[0].event
    assert (event.kind, event.actor) == ("token.issued", f"client:{world.acme.client.id}")
    assert event.details == {"scope": "credentials signatures"}


async def test_a_client_gets_a_token_by_its_secret_in_the_header(world: OAuthWorld):
    headers = basic(world.shop.client.id, world.shop.secret)
    answer = await world.http.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)

    assert (answer.status_code, answer.json()["scope"]) == (200, "signatures")


async def test_a_client_gets_a_token_by_its_secret_in_the_form(world: OAuthWorld):
    asked = {"grant_type": "client_credentials", "client_id": world.shop.client.id, "client_secret": world.shop.secret}

    assert (await world.http.post("/oauth/token", data=asked)).status_code == 200


async def test_an_assertion_may_name_the_token_endpoint_and_the_client_in_the_form(world: OAuthWorld):
    assertion = world.acme.assertion(aud=[f"{BASE}/oauth/token"])
    asked = form(assertion, client_id=world.acme.client.id, unknown="ignored", scope="")

    assert (await world.http.post("/oauth/token", data=asked)).status_code == 200


async def test_unknown_clients_and_wrong_secrets_get_one_answer(world: OAuthWorld):
    """T17."""
    unknown = "0" * 26
    pairs = [(world.shop.client.id, "wrong"), (unknown, "wrong"), (world.acme.client.id, "x"), ("x", "x"), ("", "x")]
    asked = {"grant_type": "client_credentials"}
    answers = [await world.http.post("/oauth/token", data=asked, headers=basic(*pair)) for pair in pairs]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Basic realm="oauth"'}
    assert len({answer.content for answer in answers}) == 1
    assert {answer.json()["error"] for answer in answers} == {"invalid_client"}


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic !",
        "Basic /w==",
        "Basic " + "A" * 2000,
        *(f"Basic {base64.b64encode(pair).decode()}" for pair in (b"no colon", b"%ff:x", b"%00:%00")),
        "Bearer x",
    ],
)
async def test_credentials_that_cannot_be_read_are_refused(world: OAuthWorld, authorization: str):
    asked = {"grant_type": "client_credentials"}
    answer = await world.http.post("/oauth/token", data=asked, headers={"Authorization": authorization})

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "authorization_code"}, "unauthorized_client"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
        ({"scope": "signatures admin"}, "invalid_scope"),
        ({"scope": "signatures  credentials"}, "invalid_scope"),
        ({"scope": '"'}, "invalid_scope"),
        ({"client_assertion_type": "jwt"}, "invalid_request"),
        ({"client_id": "0" * 26}, "invalid_request"),
        ({"client_secret": "x"}, "invalid_request"),
        ({"scope": "a\x00b"}, "invalid_request"),
    ],
)
async def test_a_wrong_parameter_is_told_by_its_code(world: OAuthWorld, changes: dict[str, str], error: str):
    """RFC 6749 section 5.2."""
    answer = await world.http.post("/oauth/token", data=form(world.acme.assertion(), **changes))

    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.headers["cache-control"] == "no-store"


async def test_two_ways_to_authenticate_are_refused(world: OAuthWorld):
    """RFC 6749 section 2.3."""
    headers = basic(world.shop.client.id, world.shop.secret)
    answer = await world.http.post("/oauth/token", data=form(world.acme.assertion()), headers=headers)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_client_that_does_not_authenticate_is_refused(world: OAuthWorld):
    answer = await world.http.post("/oauth/token", data={"grant_type": "client_credentials"})

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_scope_beyond_the_clients_own_is_refused(world: OAuthWorld):
    """T31: a client cannot widen itself."""
    asked = {"grant_type": "client_credentials", "scope": "credentials"}
    headers = basic(world.shop.client.id, world.shop.secret)
    answer = await world.http.post("/oauth/token", data=asked, headers=headers)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


async def test_a_parameter_that_stands_twice_is_refused(world: OAuthWorld):
    """RFC 6749 section 3.2."""
    body = f"{urlencode(form(world.acme.assertion()))}&scope=signatures&scope=credentials"
    answer = await world.http.post("/oauth/token", content=body, headers=FORM)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("body", [b"", b"grant_type", b"grant_type=%ff", b"\xff=x", b"&" * 3000])
async def test_a_form_that_cannot_be_read_is_an_invalid_request(world: OAuthWorld, body: bytes):
    answer = await world.http.post("/oauth/token", content=body, headers=FORM)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_json_is_not_taken(world: OAuthWorld):
    answer = await world.http.post("/oauth/token", json=form(world.acme.assertion()))

    assert (answer.status_code, answer.json()["error"]) == (415, "invalid_request")
    assert "application/x-www-form-urlencoded" in answer.json()["error_description"]


async def test_an_oversize_form_is_refused_naming_the_limit(world: OAuthWorld):
    answer = await world.http.post("/oauth/token", data=form("x" * 40_000))

    assert (answer.status_code, answer.json()["error"]) == (413, "invalid_request")
    assert "32768 bytes" in answer.json()["error_description"]


async def test_parameters_in_the_query_are_refused(world: OAuthWorld):
    """RFC 6749 section 2.3.1: credentials must not stand in the request URI."""
    answer = await world.http.post("/oauth/token?client_id=x", data=form(world.acme.assertion()))

    assert answer.status_code == 400


async def test_the_token_endpoint_takes_post_only(world: OAuthWorld):
    """RFC 6749 section 3.2."""
    answer = await world.http.get("/oauth/token")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_without_the_hsm_no_token_is_given_and_the_assertion_is_not_spent(world: OAuthWorld):
    asked = form(world.acme.assertion())
    world.keys.stopped = True
    refused = await world.http.post("/oauth/token", data=asked)
    world.keys.stopped = False

    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert refused.headers["retry-after"] == "5"
    assert (await world.http.post("/oauth/token", data=asked)).status_code == 200


async def test_the_metadata_tells_what_there_is(world: OAuthWorld):
    """RFC 8414 section 2."""
    told = (await world.http.get("/.well-known/oauth-authorization-server")).json()

    assert told["issuer"] == BASE
    assert told["token_endpoint"] == f"{BASE}/oauth/token"
    assert told["grant_types_supported"][:2] == ["client_credentials", "authorization_code"]
    assert told["response_types_supported"] == ["code"]
    assert "none" not in told["token_endpoint_auth_signing_alg_values_supported"]
    assert (await world.http.get(told["jwks_uri"])).status_code == 200


async def test_the_published_keys_are_public_only(world: OAuthWorld):
    (key,) = (await world.http.get("/oauth/jwks.json")).json()["keys"]

    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
