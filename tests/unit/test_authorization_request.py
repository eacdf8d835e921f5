"""The parameters of an authorization request. Source: docs/authorization.md section 4."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.clients.model import Client
from dss.clients.profile import GrantType, Profile
from dss.kernel.errors import DssError
from dss.kernel.ids import ClientId
from dss.oauth import authorization_request
from dss.oauth.authorization_errors import (
    InvalidAuthorizationDetails,
    PageFault,
    RequestNotSupported,
    UnsupportedResponseType,
)
from dss.oauth.authorization_request import (
    LONGEST_QUERY,
    AuthorizationRequest,
    Prompt,
    Query,
    read_query,
    redirect_uri_of,
    state_of,
)
from dss.oauth.errors import InvalidRequest, InvalidScope, UnauthorizedClient
from dss.transactions.model import Limits

ID = ClientId("01KAJ9T8VX3N5Q7R9S1T2V4W6Y")
CALLBACK = "https://shop.example/back"
PROFILE = Profile(redirect_uris=(CALLBACK, "http://127.0.0.1/back"), grants=(GrantType.AUTHORIZATION_CODE,))
SHOP = Client(
    id=ID,
    name="Shop",
    scopes=("signatures", "service", "credential"),
    jwks=None,
    secret_hash="x",
    contact="",
    created_at=datetime(2026, 11, 21, tzinfo=UTC),
    profile=PROFILE,
)
RIGHT = {
    "client_id": ID,
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": "service",
    "code_challenge": "a" * 43,
    "code_challenge_method": "S256",
}
REFUSALS = (
    InvalidAuthorizationDetails,
    InvalidRequest,
    InvalidScope,
    RequestNotSupported,
    UnsupportedResponseType,
)
DETAILS = json.dumps([{"type": "signature", "documents": [{"id": ID}]}])


def read(client: Client = SHOP, **changes: str | None) -> AuthorizationRequest:
    values = {name: value for name, value in {**RIGHT, **changes}.items() if value is not None}
    return authorization_request.read(Query(values), client, Limits())


def test_a_request_is_read():
    request = read(state="x y+z", login_hint="alice", ui_locales="uk en", dpop_jkt="b" * 43, nonce="means nothing")

    assert request == AuthorizationRequest(
        client_id=ID,
        redirect_uri=CALLBACK,
        scope="service",
        code_challenge="a" * 43,
        state="x y+z",
        dpop_jkt="b" * 43,
        login_hint="alice",
        ui_locales=("uk", "en"),
    )


def test_a_request_for_a_signature_carries_its_detail():
    """RFC 9396 section 2."""
    detail = read(scope="credential", authorization_details=DETAILS).detail

    assert detail is not None
    assert detail.documents == (ID,)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"response_type": None}, InvalidRequest),
        ({"response_type": "token"}, UnsupportedResponseType),
        ({"response_type": "id_token"}, UnsupportedResponseType),
        ({"response_type": "code token"}, UnsupportedResponseType),
        ({"response_type": "CODE"}, UnsupportedResponseType),
        ({"response_mode": "fragment"}, InvalidRequest),
        ({"response_mode": "form_post"}, InvalidRequest),
        ({"code_challenge": None}, InvalidRequest),
        ({"code_challenge_method": None}, InvalidRequest),
        ({"code_challenge_method": "plain"}, InvalidRequest),
        ({"code_challenge_method": "s256"}, InvalidRequest),
        ({"code_challenge": "a" * 42}, InvalidRequest),
        ({"code_challenge": "a" * 44}, InvalidRequest),
        ({"code_challenge": "a" * 42 + "="}, InvalidRequest),
        ({"code_challenge": "a" * 43 + "\n"}, InvalidRequest),
        ({"scope": None}, InvalidScope),
        ({"scope": "signatures"}, InvalidScope),
        ({"scope": "service credential"}, InvalidScope),
        ({"scope": "openid"}, InvalidScope),
        ({"scope": "service  service"}, InvalidScope),
        ({"scope": "credential"}, InvalidAuthorizationDetails),
        ({"authorization_details": DETAILS}, InvalidAuthorizationDetails),
        ({"scope": "credential", "authorization_details": "[]"}, InvalidAuthorizationDetails),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, RequestNotSupported),
        ({"state": "x" * 2001}, InvalidRequest),
        ({"state": "\x00"}, InvalidRequest),
        ({"state": "a\r\nb"}, InvalidRequest),
        ({"state": "\u00e9"}, InvalidRequest),
        ({"login_hint": "a\x1bb"}, InvalidRequest),
        ({"login_hint": "x" * 255}, InvalidRequest),
        ({"prompt": "none login"}, InvalidRequest),
        ({"prompt": "create"}, InvalidRequest),
        ({"max_age": "-1"}, InvalidRequest),
        ({"max_age": "1e3"}, InvalidRequest),
        ({"max_age": "9" * 10}, InvalidRequest),
        ({"max_age": "x", "prompt": "login"}, InvalidRequest),
        ({"dpop_jkt": "x"}, InvalidRequest),
    ],
)
def test_a_request_that_is_not_right_is_refused_by_its_code(changes: dict[str, str | None], refusal: type[DssError]):
    """RFC 6749 section 4.1.2.1, RFC 7636 section 4.4.1; T33: downgrades of PKCE, other flows, request objects."""
    with pytest.raises(refusal):
        read(**changes)


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "https://shop.example/back/",
        "https://shop.example/back?x=1",
        "https://shop.example/back#x",
        "https://shop.example/BACK",
        "https://shop.example/back/../other",
        "https://shop.example/back%2f..",
        "https://shop.example:443/back",
        "https://shop.example.evil.example/back",
        "https://shop.example@evil.example/back",
        "https://evil.example/https://shop.example/back",
        "https:\\\\shop.example\\back",
        "//shop.example/back",
        "/back",
        "http://shop.example/back",
        "javascript:alert(1)//shop.example/back",
        "https://shop.example/back\t",
        " https://shop.example/back",
        "http://127.0.0.1.evil.example/back",
        "http://127.0.0.1:1@evil.example/back",
        "http://localhost/back",
    ],
)
def test_a_redirect_uri_that_is_not_registered_is_nowhere_to_go(uri: str | None):
    """RFC 9700 sections 2.1 and 4.1; T33."""
    with pytest.raises(InvalidRequest):
        redirect_uri_of({} if uri is None else {"redirect_uri": uri}, SHOP)


def test_on_loopback_the_port_may_be_any():
    """RFC 8252 section 7.3."""
    assert read(redirect_uri="http://127.0.0.1:49152/back").redirect_uri == "http://127.0.0.1:49152/back"


def test_a_client_asks_for_its_own_scopes_and_flows_only():
    with pytest.raises(InvalidScope):
        read(replace(SHOP, scopes=("signatures", "credential")))
    with pytest.raises(UnauthorizedClient):
        read(replace(SHOP, profile=replace(PROFILE, grants=(GrantType.CLIENT_CREDENTIALS,))))


@pytest.mark.parametrize(
    ("prompt", "max_age", "read_as"),
    [
        (None, None, (frozenset(), None)),
        (None, "0", (frozenset(), timedelta(0))),
        (None, "3600", (frozenset(), timedelta(hours=1))),
        ("consent", None, ({Prompt.CONSENT}, None)),
        ("none", "60", ({Prompt.NONE}, timedelta(seconds=60))),
        ("login consent", "60", ({Prompt.LOGIN, Prompt.CONSENT}, timedelta(0))),
    ],
)
def test_a_new_sign_in_is_a_sign_in_of_no_age(prompt: str | None, max_age: str | None, read_as: Any):
    """OpenID Connect Core 1.0 section 3.1.2.1."""
    request = read(prompt=prompt, max_age=max_age)

    assert (request.prompt, request.max_age) == read_as


def test_a_parameter_that_stands_twice_is_refused():
    """RFC 6749 section 3.1; T33: what one reader takes first, another takes last."""
    query = read_query(urlencode([*RIGHT.items(), ("scope", "credential")]).encode())

    assert query.repeated == {"scope"}
    with pytest.raises(InvalidRequest, match="twice"):
        authorization_request.read(query, SHOP, Limits())


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "request_uri"])
def test_what_decides_where_answers_go_never_stands_twice(name: str):
    with pytest.raises(PageFault):
        read_query(urlencode([*RIGHT.items(), (name, "a"), (name, "a")]).encode())


@pytest.mark.parametrize("query", [b"client_id=%ff", b"\xff", b"&".join([b"a=1"] * 101), b"a" * (LONGEST_QUERY + 1)])
def test_a_query_that_cannot_be_read_is_told_on_a_page(query: bytes):
    with pytest.raises(PageFault):
        read_query(query)


def test_a_parameter_without_a_value_is_as_if_it_were_not_there():
    """RFC 6749 section 3.1."""
    assert read_query(b"state=&scope=service&prompt").values == {"scope": "service"}


def test_a_state_of_the_wrong_form_is_not_given_back():
    assert state_of({"state": "a\r\nb"}) == ""
    assert state_of({"state": "x" * 2001}) == ""
    assert state_of({"state": "a b&c=d"}) == "a b&c=d"


@given(query=st.binary(max_size=200))
def test_any_query_is_read_or_refused(query: bytes):
    try:
        found = read_query(query)
    except PageFault:
        return
    assert not found.repeated & set(found.values)
    assert all(found.values.values())


@given(pairs=st.dictionaries(st.sampled_from(sorted(authorization_request.LONGEST)), st.text(max_size=60), max_size=6))
def test_any_parameters_are_read_or_refused(pairs: dict[str, str]):
    """Whatever is refused is refused under a code of the standards, and what is read is within its limits."""
    try:
        request = authorization_request.read(Query({**RIGHT, **pairs}), SHOP, Limits())
    except REFUSALS:
        return
    assert request.redirect_uri in PROFILE.redirect_uris
    assert request.state.isprintable()


@given(values=st.dictionaries(st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=20), max_size=5))
def test_the_query_to_come_back_by_says_the_same(values: dict[str, str]):
    written = authorization_request.written(values)

    assert dict(parse_qsl(written)) == values
    assert read_query(written.encode()).values == values
