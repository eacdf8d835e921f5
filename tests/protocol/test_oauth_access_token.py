"""Access tokens at the resource server: RFC 9068 section 4, RFC 6750 section 3, RFC 8725."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from dss.kernel import b64
from dss.kernel.errors import Unauthenticated
from dss.kernel.ids import GrantId, UserId
from dss.oauth import access_token
from dss.oauth.access_token import AccessTokens, Wanted
from dss.oauth.signing_keys import Sign
from dss.oauth.token_keys import TokenKeys
from tests.protocol.resource_world import BOTH_SCHEMES, CLIENT, ISSUER, ResourceWorld, world
from tests.world.asgi import BASE
from tests.world.clock import START, HandClock
from tests.world.servicekeys import SoftwareServiceKeys

__all__ = ["world"]

USER, GRANT = UserId("01KAJ9T8VX3N5Q7R9S1T2V4W6Z"), GrantId("01KAJ9T8VX3N5Q7R9S1T2V4W70")
DETAIL = {"type": "signature", "signature_id": "01KAJ9T8VX3N5Q7R9S1T2V4W71", "credential_id": "x"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def said(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(b64.url_decode(token.split(".")[1]))
    return claims


async def forged(world: ResourceWorld, header: dict[str, object], **changes: object) -> str:
    """A token of the server's own key that says something else; None takes a claim away."""
    kid, sign = await world.tokens.keys.signing()
    right = {"iss": BASE, "aud": BASE, "sub": CLIENT, "client_id": CLIENT, "scope": "signatures", "exp": 2**40}
    claims = {name: value for name, value in {**right, "iat": 1, "jti": "x", **changes}.items() if value is not None}
    parts = ({"typ": "at+jwt", "alg": "ES256", "kid": kid, **header}, claims)
    signing_input = ".".join(b64.url_encode(json.dumps(part).encode()) for part in parts)
    return f"{signing_input}.{b64.url_encode(await sign(signing_input.encode()))}"


async def test_a_token_opens_what_its_scopes_allow(world: ResourceWorld):
    token = await world.token()

    assert (await world.ask(bearer(token))).json()["client"] == CLIENT
    assert (await world.ask({"Authorization": f"bearer  {token}"})).status_code == 200


async def test_a_token_without_the_scope_is_forbidden_and_told_which_it_needs(world: ResourceWorld):
    """RFC 6750 section 3.1."""
    minted = await world.tokens.mint(Wanted(CLIENT, ("credentials",)))
    answer = await world.ask(bearer(minted.text))

    assert answer.status_code == 403
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="signatures"'


async def test_a_token_that_is_to_live_for_no_time_is_over(world: ResourceWorld):
    assert (await world.ask(bearer(await world.token(lifetime=timedelta(0))))).status_code == 401


async def test_a_call_without_a_token_is_told_both_schemes_without_an_error_code(world: ResourceWorld):
    """RFC 6750 section 3: no error code where no token came; RFC 9449 section 7.2."""
    answer = await world.ask({})

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, BOTH_SCHEMES)


@pytest.mark.parametrize("authorization", ["Basic eDp5", "x" * 5000, "é"])
async def test_a_call_by_another_scheme_is_told_ours_without_an_error_code(world: ResourceWorld, authorization: str):
    """RFC 6750 section 3: nor where the way to authenticate is not one of ours."""
    async with world.client() as http:
        answer = await http.get("/who", headers={"Authorization": authorization.encode()})

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, BOTH_SCHEMES)


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "Bearer x.y.z", "Bearer é"])
async def test_anything_else_than_a_token_is_refused(world: ResourceWorld, authorization: str):
    async with world.client() as http:
        answer = await http.get("/who", headers={"Authorization": authorization.encode()})

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')


async def test_a_token_in_the_query_is_not_looked_at(world: ResourceWorld):
    """RFC 6750 section 2.3: not supported here, as it ends up in logs."""
    async with world.client() as http:
        assert (await http.get(f"/who?access_token={await world.token()}")).status_code == 401


async def test_a_client_s_own_token_says_no_more_than_it_must(world: ResourceWorld):
    """RFC 9068 section 2.2: sub is the client where no person is involved."""
    claims = said(await world.token())

    assert sorted(claims) == ["aud", "client_id", "exp", "iat", "iss", "jti", "scope", "sub"]
    assert (claims["sub"], claims["client_id"]) == (CLIENT, CLIENT)
    assert claims["exp"] - claims["iat"] == 600


async def test_a_signer_s_token_says_whose_it_is_by_what_and_for_what(world: ResourceWorld):
    """RFC 9068 section 2.2, RFC 9396 section 9.1, RFC 9449 section 6.1, RFC 8705 section 3.1, RFC 8693 section 4."""
    wanted = Wanted(
        CLIENT,
        ("credential",),
        user_id=USER,
        grant_id=GRANT,
        details=(DETAIL,),
        jkt="J",
        x5t="X",
        act={"sub": "other"},
        auth_time=START,
        lifetime=timedelta(seconds=30),
    )
    minted = await world.tokens.mint(wanted)
    claims, read = said(minted.text), await world.tokens.verify(minted.text)

    assert (claims["sub"], claims["auth_time"], claims["grant"]) == (USER, int(START.timestamp()), GRANT)
    assert (claims["cnf"], claims["act"]) == ({"jkt": "J", "x5t#S256": "X"}, {"sub": "other"})
    assert claims["authorization_details"] == [DETAIL]
    assert (read.id, read.client_id, read.user_id, read.grant_id) == (minted.id, CLIENT, USER, GRANT)
    assert (read.jkt, read.x5t, read.act, read.details) == ("J", "X", {"sub": "other"}, (DETAIL,))
    assert (read.signatures, read.expires - read.issued) == ({DETAIL["signature_id"]}, 30)


async def test_a_token_ends_at_its_time_also_when_it_is_remembered(world: ResourceWorld):
    token = await world.token()
    world.clock.move(599)
    await world.tokens.verify(token)
    world.clock.move(1)

    with pytest.raises(Unauthenticated):
        await world.tokens.verify(token)


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({"typ": "JWT"}, {}),
        ({"typ": "dss-receipt+jws"}, {}),
        ({"alg": "none"}, {}),
        ({"alg": "HS256"}, {}),
        ({"alg": "RS256"}, {}),
        ({"alg": "ES384"}, {}),
        ({"kid": "another"}, {}),
        ({"kid": 7}, {}),
        ({"kid": None}, {}),
        ({"jwk": {"kty": "EC"}}, {}),
        ({"crit": ["exp"]}, {}),
        ({}, {"iss": "https://another.example"}),
        ({}, {"aud": "https://another.example"}),
        ({}, {"exp": 0}),
    ],
)
async def test_t30_what_the_same_key_signed_for_another_purpose_is_no_token(
    world: ResourceWorld, header: dict[str, object], changes: dict[str, object]
):
    """RFC 8725 sections 3.1, 3.8, 3.9 and 3.11."""
    assert await world.tokens.verify(await forged(world, {}))
    with pytest.raises(Unauthenticated):
        await world.tokens.verify(await forged(world, header, **changes))


CLAIMS = ["iss", "aud", "sub", "client_id", "iat", "exp", "jti"]
WRONG = [*((name, None) for name in CLAIMS), *((name, []) for name in CLAIMS), *((name, True) for name in CLAIMS)]
WRONG += [("scope", []), ("exp", 1e20), ("exp", "9"), ("auth_time", "9"), ("authorization_details", {}), ("act", [])]
WRONG += [
    ("authorization_details", ["x"]),
    ("cnf", []),
    ("cnf", {"jkt": 7}),
    ("cnf", {"kid": "x"}),
    ("grant", 7),
    ("x", 1),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
async def test_a_claim_that_is_missing_unknown_or_of_another_type_is_refused(
    world: ResourceWorld, name: str, value: object
):
    with pytest.raises(Unauthenticated):
        await world.tokens.verify(await forged(world, {}, **{name: value}))


@pytest.mark.parametrize(
    ("sub", "scope"),
    [(USER, "signatures"), (USER, "service operators"), (CLIENT, "service"), (CLIENT, "signatures credential")],
)
async def test_t16_a_token_of_a_signer_and_of_the_application_at_once_is_none(
    world: ResourceWorld, sub: str, scope: str
):
    with pytest.raises(Unauthenticated):
        await world.tokens.verify(await forged(world, {}, sub=sub, scope=scope))


async def test_a_token_of_another_key_is_refused(world: ResourceWorld):
    lifetime = timedelta(minutes=10)
    stranger = AccessTokens(
        ISSUER, TokenKeys(world.database, SoftwareServiceKeys(), world.clock, lifetime), world.clock
    )
    minted = await stranger.mint(Wanted(CLIENT, ("signatures",)))

    with pytest.raises(Unauthenticated):
        await world.tokens.verify(minted.text)


async def test_every_change_of_a_single_character_is_refused(world: ResourceWorld):
    """Base64 that decodes alike is not alike: one text for one token."""
    text = await world.token()
    await world.tokens.verify(text)
    for place in (0, 5, len(text) // 2, len(text) - 44, len(text) - 1):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(Unauthenticated):
            await world.tokens.verify(changed)


class OneKey:
    """A key that may be taken away."""

    def __init__(self) -> None:
        self.pair: ec.EllipticCurvePrivateKey | None = ec.generate_private_key(ec.SECP256R1())

    async def signing(self) -> tuple[str, Sign]:
        raise AssertionError("nothing is signed here")

    async def public(self, kid: str) -> ec.EllipticCurvePublicKey | None:
        return self.pair and self.pair.public_key()


@given(text=st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str):
    tokens = AccessTokens(ISSUER, OneKey(), HandClock())
    with pytest.raises(Unauthenticated):
        asyncio.run(tokens.verify(text))


async def test_a_token_is_verified_once_and_remembered(world: ResourceWorld, monkeypatch: pytest.MonkeyPatch):
    text = await world.token()
    first = await world.tokens.verify(text)
    monkeypatch.setattr(access_token.jose, "read_jws", None)

    assert await world.tokens.verify(text) is first


async def test_a_token_that_is_remembered_ends_with_its_key(world: ResourceWorld):
    text = await world.token()
    await world.tokens.verify(text)
    retired = OneKey()
    retired.pair, world.tokens.keys = None, retired

    with pytest.raises(Unauthenticated):
        await world.tokens.verify(text)


@pytest.mark.parametrize("what", ["token", "grant"])
async def test_a_token_that_was_revoked_or_whose_grant_was_ended_is_refused(world: ResourceWorld, what: str):
    minted = await world.tokens.mint(Wanted(CLIENT, ("service",), user_id=USER, grant_id=GRANT))
    assert (await world.ask(bearer(minted.text))).status_code == 403
    world.revoked.note(minted.id if what == "token" else GRANT)
    answer = await world.ask(bearer(minted.text))

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')


async def test_no_more_tokens_are_remembered_than_the_limit(world: ResourceWorld, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(access_token, "REMEMBERED", 2)
    oldest, *others = [await world.token() for _ in range(3)]
    for text in (oldest, *others):
        await world.tokens.verify(text)
    monkeypatch.setattr(access_token.jose, "read_jws", None)

    for text in others:
        assert await world.tokens.verify(text)
    with pytest.raises(TypeError):
        await world.tokens.verify(oldest)
