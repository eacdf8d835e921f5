"""The parts of the kit of pages that need no server: where a page may lead, languages, cookies, policies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.web.pages import assets, language, policy
from dss.web.pages.forms import ForeignForm, origin_of, require_own
from dss.web.pages.local import ACCOUNT, local
from dss.web.pages.templates import environment, render

SERVER = "https://sign.example/dss"


@pytest.mark.parametrize(
    "then",
    [
        "/oauth/authorize?client_id=1&redirect_uri=https%3A%2F%2Frp.example%2Fcb&state=a+b",
        "/account",
        "/account/passkeys/new",
        "/oauth/waiting/01KAJ9T8VX3N5Q7R9S1T2V4W6G",
    ],
)
def test_signing_in_goes_on_to_our_own_pages(then):
    assert local(then) == then


@pytest.mark.parametrize(
    "then",
    [
        "",
        "/",
        "//evil.example",
        "//evil.example/oauth/authorize?x=1",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/oauth/authorize?x=1",
        "https:/oauth/authorize?x=1",
        "javascript:alert(1)",
        " /account",
        "/account ",
        "/account\n",
        "/account\x00",
        "/account/../../evil",
        "/account//evil.example",
        "/account?x=1",
        "/account@evil.example",
        "/accountant",
        "/oauth/waiting/",
        "/oauth/waiting/01KAJ9T8VX3N5Q7R9S1T2V4W6",
        "/oauth/waiting/01KAJ9T8VX3N5Q7R9S1T2V4W6GG",
        "/oauth/waiting/01KAJ9T8VX3N5Q7R9S1T2V4W6G/stop",
        "/oauth/waiting/01KAJ9T8VX3N5Q7R9S1T2V4W6G?x=1",
        "/oauth/waiting/01KAJ9T8VX3N5Q7R9S1T2V4W6G\n",
        "/oauth/waiting/01kaj9t8vx3n5q7r9s1t2v4w6g",
        "/oauth/authorize",
        "/oauth/authorize?",
        "/oauth/authorize?a=1\r\nSet-Cookie: x=1",
        "/oauth/authorize?a=1\\",
        "/oauth/authorize?a=1 b",
        "/oauth/authorize?a=\u2028",
        "/oauth/authorize?a=1#@evil.example",
        "/oauth/authorize/../..//evil.example?a=1",
        "/%2F/evil.example",
        "%2Faccount",
        "/\t/evil.example",
        "/oauth/authorize?" + "a" * 9001,
    ],
)
def test_t33_signing_in_leads_nowhere_else(then):
    """RFC 9700 section 4.11: no open redirector."""
    assert local(then) == ACCOUNT


@given(st.text())
def test_t33_whatever_is_asked_signing_in_stays_here(then):
    where = local(then)

    assert where in {ACCOUNT, then}
    assert where.startswith(("/account", "/oauth/authorize?", "/oauth/waiting/"))
    assert where.isascii()
    assert where.isprintable()
    assert "\\" not in where


@pytest.mark.parametrize(
    ("asked", "own", "accepted", "expected"),
    [
        (["uk"], "ro", "ru", "uk"),
        (["", "fr ro en"], "ru", "uk", "ro"),
        (["ro-MD"], "", "", "ro"),
        (["fr"], "ro", "uk", "ro"),
        ([], "", "fr, uk;q=0.8, ru;q=0.9", "ru"),
        ([], "", "uk-UA,uk;q=0.9", "uk"),
        ([], "", "ru;q=0, uk;q=0.1", "uk"),
        ([], "", "*", "en"),
        ([], "", "ru;q=high", "en"),
        ([], "", "", "en"),
    ],
)
def test_a_page_is_in_the_language_that_is_wanted_most(asked, own, accepted, expected):
    """RFC 9110 section 12.5.4 for the last of the three."""
    assert language.chosen(asked, own, accepted) == expected


@given(st.lists(st.text()), st.text())
def test_any_text_chooses_some_language(asked, accepted):
    assert language.chosen(asked, "", accepted) in {"en", "ru", "uk", "ro"}


@pytest.mark.parametrize(
    ("target", "source"),
    [
        ("https://rp.example/cb?x=1", "https://rp.example"),
        ("http://127.0.0.1:51234/cb", "http://127.0.0.1:51234"),
        ("http://[::1]:51234/cb", "http:"),
        ("com.example.app:/cb", "com.example.app:"),
        ("https://rp.example;script-src *", "https:"),
        ("https://rp example", "https:"),
        ("", ""),
        ("https://[", ""),
        ("1;x:y", ""),
    ],
)
def test_a_form_may_lead_to_the_site_that_the_client_registered_and_nothing_else_gets_into_the_policy(target, source):
    """CSP level 3 section 6.4.2: browsers hold the redirects after a form to form-action as well."""
    assert policy.form_source(target) == source
    written = policy.headers(target)["Content-Security-Policy"]
    assert f"form-action 'self'{source and ' ' + source}; frame-ancestors 'none'" in written
    assert written.count(";") == 7


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://sign.example"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "http://localhost:8080"},
    ],
)
def test_a_form_of_our_own_pages_is_taken(headers):
    require_own(headers, SERVER)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://sign.example"},
        {"origin": "https://sign.example.evil.example"},
        {"sec-fetch-site": "cross-site", "origin": "https://sign.example"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": ""},
    ],
)
def test_t33_a_form_of_another_site_is_refused(headers):
    with pytest.raises(ForeignForm):
        require_own(headers, SERVER)


def test_an_origin_has_no_path():
    assert origin_of(SERVER) == "https://sign.example"


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 bytes"), (1023, "1,023 bytes"), (1024, "1 kB"), (1536, "1.5 kB"), (5 * 2**30, "5 GB")]
)
def test_a_size_is_said_in_the_unit_that_fits(count, shown):
    assert environment("en").filters["size"](count) == shown


def test_what_a_template_does_not_know_is_a_failure_and_what_somebody_wrote_is_escaped():
    """T58: what an application wrote is text, never markup."""
    hostile = "</p><script>alert(1)</script>{{ 7 * 7 }}"
    made = environment("en").from_string("<p>{{ said }}</p>").render(said=hostile)

    assert made == "<p>&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}</p>"
    with pytest.raises(Exception, match="undefined"):
        render("refusal.html", "en")


def test_a_file_is_named_by_what_is_in_it():
    assert assets.address(assets.STYLE) != assets.address(assets.SCRIPT)
    assert assets.address(assets.STYLE).startswith("/assets/page-")
    assert assets.address(assets.STYLE).endswith(".css")
