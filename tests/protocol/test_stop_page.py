"""The stop link of a letter: a page that a mail scanner may open without harm, and one button (T22)."""

import re
from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from dss.kernel.errors import DatabaseUnavailable, DssError, HsmUnavailable, NotFound, Tampered
from dss.notify.model import LOCALES
from dss.transactions.phones import StopView
from dss.web.http.headers import SecurityHeaders
from dss.web.http.problems import exception_handlers
from dss.web.pages import assets
from dss.web.stop.routes import routes
from tests.protocol.html_reading import Reading
from tests.world.asgi import client

DEVICE = "01KAJ9T8VX3N5Q7R9S1T2V4W6Y"
MAC = "q2V_-0" * 7
LINK = f"/stop/{DEVICE}/{MAC}"
NAME = "Pixel 9"
HOSTILE = "</p><script>alert(1)</script><b title='\"&amp;{}$title ${h1} %s"
STOPPED = {"waiting": "removed", "active": "locked", "locked": "locked", "removed": "removed"}
TITLES = {
    "en": ("Stop this phone?", "The phone is stopped", "There is no such phone"),
    "ru": ("Остановить этот телефон?", "Телефон остановлен", "Такого телефона нет"),
    "uk": ("Зупинити цей телефон?", "Телефон зупинено", "Такого телефону немає"),
    "ro": ("Opriți acest telefon?", "Telefonul este oprit", "Nu există un astfel de telefon"),
}


class Phones:
    """The service behind the page, with one phone; fault: what it raises instead."""

    def __init__(self) -> None:
        self.name, self.state, self.locale = NAME, "waiting", "en"
        self.fault: DssError | None = None
        self.asked: list[str] = []

    async def stop_page(self, device: str, mac: str) -> StopView:
        return self._view("page", device, mac)

    async def stop_by_link(self, device: str, mac: str) -> StopView:
        view = self._view("stop", device, mac)
        self.state = STOPPED[view.state]
        return StopView(view.name, self.state, view.locale)

    def _view(self, verb: str, device: str, mac: str) -> StopView:
        self.asked.append(verb)
        if self.fault:
            raise self.fault
        if (device, mac) != (DEVICE, MAC):
            raise NotFound
        return StopView(self.name, self.state, self.locale)


@pytest.fixture
def phones() -> Phones:
    return Phones()


@pytest.fixture
async def browser(phones: Phones) -> AsyncIterator[httpx.AsyncClient]:
    app = SecurityHeaders(Starlette(routes=routes(), exception_handlers=dict(exception_handlers())))

    async def with_services(scope: Scope, receive: Receive, send: Send) -> None:
        settings = SimpleNamespace(public_url="https://dss.test", name="Signatures of Examples")
        scope["state"] = {"services": SimpleNamespace(phones=phones, settings=settings)}
        await app(scope, receive, send)

    async with client(with_services) as caller:
        yield caller


# --- what it does ---


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("state", ["waiting", "active"])
async def test_t22_opening_the_link_changes_nothing(browser, phones, method, state):
    """T22, RFC 9110 section 9.2.1: a scanner of mail opens every link."""
    phones.state = state

    answer = await browser.request(method, LINK)

    assert (answer.status_code, phones.asked, phones.state) == (200, ["page"], state)


@pytest.mark.parametrize("state", ["waiting", "active"])
async def test_t22_the_button_stops_the_phone_and_shows_that_it_is_stopped(browser, phones, state):
    phones.state = state

    answer = await browser.post(LINK)

    assert (answer.status_code, phones.state) == (200, STOPPED[state])
    assert Reading(answer.text).text("h1") == "The phone is stopped"


@pytest.mark.parametrize("state", ["waiting", "active"])
async def test_the_page_names_the_phone_and_has_one_button_that_posts_to_the_same_address(browser, phones, state):
    phones.state = state

    page = Reading((await browser.get(f"{LINK}?lang=en")).text)

    assert page.main.text("bdi") == NAME
    assert page.attributes("form") == {"method": "post"}
    assert page.attributes("button")["type"] == "submit"
    assert page.text("button") == "Stop this phone"


async def test_the_page_says_what_the_button_does_to_this_phone(browser, phones):
    """docs/device-protocol.md section 3: one that waits is removed, any other is locked."""
    waiting = (await browser.get(LINK)).text
    phones.state = "active"
    active = (await browser.get(LINK)).text

    assert "The phone is removed at once" in waiting
    assert "The phone is locked at once" in active


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("state", ["removed", "locked"])
async def test_a_phone_that_is_stopped_already_is_shown_as_such(browser, phones, method, state):
    phones.state = state

    answer = await browser.request(method, LINK)

    page = Reading(answer.text)
    assert (answer.status_code, page.text("h1"), page.main.text("bdi")) == (200, "The phone is stopped", NAME)
    assert "form" not in page.tags()


# --- what it refuses ---


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_wrong_mac_and_an_unknown_phone_are_one_and_the_same_404(browser, method):
    """T17: who has no right link learns nothing, not even that a phone exists."""
    unknown = DEVICE[:-1] + "Z"
    malformed = [f"/stop/{DEVICE.lower()}/{MAC}", f"/stop/%00/{MAC}", f"/stop/{DEVICE}/%D0%BC%00", f"/stop/{DEVICE}/'"]
    links = [f"/stop/{DEVICE}/{MAC[:-1]}", f"/stop/{unknown}/{MAC}", f"/stop/{DEVICE}/{MAC * 4}", *malformed]

    answers = [await browser.request(method, link) for link in links]

    assert {answer.status_code for answer in answers} == {404}
    assert len({(answer.text, str(sorted(answer.headers.items()))) for answer in answers}) == 1
    assert "form" not in Reading(answers[0].text).tags()


async def test_what_cannot_be_a_phone_is_not_looked_up(browser, phones):
    for device in ("x", "%00", "%D0%BC" * 26, f"{DEVICE}%0A", f"{DEVICE}0", DEVICE.lower(), DEVICE.replace("W", "U")):
        await browser.post(f"/stop/{device}/{MAC}")

    assert phones.asked == []


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("fault", [HsmUnavailable("slot 7"), DatabaseUnavailable("db-1.internal")])
async def test_without_the_hsm_or_the_database_the_page_says_to_come_back(browser, phones, method, fault):
    """T57."""
    phones.fault = fault

    answer = await browser.request(method, LINK)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert Reading(answer.text).text("h1") == "The server cannot answer now"
    assert fault.detail not in answer.text


async def test_t18_a_phone_whose_row_was_altered_is_a_page_that_sends_to_the_operator(browser, phones):
    phones.fault = Tampered("row 12")

    answer = await browser.post(LINK)

    assert (answer.status_code, answer.headers["content-type"]) == (423, "text/html; charset=utf-8")
    assert "tell the operator at once" in answer.text
    assert "row 12" not in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_405(browser, method):
    answer = await browser.request(method, LINK)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


# --- in whose words ---


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("state", STOPPED)
async def test_a_phone_is_shown_in_the_language_of_its_owner_whatever_the_link_says(browser, phones, locale, state):
    phones.locale, phones.state = locale, state

    page = Reading((await browser.get(f"{LINK}?lang=en")).text)

    asked, stopped, _ = TITLES[locale]
    assert page.attributes("html") == {"lang": locale}
    assert page.text("h1") == page.text("title") == (asked if STOPPED[state] != state else stopped)
    assert page.main.text("bdi") == NAME
    assert all(page.texts["p"])


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("fault", [NotFound(), HsmUnavailable(), Tampered()], ids=lambda fault: fault.code)
async def test_a_refusal_is_said_in_the_language_of_the_link(browser, phones, locale, fault):
    phones.fault = fault

    page = Reading((await browser.get(f"{LINK}?lang={locale}")).text)

    assert page.attributes("html") == {"lang": locale}
    assert page.text("h1") == page.text("title")
    assert (page.text("h1") == TITLES[locale][2]) is isinstance(fault, NotFound)


@pytest.mark.parametrize("query", ["", "?lang=", "?lang=de", "?lang=../../en", "?lang=%22%3E", "?lang=ru%00"])
async def test_a_refusal_without_a_language_that_is_known_is_in_english(browser, query):
    answer = await browser.get(f"/stop/{DEVICE}/wrong{query}")

    assert (answer.status_code, Reading(answer.text).attributes("html")) == (404, {"lang": "en"})


# --- what stands in it ---


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_t54_a_phone_name_is_only_ever_text(browser, phones, method):
    """T04, T54: whoever enrolled the phone chose its name."""
    plain = Reading((await browser.request(method, LINK)).text)
    phones.name, phones.state = HOSTILE, "waiting"

    page = Reading((await browser.request(method, LINK)).text)

    assert page.main.text("bdi") == HOSTILE
    assert page.found == plain.found


@pytest.mark.parametrize("state", STOPPED)
async def test_a_page_is_closed_html_with_one_heading_for_screens_of_any_size(browser, phones, state):
    """WCAG 2.2 criteria 1.4.10, 2.4.2, 2.4.6 and 3.1.1."""
    phones.state = state

    answer = await browser.get(LINK)

    page = Reading(answer.text)
    assert answer.text.startswith("<!doctype html>\n")
    assert page.open == []
    assert [page.tags().count(tag) for tag in ("html", "title", "main", "h1")] == [1, 1, 1, 1]
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.found
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in page.found


@pytest.mark.parametrize(("path", "status"), [(LINK, 200), (f"{LINK}x", 404)])
async def test_every_page_loads_only_files_of_the_server_and_leads_nowhere(browser, path, status):
    """CSP level 3."""
    answer = await browser.get(path)
    page = Reading(answer.text)

    assert answer.status_code == status
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers
    assert page.own_files() == [assets.address(assets.SCRIPT), assets.address(assets.STYLE)]
    assert [given["href"] for tag, given in page.found if tag == "a"] == ["#content"]
    assert MAC not in answer.text
    assert not re.search("script|http|src=|href=|data-", re.search("<main.*</main>", answer.text, re.DOTALL)[0])
    assert not re.search("https?:| on[a-z]+=| style=", answer.text)
