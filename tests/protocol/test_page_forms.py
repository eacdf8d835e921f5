"""What all pages share: cookies, the code of forms, headers, languages, refusals (T33)."""

import re

import pytest

from dss.kernel.errors import DatabaseUnavailable
from tests.protocol.html_reading import Reading
from tests.protocol.page_grants import AuthorizingStandIn
from tests.protocol.pages_world import PASSWORD, Site, code_in

MINE = {"login": "alice", "password": PASSWORD}


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.mark.parametrize(
    ("url", "prefix", "secure"), [("https://sign.example", "__Host-", True), ("http://localhost:8080", "", False)]
)
async def test_cookies_are_bound_to_this_host_where_there_is_https(url, prefix, secure):
    """RFC 6265bis section 4.1.3.2; without https a browser would take neither prefix nor Secure."""
    site = Site(url)
    answer = await site.send("/signin", **MINE)

    session, browser = answer.headers.get_list("set-cookie")
    end = "; Path=/; SameSite=lax" + "; Secure" * secure
    assert session == f"{prefix}dss-session=half; HttpOnly{end}"
    assert re.fullmatch(f"{prefix}dss-browser=[A-Za-z0-9_-]{{43}}; HttpOnly; Max-Age=31536000{end}", browser)


async def test_a_browser_keeps_its_cookie_and_a_text_that_is_none_is_replaced(site):
    first = (await site.browser.get("/signin")).cookies["__Host-dss-browser"]
    assert (await site.browser.get("/signin")).cookies["__Host-dss-browser"] == first

    stranger = site.another_browser(cookie="__Host-dss-browser=short")
    assert re.fullmatch("[A-Za-z0-9_-]{43}", (await stranger.get("/signin")).cookies["__Host-dss-browser"])


async def test_t33_a_form_of_another_browser_is_refused_with_what_to_do(site):
    stolen = code_in((await site.another_browser().get("/signin")).text)
    await site.browser.get("/signin")
    answer = await site.browser.post("/signin", data={"form": stolen, **MINE})

    assert answer.status_code == 403
    assert Reading(answer.text).text("h1") == "This form is no longer good"
    assert site.login.tried == []


async def test_t33_a_form_of_the_session_before_is_refused(site):
    before = code_in((await site.browser.get("/signin")).text)
    site.signed_in()
    answer = await site.browser.post("/account/sign-out", data={"form": before})

    assert answer.status_code == 403
    assert site.login.ended == []


@pytest.mark.parametrize("given", [{}, {"form": ""}, {"form": "x" * 43}, {"form": "\u00e9"}])
async def test_t33_a_form_without_a_right_code_is_refused(site, given):
    await site.browser.get("/signin")

    assert (await site.browser.post("/signin", data={**given, **MINE})).status_code == 403


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_t33_a_form_from_another_site_is_refused_even_with_the_right_code(site, headers):
    code = code_in((await site.browser.get("/signin")).text)
    answer = await site.browser.post("/signin", data={"form": code, **MINE}, headers=headers)

    assert answer.status_code == 403
    assert site.login.tried == []


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"form=%ff", "application/x-www-form-urlencoded", 400),
        (b"a=1&a=2", "application/x-www-form-urlencoded", 400),
        (b"form=" + b"x" * 20_000, "application/x-www-form-urlencoded", 413),
        (b"login=%00", "application/x-www-form-urlencoded", 422),
    ],
)
async def test_what_is_no_form_is_answered_by_a_page(site, content, media_type, status):
    answer = await site.browser.post("/signin", content=content, headers={"Content-Type": media_type})

    assert answer.status_code == status
    assert Reading(answer.text).text("h1") == "That did not work"


async def test_the_code_needs_the_hsm_once(site):
    await site.browser.get("/signin")
    site.keys.stopped = True

    assert (await site.browser.get("/signin")).status_code == 200


async def test_without_hsm_or_database_a_page_says_when_to_come_back():
    site = Site()
    site.keys.stopped = True
    answer = await site.browser.get("/signin", headers={"Accept-Language": "uk"})

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert Reading(answer.text).text("h1") == "Сервер зараз не може відповісти"


async def test_a_failure_after_signing_in_is_told_in_the_signers_page(site):
    site.login.wrong = DatabaseUnavailable()
    answer = await site.send("/signin", login="alice", password="other")

    assert answer.status_code == 503
    assert "database" not in answer.text


async def test_every_page_carries_the_strict_headers(site):
    headers = (await site.browser.get("/signin")).headers

    assert headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "camera=()" in headers["permissions-policy"]


@pytest.mark.parametrize("path", ["/signin", "/signin/forgot"])
async def test_a_page_has_a_language_a_title_one_heading_a_skip_link_and_landmarks(site, path):
    """WCAG 2.2 criteria 3.1.1, 2.4.2, 2.4.1 and 1.3.1."""
    page = Reading((await site.browser.get(path, params={"lang": "ro"})).text)

    assert page.attributes("html")["lang"] == "ro"
    assert page.text("title") == page.text("h1") != ""
    assert page.found[page.tags().index("a")][1]["href"] == "#" + str(page.attributes("main")["id"])
    assert {"header", "main", "footer", "nav"} <= set(page.tags())
    assert page.open == []


async def test_every_field_has_a_label(site):
    page = Reading((await site.browser.get("/signin")).text)
    fields = [given["id"] for tag, given in page.found if tag == "input" and given.get("type") != "hidden"]

    assert fields == [given["for"] for tag, given in page.found if tag == "label"]


async def test_a_language_once_asked_for_stays_through_links_and_redirects(site):
    answer = await site.send("/signin?lang=uk", **MINE)
    assert answer.headers["location"] == "/signin/second?then=%2Faccount&lang=uk"

    site.services.authorizing = AuthorizingStandIn()
    then = "/oauth/authorize?client_id=1&ui_locales=ro"
    asked = await site.browser.get("/signin", params={"then": then, "again": "1"})
    assert Reading(asked.text).attributes("html")["lang"] == "ro"


async def test_files_are_kept_for_ever_by_a_name_of_their_own(site):
    page = Reading((await site.browser.get("/signin")).text)
    style = next(given["href"] for tag, given in page.found if tag == "link" and given["rel"] == "stylesheet")
    script = page.attributes("script")["src"]

    for address, media_type in ((style, "text/css"), (script, "text/javascript")):
        answer = await site.browser.get(str(address))
        assert answer.headers["content-type"].startswith(media_type)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (await site.browser.get("/assets/page-0000000000000000.css")).status_code == 404


async def test_a_head_is_answered_as_its_get(site):
    answer = await site.browser.head("/signin")

    assert (answer.status_code, answer.text) == (200, "")
