"""The page on which a person waits for their phone: what it tells, and in whose words."""

import re

import pytest

from dss.devices.request import Kind
from dss.kernel.errors import HsmUnavailable, NotFound, Tampered
from dss.kernel.policy import Mode
from dss.notify.model import LOCALES
from dss.transactions.machine import State
from dss.transactions.preparation import Stage
from dss.web.pages import assets
from tests.protocol.html_reading import Reading
from tests.protocol.waiting_room import PAGE, TYPING, browser, page_of, waiting

__all__ = ["browser", "waiting"]

HOSTILE = "</bdi></dd><script>alert(1)</script><b title='\"&amp;{}$title ${h1} %s"
TITLES = {
    "en": ("Scan this code", "Confirm on your phone", "There is no such page"),
    "ru": ("Отсканируйте этот код", "Подтвердите на телефоне", "Такой страницы нет"),
    "uk": ("Відскануйте цей код", "Підтвердьте на телефоні", "Такої сторінки немає"),
    "ro": ("Scanați acest cod", "Confirmați pe telefon", "Nu există o astfel de pagină"),
}


# --- what it tells ---


async def test_it_tells_who_asks_for_what_and_in_a_place_of_its_own_what_they_say(browser):
    """T15: the name is the registered one."""
    page = await page_of(browser)

    assert page.texts["dt"] == ["Who asks", "What is to be confirmed", "What they say, in their own words"]
    assert page.main.texts["bdi"] == ["Contracts Ltd", "rent.pdf", "annex.pdf", "Rent, March"]


async def test_more_documents_than_a_screen_holds_are_counted(browser, waiting):
    waiting.becomes(count=21, names=tuple(f"{number}.pdf" for number in range(21)))

    assert "Documents: 21" in (await browser.get(PAGE)).text
    assert (await page_of(browser)).main.texts["bdi"] == ["Contracts Ltd", "Rent, March"]


@pytest.mark.parametrize(
    ("kind", "count", "told"),
    [
        (Kind.SIGN, 120, "Documents: 120"),
        (Kind.CREATE, 0, "A new key for your electronic signature"),
        (Kind.SESSION, 25, "Up to 25 signatures"),
    ],
)
async def test_what_has_no_names_is_said_in_words(browser, waiting, kind, count, told):
    waiting.becomes(kind=kind, count=count, names=())

    assert told in (await browser.get(PAGE)).text


@pytest.mark.parametrize(
    ("mode", "number", "label"),
    [(Mode.CHOOSE, "07", "Choose this number"), (Mode.COMPARE, "0042", "The phone must show the same code")],
)
async def test_the_number_to_find_on_the_phone_is_shown_large(browser, waiting, mode, number, label):
    waiting.becomes(mode=mode, number=number)

    page = await page_of(browser)

    assert page.text("strong") == number
    assert label in (await browser.get(PAGE)).text


async def test_no_number_is_shown_where_there_is_none(browser, waiting):
    waiting.becomes(mode=Mode.NONE, number="")

    assert "strong" not in (await page_of(browser)).tags()


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"state": Stage.PREPARING}, "It is being prepared"),
        ({"state": Stage.FAILED}, "It could not be carried out"),
        ({"state": Stage.CANCELLED}, "Cancelled"),
        ({}, "Scan this code"),
        ({"is_pushed": True}, "Confirm on your phone"),
        ({"is_pushed": True, "is_linked": True}, "Confirm on your phone"),
        ({"state": State.CONFIRMED}, "Confirmed"),
        ({"state": State.SIGNING}, "Confirmed"),
        ({"state": State.CONFIRMED, "kind": Kind.SESSION}, "Confirmed"),
        ({"state": State.CANCELLED, "kind": Kind.SESSION}, "Cancelled"),
        ({"state": State.CANCELLED, "kind": Kind.SESSION, "has_run": True}, "The session is over"),
        ({"state": State.EXPIRED, "kind": Kind.SESSION}, "The time is over"),
        ({"state": State.EXPIRED, "kind": Kind.SESSION, "has_run": True}, "The session is over"),
        ({"state": State.SIGNED}, "Done"),
        ({"state": State.DECLINED, "reason": "not mine"}, "Declined"),
        ({"state": State.DECLINED, "cause": "not_me"}, "Declined"),
        ({"state": State.DECLINED, "cause": "wrong_data"}, "Declined"),
        ({"state": State.DECLINED, "cause": "code_differs"}, "Declined"),
        ({"state": State.EXPIRED}, "The time is over"),
        ({"state": State.CANCELLED}, "Cancelled"),
        ({"state": State.CANCELLED, "wrong_number": True}, "Cancelled"),
        ({"state": State.FAILED}, "It could not be carried out"),
    ],
)
async def test_it_says_where_the_request_stands(browser, waiting, changes, title):
    waiting.becomes(**changes)

    page = await page_of(browser)

    assert page.text("h1") == page.text("title") == title
    assert ("reason" in changes) is ("Reason" in page.texts["dt"])
    assert changes.get("reason") in [None, *page.texts["bdi"]]


async def test_every_state_is_said_in_words_of_its_own(browser, waiting):
    changes = [{"state": state} for state in State] + [{"cause": cause} for cause in ("not_me", "wrong_data")]
    said = set()
    for change in changes:
        waiting.becomes(**{"state": State.DECLINED, "cause": ""} | change)
        said.add((await page_of(browser)).main.text("p"))

    assert len(said) == len(changes) - 1, "confirmed and signing are one"


# --- in whose words ---


@pytest.mark.parametrize("locale", LOCALES)
async def test_the_page_is_in_the_language_of_the_person_who_is_asked(browser, waiting, locale):
    waiting.becomes(locale=locale)
    scan = await page_of(browser)
    waiting.becomes(is_pushed=True)
    pushed = await page_of(browser)

    assert scan.attributes("html") == {"lang": locale}
    assert [scan.text("h1"), pushed.text("h1")] == list(TITLES[locale][:2])


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("fault", [NotFound(), HsmUnavailable(), Tampered()], ids=lambda fault: fault.code)
async def test_a_refusal_is_said_in_the_language_of_the_link(browser, waiting, locale, fault):
    waiting.fault = fault

    page = Reading((await browser.get(f"{PAGE}&lang={locale}")).text)

    assert page.attributes("html") == {"lang": locale}
    assert page.text("h1") == page.text("title")
    assert (page.text("h1") == TITLES[locale][2]) is isinstance(fault, NotFound)


# --- what stands in it ---


@pytest.mark.parametrize("state", [State.AWAITING, State.DECLINED])
async def test_t54_names_texts_and_reasons_are_only_ever_text(browser, waiting, state):
    """T04, T54: a relying application and a person wrote them."""
    waiting.becomes(state=state, text="said", reason="reason" if state is State.DECLINED else "", number="")
    plain = await page_of(browser)
    reason = HOSTILE if state is State.DECLINED else ""
    waiting.becomes(application=HOSTILE, text=HOSTILE, names=(HOSTILE, HOSTILE), reason=reason)

    page = await page_of(browser)

    assert set(page.main.texts["bdi"]) == {HOSTILE}
    assert page.found == plain.found


@pytest.mark.parametrize("state", State, ids=lambda state: state.value)
@pytest.mark.parametrize("path", [PAGE, TYPING])
async def test_a_page_is_closed_html_with_one_heading_for_screens_of_any_size(browser, waiting, path, state):
    """WCAG 2.2 criteria 1.4.10, 2.4.2, 2.4.6 and 3.1.1."""
    waiting.becomes(state=state, takes_code=True)

    answer = await browser.get(path)

    page = Reading(answer.text)
    assert answer.text.startswith("<!doctype html>\n")
    assert page.open == []
    assert [page.tags().count(tag) for tag in ("html", "title", "main", "h1")] == [1, 1, 1, 1]
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.found
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in page.found


@pytest.mark.parametrize(("path", "status"), [(PAGE, 200), (TYPING, 200), (f"{PAGE}x", 404)])
async def test_every_page_runs_and_applies_only_files_of_the_server(browser, waiting, path, status):
    """CSP level 3."""
    waiting.becomes(takes_code=True)

    answer = await browser.get(path)

    assert answer.status_code == status
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert Reading(answer.text).own_files() == [assets.address(assets.SCRIPT), assets.address(assets.STYLE)]
    assert not re.search("https?:| on[a-z]+=| style=", answer.text)


async def test_nothing_that_all_pages_have_leads_on_with_the_code_of_the_address(browser):
    """T16."""
    page = await page_of(browser)
    beside = [given for given in page.found if given not in page.main.found]

    assert ("a", {"class": "skip", "href": "#content"}) in beside
    assert [given for given in beside if "k=" in str(given)] == []
