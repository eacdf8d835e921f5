"""The way back to the client: what answers look like in a URL."""

from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.oauth.redirects import LONGEST_DESCRIPTION, WayBack

ISSUER = "https://sign.example"
CALLBACK = "https://shop.example/back"
PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=200)


def answered(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)


def test_a_code_comes_with_the_state_and_the_name_of_the_server():
    """RFC 6749 section 4.1.2, RFC 9207 section 2."""
    url = WayBack(ISSUER, CALLBACK, "xyz").with_code("abc")

    assert url.startswith(f"{CALLBACK}?")
    assert answered(url) == {"code": ["abc"], "state": ["xyz"], "iss": [ISSUER]}


def test_an_error_names_the_server_too():
    """RFC 9207 section 2, RFC 9700 section 4.4: mix-up is found by errors as by codes."""
    url = WayBack(ISSUER, CALLBACK, "xyz").with_error("access_denied", "the signer declined")

    told = {"error": ["access_denied"], "error_description": ["the signer declined"]}
    assert answered(url) == {**told, "state": ["xyz"], "iss": [ISSUER]}


def test_without_a_state_none_comes_back():
    assert "state" not in answered(WayBack(ISSUER, CALLBACK, "").with_code("abc"))


@pytest.mark.parametrize("uri", ["https://shop.example/back?shop=1&a=b%20c", "com.example.app:/done?shop=1&a=b%20c"])
def test_the_query_that_is_registered_stays_as_it_is(uri: str):
    """RFC 6749 section 3.1.2."""
    url = WayBack(ISSUER, uri, "").with_code("abc")

    assert url.startswith(f"{uri}&code=abc&")


def test_an_empty_query_gets_no_second_question_mark():
    assert WayBack(ISSUER, f"{CALLBACK}?", "").with_code("abc").startswith(f"{CALLBACK}?code=abc&")


def test_a_description_has_only_the_characters_that_it_may_have():
    """RFC 6749 appendix A.8; nothing of it splits a header."""
    url = WayBack(ISSUER, CALLBACK, "").with_error("invalid_request", 'a "b"\\\r\nLocation: x\u202e' + "y" * 1000)

    (told,) = answered(url)["error_description"]
    assert told.startswith("a 'b''''Location: x'y")
    assert len(told) == LONGEST_DESCRIPTION


@given(state=PRINTABLE.filter(bool))
def test_the_state_comes_back_as_it_came(state: str):
    """RFC 9700 section 4.7: a client's guard against CSRF is worth nothing if it is changed on its way."""
    url = WayBack(ISSUER, CALLBACK, state).with_error("access_denied")

    assert dict(parse_qsl(urlsplit(url).query))["state"] == state


@given(state=PRINTABLE, code=PRINTABLE, description=st.text(max_size=100))
def test_no_answer_leaves_the_redirect_uri_or_adds_a_fragment(state: str, code: str, description: str):
    """RFC 9700 section 4.10: there is no open redirect in an answer's values."""
    back = WayBack(ISSUER, CALLBACK, state)

    for url in (back.with_code(code), back.with_error("server_error", description)):
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc, parts.path, parts.fragment) == ("https", "shop.example", "/back", "")
        assert url.isascii()
        assert url.isprintable()
