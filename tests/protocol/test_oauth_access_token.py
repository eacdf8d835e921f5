"""Access tokens at the resource server: RFC 9068 section 4, RFC 6750 section 3, RFC 8725."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from dss.hsm.servicekeys import KeyName
from dss.kernel import b64
from dss.kernel.errors import Unauthenticated
from dss.kernel.ids import ClientId
from dss.oauth import access_token
from dss.oauth.access_token import AccessTokens
from dss.oauth.issuer import Issuer
from dss.oauth.jwks import key_id
from dss.oauth.service import Caller
from dss.web.http.bearer import BEARER
from dss.web.http.op import Protocol, op
from tests.world.asgi import BASE, application, client
from tests.world.clock import HandClock
from tests.world.servicekeys import SoftwareServiceKeys

CLIENT = ClientId("01KAJ9T8VX3N5Q7R9S1T2V4W6Y")
ISSUER = Issuer(BASE, ("signatures", "credentials"))


class Who(msgspec.Struct):
    """Whose call it is."""

    client: str


@op("GET", "/who", scope="signatures")
async def who(request: Request) -> Who:
    """Tell the caller who it is."""
    return Who(request.state.caller.client_id)


class Bearers:
    """As much of the authorization server as a resource needs."""

    def __init__(self, tokens: AccessTokens) -> None:
        self._tokens = tokens

    async def authenticate(self, bearer: str) -> Caller:
        claims = await self._tokens.verify(bearer)
        return Caller(claims.client_id, claims.scopes)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def keys() -> SoftwareServiceKeys:
    return SoftwareServiceKeys()


@pytest.fixture
def tokens(keys: SoftwareServiceKeys, clock: HandClock) -> AccessTokens:
    return AccessTokens(ISSUER, keys, clock)


@pytest.fixture
async def api(tokens: AccessTokens) -> AsyncIterator[httpx.AsyncClient]:
    app = application((Protocol("who", (who,), security=BEARER),), oauth=Bearers(tokens))
    async with client(app) as http:
        yield http


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def forged(keys: SoftwareServiceKeys, header: dict[str, object], **changes: object) -> str:
    """A token of the server's own key that says something else."""
    kid = key_id(await keys.public_key(KeyName.TOKEN_SIGNING))
    right = {"iss": BASE, "aud": BASE, "sub": CLIENT, "client_id": CLIENT, "scope": "signatures", "exp": 2**40}
    parts = ({"typ": "at+jwt", "alg": "ES256", "kid": kid, **header}, {**right, **changes})
    signing_input = ".".join(b64.url_encode(json.dumps(part).encode()) for part in parts)
    signature = await keys.sign_es256(KeyName.TOKEN_SIGNING, signing_input.encode())
    return f"{signing_input}.{b64.url_encode(signature)}"


async def test_a_token_opens_what_its_scopes_allow(api, tokens):
    minted = await tokens.mint(CLIENT, ("signatures",))

    assert (await api.get("/who", headers=bearer(minted.text))).json() == {"client": CLIENT}
    assert (await api.get("/who", headers={"Authorization": f"bearer  {minted.text}"})).status_code == 200


async def test_a_token_without_the_scope_is_forbidden_and_told_which_it_needs(api, tokens):
    """RFC 6750 section 3.1."""
    minted = await tokens.mint(CLIENT, ("credentials",))
    answer = await api.get("/who", headers=bearer(minted.text))

    assert answer.status_code == 403
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="signatures"'


async def test_a_call_without_a_token_is_asked_for_one_without_an_error_code(api):
    """RFC 6750 section 3: no error code where no token came."""
    answer = await api.get("/who")

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "Basic eDp5", "Bearer x.y.z", "x" * 5000, "Bearer é"])
async def test_anything_else_than_a_token_is_refused(api, authorization):
    answer = await api.get("/who", headers={"Authorization": authorization.encode()})

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')


async def test_a_token_in_the_query_is_not_looked_at(api, tokens):
    """RFC 6750 section 2.3: not supported here, as it ends up in logs."""
    minted = await tokens.mint(CLIENT, ("signatures",))

    assert (await api.get(f"/who?access_token={minted.text}")).status_code == 401


async def test_a_token_ends_at_its_time_also_when_it_is_remembered(tokens, clock):
    minted = await tokens.mint(CLIENT, ("signatures",))
    clock.move(599)
    await tokens.verify(minted.text)
    clock.move(1)

    with pytest.raises(Unauthenticated):
        await tokens.verify(minted.text)


@pytest.mark.parametrize(
    ("header", "changes"),
    [
        ({"typ": "JWT"}, {}),
        ({"typ": "dss-receipt+jws"}, {}),
        ({"alg": "none"}, {}),
        ({"alg": "HS256"}, {}),
        ({"kid": "another"}, {}),
        ({"crit": ["exp"]}, {}),
        ({}, {"iss": "https://another.example"}),
        ({}, {"aud": "https://another.example"}),
        ({}, {"exp": 0}),
    ],
)
async def test_what_the_same_key_signed_for_another_purpose_is_no_token(tokens, keys, header, changes):
    """RFC 8725 sections 3.1, 3.8, 3.9 and 3.11."""
    assert await tokens.verify(await forged(keys, {}))
    with pytest.raises(Unauthenticated):
        await tokens.verify(await forged(keys, header, **changes))


async def test_a_token_of_another_key_is_refused(tokens, clock):
    stranger = AccessTokens(ISSUER, SoftwareServiceKeys(), clock)
    minted = await stranger.mint(CLIENT, ("signatures",))

    with pytest.raises(Unauthenticated):
        await tokens.verify(minted.text)


async def test_every_change_of_a_single_character_is_refused(tokens):
    """Base64 that decodes alike is not alike: one text for one token."""
    text = (await tokens.mint(CLIENT, ("signatures",))).text
    await tokens.verify(text)
    for place in (0, 5, len(text) // 2, len(text) - 44, len(text) - 1):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(Unauthenticated):
            await tokens.verify(changed)


@given(text=st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str):
    tokens = AccessTokens(ISSUER, SoftwareServiceKeys(), HandClock())
    with pytest.raises(Unauthenticated):
        asyncio.run(tokens.verify(text))


async def test_a_token_is_verified_once_and_remembered(tokens, keys, monkeypatch):
    text = (await tokens.mint(CLIENT, ("signatures",))).text
    first = await tokens.verify(text)
    monkeypatch.setattr(access_token.jose, "read_jws", None)

    assert await tokens.verify(text) is first


async def test_no_more_tokens_are_remembered_than_the_limit(tokens, monkeypatch):
    monkeypatch.setattr(access_token, "REMEMBERED", 2)
    oldest, *others = [(await tokens.mint(CLIENT, ("signatures",))).text for _ in range(3)]
    for text in (oldest, *others):
        await tokens.verify(text)
    monkeypatch.setattr(access_token.jose, "read_jws", None)

    for text in others:
        assert await tokens.verify(text)
    with pytest.raises(TypeError):
        await tokens.verify(oldest)
