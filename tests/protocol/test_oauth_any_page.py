"""Whatever a browser sends to the pages of the authorization server, it sees a page, or is sent on; they never fail."""

from urllib.parse import quote_from_bytes, urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dss.oauth.authorization_request import LONGEST
from tests.protocol.attack_world import BANK, Stage, stage

__all__ = ["stage"]

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PAGES = ("/oauth/authorize", "/signin", "/signin/second/code", "/account/sign-out", f"/oauth/waiting/{'0' * 26}/stop")
FEW = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])

words = st.text(max_size=40) | st.sampled_from(["..", "a.b.c", "1" * 26 + "." + "A" * 43, "\x00", "%00", "[{}]"])
queries = st.dictionaries(st.sampled_from(sorted(LONGEST)), words, max_size=6).map(urlencode)
# What a cookie can be (RFC 6265 section 4.1.1).
cookies = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=';,\\"'), max_size=80)


@FEW
@given(query=st.binary(max_size=120).map(quote_from_bytes) | queries)
async def test_any_authorization_request_is_a_page_or_an_answer(stage: Stage, query: str) -> None:
    """RFC 6749 section 4.1.2.1."""
    mine = urlencode({"client_id": stage.bank.client.id, "redirect_uri": BANK})
    for asked in (query, f"{mine}&{query}"):
        assert (await stage.browser.http.get(f"/oauth/authorize?{asked}")).status_code in {200, 303, 400}


@FEW
@given(body=st.binary(max_size=120), cookie=cookies, path=st.sampled_from(PAGES))
async def test_any_form_with_any_cookie_is_refused_on_a_page(stage: Stage, body: bytes, cookie: str, path: str) -> None:
    sent = {**FORM, "Cookie": f"dss-session={cookie}; dss-browser={cookie}"}
    answer = await stage.http.post(path, content=body, headers=sent)

    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"].startswith("text/html")
