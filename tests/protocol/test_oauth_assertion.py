"""Client assertions that must not be accepted: RFC 7523 section 3 and RFC 8725, one row each."""

import asyncio
import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk, jws

from dss.kernel.errors import DssError
from dss.oauth import client_assertion
from dss.oauth.errors import InvalidClient
from tests.protocol.oauth_world import OAuthWorld, world, world_on_each
from tests.world.asgi import BASE
from tests.world.clock import START
from tests.world.relying_app import form, new_key, part, public

__all__ = ["world", "world_on_each"]

KEY = new_key()


async def refused(world: OAuthWorld, assertion: str) -> str:
    """Present the assertion; return what was told."""
    answer = await world.http.post("/oauth/token", data=form(assertion))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert world.keys.signatures_made == 0
    return answer.json()["error_description"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"aud": "https://another.example"}, "aud"),
        ({"aud": f"{BASE}/"}, "aud"),
        ({"aud": [BASE, "https://another.example"]}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": {"x": 1}}, "aud"),
        ({"aud": None}, "aud"),
        ({"iss": "someone"}, "iss"),
        ({"iss": None}, "iss"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
        ({"jti": "x" * 256}, "jti"),
        ({"jti": "a\x00b"}, "jti"),
        ({"jti": "\ud800"}, "jti"),
        ({"exp": None}, "exp"),
        ({"iat": None}, "iat"),
        ({"exp": "soon"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 1e300}, "exp"),
        ({"exp": 10**30}, "exp"),
        ({"exp": -1}, "exp"),
        ({"nbf": "x"}, "nbf"),
    ],
)
async def test_an_assertion_with_a_wrong_claim_is_refused(world: OAuthWorld, changes: dict[str, Any], told: str):
    """RFC 7523 section 3."""
    assertion = world.acme.assertion(**changes)

    assert told in await refused(world, assertion)


@pytest.mark.parametrize(
    ("issued", "expires", "told"),
    [
        (-90, -30, "expired"),
        (-3700, 60, "at most 3600 seconds"),
        (0, 3631, "at most 3600 seconds"),
        (0, 86_400, "at most 3600 seconds"),
        (31, 60, "future"),
    ],
)
async def test_an_assertion_of_another_time_is_refused(world: OAuthWorld, issued: int, expires: int, told: str):
    """T44: the clocks may differ by 30 seconds."""
    now = int(world.clock.now().timestamp())

    assert told in await refused(world, world.acme.assertion(iat=now + issued, exp=now + expires))


async def test_an_assertion_not_yet_good_is_refused(world: OAuthWorld):
    now = int(world.clock.now().timestamp())

    assert "future" in await refused(world, world.acme.assertion(nbf=now + 31))


@pytest.mark.parametrize(("issued", "expires"), [(-90, -29), (-330, 1), (0, 330), (30, 60)])
async def test_clocks_may_differ_by_30_seconds(world: OAuthWorld, issued: int, expires: int):
    now = int(world.clock.now().timestamp())
    assertion = world.acme.assertion(iat=now + issued, exp=now + expires)

    assert (await world.http.post("/oauth/token", data=form(assertion))).status_code == 200


async def test_an_unsigned_assertion_is_refused(world: OAuthWorld):
    """T30, RFC 8725 section 2.1: alg none, in any writing."""
    for alg in ("none", "None", "nOnE", ""):
        header = {"alg": alg, "kid": world.acme.key.kid}
        for signature in ("", world.acme.assertion().split(".")[2]):
            told = await refused(world, f"{part(header)}.{part(world.acme.claims())}.{signature}")
            assert "must be a JWT signed with" in told


async def test_an_hmac_by_the_public_key_is_refused(world: OAuthWorld):
    """T30, RFC 8725 section 2.1: RS/HS confusion."""
    for secret in (world.acme.key.as_pem(private=False), json.dumps(public(world.acme.key)).encode()):
        key = jwk.OctKey.import_key(base64.urlsafe_b64encode(secret).rstrip(b"="))
        header = {"alg": "HS256", "kid": world.acme.key.kid}
        forged = jws.serialize_compact(header, json.dumps(world.acme.claims()), key, algorithms=["HS256"])
        assert "must be a JWT signed with" in await refused(world, forged)


async def test_a_key_serves_its_registered_algorithm_only(world: OAuthWorld):
    """RFC 8725 section 3.1."""
    for alg in ("ES384", "ES512", "RS256", "PS256", "ES256K", "EdDSA"):
        await refused(world, world.acme.sign({"alg": alg, "kid": world.acme.key.kid}, world.acme.claims()))


async def test_keys_that_the_assertion_brings_along_are_not_used(world: OAuthWorld):
    """RFC 8725 section 3.10."""
    thief = new_key()
    world.acme.key, own = thief, world.acme.key
    for member in ({"jwk": public(thief)}, {"jku": "https://thief.example/jwks"}):
        await refused(world, world.acme.assertion({"kid": own.kid, **member}))


async def test_a_changed_assertion_is_refused(world: OAuthWorld):
    header, _, signature = world.acme.assertion().split(".")

    await refused(world, f"{header}.{part(world.acme.claims())}.{signature}")


@pytest.mark.parametrize(
    "extra", [{"crit": ["exp"], "exp": 1}, {"crit": ["b64"], "b64": False}, {"b64": False}, {"crit": "x"}, {"crit": []}]
)
async def test_a_critical_extension_is_refused(world: OAuthWorld, extra: dict[str, Any]):
    """RFC 7515 section 4.1.11."""
    header = {"alg": "ES256", "kid": world.acme.key.kid, **extra}

    await refused(world, world.acme.sign(header, world.acme.claims()))


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "dss-answer+jws", 5, []])
async def test_a_jwt_of_another_kind_is_refused(world: OAuthWorld, typ: Any):
    """RFC 8725 section 3.11."""
    header = {"alg": "ES256", "kid": world.acme.key.kid, "typ": typ}

    await refused(world, world.acme.sign(header, world.acme.claims()))


@pytest.mark.parametrize("typ", ["JWT", "client-authentication+jwt"])
async def test_a_jwt_of_the_right_kind_is_accepted(world: OAuthWorld, typ: str):
    header = {"alg": "ES256", "kid": world.acme.key.kid, "typ": typ}
    assertion = world.acme.sign(header, world.acme.claims())

    assert (await world.http.post("/oauth/token", data=form(assertion))).status_code == 200


@pytest.mark.parametrize("claims", [[], 7, None, "x", b"{", b"\xff", b"[" * 3000])
async def test_a_signed_text_that_is_no_set_of_claims_is_refused(world: OAuthWorld, claims: Any):
    await refused(world, world.acme.sign({"alg": "ES256", "kid": world.acme.key.kid}, claims))


async def test_who_the_client_is_not_cannot_be_told_from_the_answers(world: OAuthWorld):
    """T17: an unknown client, an unknown key, another client's key and a wrong signature look alike."""
    acme, stranger = world.acme, "0" * 26
    right = acme.assertion()
    wrong_signature = right[:-10] + ("A" * 10 if right[-10:] != "A" * 10 else "B" * 10)
    acme.key, own = world.other.key, acme.key
    answers = {
        await refused(world, wrong_signature),
        await refused(world, acme.assertion({"kid": own.kid})),
        await refused(world, acme.assertion()),
        await refused(world, acme.assertion({"kid": "unknown"})),
        await refused(world, acme.assertion({"kid": None})),
        await refused(world, acme.assertion(iss=stranger, sub=stranger)),
    }

    assert len(answers) == 1


async def test_a_client_with_one_key_need_not_name_it(world: OAuthWorld):
    assert (await world.http.post("/oauth/token", data=form(world.acme.assertion({"kid": None})))).status_code == 200


async def test_an_assertion_is_good_once(world_on_each: OAuthWorld):
    """RFC 7523 section 3, item 7."""
    asked = form(world_on_each.acme.assertion())
    first, second = [await world_on_each.http.post("/oauth/token", data=asked) for _ in range(2)]

    assert (first.status_code, second.status_code) == (200, 401)
    assert "used before" in second.json()["error_description"]


async def test_of_20_uses_at_the_same_time_exactly_one_is_served(world_on_each: OAuthWorld):
    asked = form(world_on_each.acme.assertion())
    answers = await asyncio.gather(*(world_on_each.http.post("/oauth/token", data=asked) for _ in range(20)))

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19
    issued = [found for found in await world_on_each.audit.newest() if found.event.kind == "token.issued"]
    assert len(issued) == 1


async def test_the_same_id_of_two_clients_is_two_ids(world_on_each: OAuthWorld):
    for app in (world_on_each.acme, world_on_each.other):
        assert (await world_on_each.http.post("/oauth/token", data=form(app.assertion(jti="1")))).status_code == 200


def test_a_used_assertion_is_remembered_until_it_is_refused_as_expired():
    claims = {"sub": "x", "exp": 1_000}
    assertion = client_assertion.read(f"{part({'alg': 'ES256'})}.{part(claims)}.{part(b'x')}")

    assert assertion.forget_at.timestamp() == 1_000 + client_assertion.SKEW.total_seconds()


MALFORMED = ["", "x", "..", "a.b", "a.b.c", "....", "é.é.é", "x" * 9000]
MALFORMED += [f"{part(header)}.{part({'sub': 'x'})}.AA" for header in ([], 7, None, "x", {}, {"alg": 7})]
MALFORMED += [f"{part({'alg': 'ES256'})}.{payload}.AA" for payload in (part([]), part(b"\xff"), "!", "A")]
MALFORMED += [f"{part(b'[' * 5000)}.AA.AA", f"{part({'alg': 'ES256'})}.{part(b'[' * 5000)}.AA"]
MALFORMED += [f"{part({'alg': 'ES256', 'kid': kid})}.{part({'sub': 'x'})}.AA" for kid in ([], {}, 5, "\x00")]
MALFORMED += [f"{part({'alg': 'ES256'})}.{part({'sub': sub})}.AA" for sub in ([], {}, 5, "\x00", "\ud800", None)]


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_assertion_is_refused_and_breaks_nothing(text: str):
    with pytest.raises(InvalidClient):
        _accept(text)


@given(header=st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.dictionaries(st.text(), inner)))
def test_no_header_breaks_the_reader(header: Any):
    with pytest.raises(InvalidClient):
        _accept(f"{part(header)}.{part({'sub': 'x'})}.AA")


@given(text=st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str):
    with pytest.raises(DssError):
        _accept(text)


def _accept(text: str) -> None:
    keys = {"keys": [public(KEY)]}
    client_assertion.read(text).verify(keys, (BASE,), START)
