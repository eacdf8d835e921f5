"""The authorization endpoint as people see it (RFC 6749 section 4.1, RFC 9700; docs/authorization.md section 4)."""

from dataclasses import replace

import pytest

from dss.kernel.digest import SHA384
from dss.oauth.authorization_errors import PageFault, RequestGone, SentBack
from dss.oauth.steps import Step
from tests.protocol.html_reading import Reading
from tests.protocol.page_grants import CALLBACK, DETAIL, GRANT, KEYS, SIGNING, AuthorizingStandIn
from tests.protocol.pages_world import Site, code_in

AT = "/oauth/authorize?client_id=1"


@pytest.fixture
def authorizing() -> AuthorizingStandIn:
    return AuthorizingStandIn()


@pytest.fixture
def site(authorizing) -> Site:
    made = Site(authorizing=authorizing)
    made.signed_in()
    return made


async def test_t33_a_fault_of_client_or_redirect_uri_is_a_page_and_no_redirect(site, authorizing):
    """RFC 6749 section 4.1.2.1."""
    authorizing.fault = PageFault("redirect_uri <is> not registered")
    answer = await site.browser.get(AT)

    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "redirect_uri &lt;is&gt; not registered" in answer.text
    assert "form-action 'self';" in answer.headers["content-security-policy"]


async def test_every_other_fault_goes_back_to_the_client(site, authorizing):
    authorizing.fault = SentBack(f"{CALLBACK}?error=invalid_scope")
    answer = await site.browser.get(AT)

    assert (answer.status_code, answer.headers["location"]) == (303, f"{CALLBACK}?error=invalid_scope")


async def test_who_is_not_signed_in_signs_in_first_and_comes_back(authorizing):
    site = Site(authorizing=authorizing)
    answer = await site.browser.get(f"{AT}&lang=uk")

    assert answer.headers["location"] == "/signin?then=%2Foauth%2Fauthorize%3Fclient_id%3D1&lang=uk"


async def test_who_must_sign_in_once_more_is_asked_for_it(site, authorizing):
    authorizing.step = Step.SIGN_IN

    assert "again=1" in (await site.browser.get(AT)).headers["location"]


async def test_t33_who_only_looks_gets_no_code(site, authorizing):
    """RFC 9110 section 9.3.2: HEAD is safe; programs that look at links send it."""
    authorizing.step = Step.GO_ON
    answer = await site.browser.head(AT)

    assert (answer.status_code, answer.headers.get("location"), authorizing.allowed) == (200, None, [])


async def test_what_was_allowed_before_goes_on_at_once(site, authorizing):
    authorizing.step = Step.GO_ON
    answer = await site.browser.get(AT)

    assert answer.headers["location"].startswith(f"{CALLBACK}?code=code&state=st&iss=")


async def test_the_consent_page_tells_who_asks_for_what(site):
    answer = await site.browser.get(AT)
    page = Reading(answer.text)

    assert page.text("h1") == "Allow this application?"
    assert "Bank &lt;b&gt;of&lt;/b&gt; Examples" in answer.text
    assert page.attributes("img")["src"] == "data:image/png;base64,iVBORw=="
    assert "help@rp.example" in answer.text
    assert "rp.example" in page.text("bdi")
    assert "form-action 'self' https://rp.example;" in answer.headers["content-security-policy"]


async def test_the_consent_page_tells_what_will_be_signed_and_by_which_key(site, authorizing):
    authorizing.wish = SIGNING
    page = Reading((await site.browser.get(AT)).text)
    radios = [given for tag, given in page.found if given.get("type") == "radio"]

    assert page.text("h1") == "Sign for this application?"
    assert "Sign the <contract>" in page.text("bdi")
    assert "contract.pdf" in page.text("bdi")
    assert page.text("code") == SIGNING.documents[0].digest.hex
    assert [given["value"] for given in radios] == [key.id for key in KEYS]


async def test_what_is_asked_for_by_its_hash_only_is_shown_whole_as_not_seen(site, authorizing):
    detail = replace(DETAIL, documents=(), hashes=(b"\x01" * 48,) * 102, hash_algorithm=SHA384)
    authorizing.wish = replace(SIGNING, request=replace(SIGNING.request, detail=detail), documents=())
    page = Reading((await site.browser.get(AT)).text)

    assert page.texts["code"] == ["01" * 48] * 100
    assert "SHA-384 " in page.texts["p"]
    assert "and 2 more" in page.texts["p"]


@pytest.mark.parametrize("method", ["get", "post"])
async def test_of_a_request_that_was_decided_on_the_page_says_what_to_do(site, authorizing, method):
    code = code_in((await site.browser.get(AT)).text)
    authorizing.fault = RequestGone("over")
    given = {"data": {"form": code, "decision": "allow"}} if method == "post" else {}
    answer = await site.browser.request(method, AT, **given)
    page = Reading(answer.text)

    assert (answer.status_code, page.text("h1")) == (400, "This request is over")
    assert "go back to the application and begin anew" in page.text("p")
    assert "location" not in answer.headers


async def test_a_decision_by_a_stale_form_leads_back_to_the_request(site, authorizing):
    answer = await site.browser.post(f"{AT}&state=a+b%26c", data={"form": "old", "decision": "allow"})
    links = [given.get("href") for _, given in Reading(answer.text).found]

    assert answer.status_code == 403
    assert f"{AT}&state=a+b%26c" in links
    assert authorizing.allowed == []


async def test_without_a_key_there_is_nothing_to_allow(site, authorizing):
    authorizing.wish, authorizing.keys = SIGNING, ()
    page = Reading((await site.browser.get(AT)).text)

    assert "allow" not in [given.get("value") for _, given in page.found]
    assert "refuse" in [given.get("value") for _, given in page.found]


async def test_allowing_leads_to_the_client_with_the_code(site, authorizing):
    answer = await site.send(AT, decision="allow", nonce="n")

    assert answer.headers["location"].startswith(f"{CALLBACK}?code=code")
    ((browser, key, nonce),) = authorizing.allowed
    assert (len(browser), key, nonce) == (43, "", "n")


async def test_allowing_a_signature_leads_to_the_page_that_waits(site, authorizing):
    authorizing.wish = SIGNING
    answer = await site.send(AT, decision="allow", credential_id=KEYS[1].id)

    assert answer.headers["location"] == f"/oauth/waiting/{GRANT}"
    assert authorizing.allowed[0][1] == KEYS[1].id


@pytest.mark.parametrize("decision", [{"decision": "refuse"}, {}, {"decision": "ALLOW"}])
async def test_refusing_leads_to_the_client_with_the_error(site, authorizing, decision):
    answer = await site.send(AT, **decision)

    assert answer.headers["location"].startswith(f"{CALLBACK}?error=access_denied")
    assert authorizing.allowed == []


async def test_t33_a_decision_from_another_site_is_none(site, authorizing):
    """RFC 9700 section 4.7."""
    answer = await site.browser.post(AT, data={"decision": "allow"}, headers={"Origin": "https://evil.example"})

    assert answer.status_code == 403
    assert (authorizing.allowed, authorizing.done) == ([], [])


async def test_t33_no_page_may_be_framed(site):
    """RFC 9700 section 4.16: clickjacking."""
    assert "frame-ancestors 'none'" in (await site.browser.get(AT)).headers["content-security-policy"]
