"""Signing in on pages: login and password, then one of the second factors (docs/authorization.md section 7)."""

from dataclasses import fields
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from dss.devices.model import Device, DeviceState
from dss.kernel.errors import TooMany
from dss.login.model import Factor
from dss.transactions.machine import State
from tests.protocol.html_reading import Reading
from tests.protocol.page_grants import CALLBACK, CLIENT, AuthorizingStandIn
from tests.protocol.pages_world import NOW, PASSWORD, REQUEST, Site

MINE = {"login": "alice", "password": PASSWORD}
THEN = "/oauth/authorize?client_id=1&state=x"
FORMS = ("phone", "code", "passkey")


@pytest.fixture
def site() -> Site:
    return Site()


def phone(name: str, **more: Any) -> Device:
    """Return a phone of Alice."""
    given = {each.name: None for each in fields(Device)} | {"name": name, "state": DeviceState.ACTIVE}
    return Device(**given | more)


def right(code: str) -> Any:
    async def check(_: Any, given: str, *__: Any) -> bool:
        return given == code

    return SimpleNamespace(check=check)


async def test_a_right_password_leads_to_the_second_factor(site):
    answer = await site.send("/signin", login=" Alice ", password=PASSWORD)

    assert (answer.status_code, answer.headers["location"]) == (303, "/signin/second?then=%2Faccount")
    (login, _, where) = site.login.tried[0]
    assert login == "alice"
    assert len(where.browser) == 43


async def test_where_there_is_the_phone_only_it_is_asked_at_once(site):
    site.login.ways = (Factor.PHONE,)
    answer = await site.send("/signin", **MINE)

    assert answer.headers["location"] == f"/signin/second?then=%2Faccount&request={REQUEST}"
    assert site.phone.asked == [None]


async def test_t17_a_wrong_login_and_a_wrong_password_look_alike(site):
    pages = [await site.send("/signin", login=login, password="Wrong-1-wrong") for login in ("alice", "nobody")]

    assert [page.status_code for page in pages] == [403, 403]
    assert pages[0].text.replace("alice", "nobody") == pages[1].text


async def test_a_fault_is_told_at_once_and_at_the_fields(site):
    """WCAG 2.2 criteria 3.3.1 and 4.1.3."""
    page = Reading((await site.send("/signin", login="alice", password="no")).text)
    fault = next(given for _, given in page.found if given.get("role") == "alert")
    fields = [given for tag, given in page.found if tag == "input" and given.get("type") != "hidden"]

    assert fault["id"] == "fault"
    assert [(given["aria-describedby"], given["aria-invalid"]) for given in fields] == [("fault", "true")] * 2
    assert [given["autocomplete"] for given in fields] == ["username", "current-password"]
    assert "no" not in [given.get("value") for given in fields]


async def test_a_way_that_is_closed_says_for_how_long(site):
    site.login.wrong = TooMany("closed", retry_after=21)
    answer = await site.send("/signin?lang=ru", login="alice", password="no")

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "21")
    assert "Повторите через 21 секунду." in answer.text


async def test_who_is_signed_in_goes_on_but_for_signing_in_again(site):
    site.signed_in()

    assert (await site.browser.get("/signin")).headers["location"] == "/account"
    assert (await site.browser.get("/signin?again=1")).status_code == 200


@pytest.mark.parametrize("then", ["//evil.example", "https://evil.example", "/%5Cevil.example"])
async def test_t33_signing_in_leads_to_nobody_else(site, then):
    site.signed_in("half")
    site.phone.confirmed = True
    answer = await site.browser.get("/signin/second", params={"then": then, "request": REQUEST})

    assert answer.headers["location"] == "/account"


async def test_a_page_names_the_application_that_one_signs_in_for_and_lets_the_form_lead_there():
    site = Site(authorizing=AuthorizingStandIn())
    answer = await site.browser.get("/signin", params={"then": THEN})

    assert "Bank &lt;b&gt;of&lt;/b&gt; Examples" in answer.text
    assert "form-action 'self' https://rp.example;" in answer.headers["content-security-policy"]
    site.login.ways = (Factor.PHONE,)
    await site.browser.post("/signin", params={"then": THEN}, data={"form": "?", **MINE})
    await site.send(f"/signin?then={THEN.replace('&', '%26')}", **MINE)
    assert site.phone.asked == [CLIENT]
    assert CALLBACK.startswith("https://rp.example")


async def test_the_phone_is_waited_for_with_the_number_and_without_a_script(site):
    site.signed_in("half")
    page = Reading((await site.browser.get(f"/signin/second?request={REQUEST}")).text)

    assert page.text("strong") == "42"
    assert {"http-equiv": "refresh", "content": "5"} in [given for tag, given in page.found if tag == "meta"]
    events = next(given["data-events"] for _, given in page.found if "data-events" in given)
    assert events == f"/signin/second/events?request={REQUEST}"


async def test_the_phones_yes_completes_the_session(site):
    site.signed_in("half")
    site.phone.confirmed = True
    answer = await site.browser.get("/signin/second", params={"then": THEN, "request": REQUEST})

    assert answer.headers["location"] == THEN
    assert answer.cookies["__Host-dss-session"] == "full"


@pytest.mark.parametrize("state", [State.DECLINED, State.EXPIRED, State.CANCELLED, State.FAILED, State.SIGNED])
async def test_another_end_is_told_and_the_phone_can_be_asked_again(site, state):
    site.signed_in("half")
    site.phone.state = state
    page = Reading((await site.browser.get(f"/signin/second?request={REQUEST}")).text)

    assert "refresh" not in [given.get("http-equiv") for _, given in page.found]
    assert "/signin/second/phone?then=%2Faccount" in [given.get("action") for _, given in page.found]


@pytest.mark.parametrize("request_id", ["x", "01KAJ9T8VX3N5Q7R9S1T2V4W6Z", "\x00"])
async def test_t16_another_request_is_not_there(site, request_id):
    site.signed_in("half")
    answer = await site.browser.get("/signin/second", params={"request": request_id})

    assert answer.status_code == 404


async def test_an_event_comes_once_the_phone_has_answered(site):
    site.signed_in("half")
    site.phone.state = State.DECLINED
    answer = await site.browser.get(f"/signin/second/events?request={REQUEST}")

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert "event: change" in answer.text


async def test_a_stream_without_news_ends(site):
    site.signed_in("half")
    answer = await site.browser.get(f"/signin/second/events?request={REQUEST}")

    assert answer.status_code == 200
    assert "change" not in answer.text


@pytest.mark.parametrize(("typed", "status"), [("123 456", 303), ("654321", 403)])
async def test_a_code_of_the_authenticator_app_is_taken_with_spaces(site, typed, status):
    site.services.authenticators = right("123456")
    site.signed_in("half")
    answer = await site.send("/signin/second?way=totp", "/signin/second/code?way=totp", code=typed)

    assert answer.status_code == status
    if status == 403:
        assert "one-time-code" in answer.text
        assert 'role="alert"' in answer.text


@pytest.mark.parametrize(("answer", "status"), [('{"id": 1}', 303), ("{}", 403)])
async def test_a_passkey_is_a_form_that_a_script_shows(site, answer, status):
    site.services.passkeys = right('{"id": 1}')

    async def challenge(_: Any) -> str:
        return '{"challenge": "a&b\\""}'

    site.services.passkeys.challenge = challenge
    site.signed_in("half")
    page = Reading((await site.browser.get("/signin/second?way=passkey")).text)
    form = next(given for tag, given in page.found if tag == "form" and "data-passkey" in given)
    sent = await site.send("/signin/second?way=passkey", "/signin/second/passkey?way=passkey", passkey=answer)

    assert "hidden" in form
    assert form["data-options"] == '{"challenge": "a&b\\""}'
    assert "JavaScript" in page.text("p")
    assert sent.status_code == status


async def test_without_a_second_factor_one_is_told_to_bind_a_phone(site):
    site.login.ways = ()
    site.signed_in("half")

    assert Reading((await site.browser.get("/signin/second")).text).text("h1") == "Bind a phone first"


async def test_a_phone_that_is_locked_or_waits_its_time_is_named_with_its_end(site):
    site.login.ways = ()
    site.devices.phones = [
        phone("Locked", state=DeviceState.LOCKED, locked_until=NOW + timedelta(hours=3)),
        phone("Stopped", state=DeviceState.LOCKED),
        phone("New", active_from=NOW + timedelta(minutes=40)),
    ]
    site.signed_in("half")
    page = Reading((await site.browser.get("/signin/second")).text)
    said = page.text("p")

    assert page.text("h1") == "Your phone cannot confirm now"
    assert {"Locked", "Stopped", "New"} <= set(page.texts["bdi"])
    assert "It is locked until" in said
    assert "until the operator unlocks it" in said
    assert "It is new, and works from" in said
    assert "(in 40 minutes)" in said
    assert ["15:00" in moment for moment in page.texts["time"]] == [True, False]


async def test_beside_another_way_a_locked_phone_is_told_of_too(site):
    site.login.ways = (Factor.TOTP,)
    site.devices.phones = [phone("Locked", state=DeviceState.LOCKED, locked_until=NOW + timedelta(minutes=9))]
    site.signed_in("half")
    answer = await site.browser.get("/signin/second")

    assert "one-time-code" in answer.text
    assert "Your phone cannot confirm now" in Reading(answer.text).text("h2")


async def test_without_a_session_the_second_step_begins_anew(site):
    assert (await site.browser.get("/signin/second")).headers["location"] == "/signin?then=%2Faccount"


@pytest.mark.parametrize("path", ["/signin/second", "/signin/second/events"])
async def test_without_a_session_the_second_step_forgets_not_where_it_was_to_lead(site, path):
    answer = await site.browser.get(path, params={"then": THEN, "request": REQUEST})

    assert answer.headers["location"] == "/signin?then=%2Foauth%2Fauthorize%3Fclient_id%3D1%26state%3Dx"


@pytest.mark.parametrize(
    ("path", "page"),
    [("/signin/certificate", "/signin"), *((f"/signin/second/{end}", "/signin/second") for end in FORMS)],
)
async def test_where_a_form_was_answered_another_language_or_a_reload_finds_its_page(site, path, page):
    answer = await site.browser.get(f"{path}?then=%2Faccount&way=totp&lang=uk&path=x")

    assert (answer.status_code, answer.headers["location"]) == (303, f"{page}?then=%2Faccount&way=totp&lang=uk&path=x")


async def test_signing_out_ends_the_session_and_the_cookie(site):
    site.signed_in("half")
    answer = await site.send("/signin/second?way=totp", "/account/sign-out", then=THEN)

    assert answer.headers["location"].startswith("/signin?then=%2Foauth%2Fauthorize")
    assert '__Host-dss-session=""; HttpOnly; Max-Age=0' in answer.headers.get_list("set-cookie")[0]
    assert len(site.login.ended) == 1
    assert site.phone.state is State.CANCELLED
