"""The codes of the waiting page: the one that changes, the one that is typed, and the one in its address."""

import pytest

from dss.kernel.errors import AnswerRefused, Conflict, DatabaseUnavailable, Expired, HsmUnavailable
from dss.transactions.machine import State
from dss.transactions.preparation import Stage
from dss.web.pages import assets
from mobile_mock.scanning import text_of
from tests.protocol.html_reading import Reading
from tests.protocol.waiting_room import (
    CODE,
    ID,
    LINK,
    OFFLINE,
    PAGE,
    PICTURE,
    REQUEST,
    TYPING,
    browser,
    page_of,
    waiting,
)

__all__ = ["browser", "waiting"]


# --- the code that changes ---


@pytest.mark.parametrize("is_pushed", [False, True])
async def test_the_code_is_shown_until_it_was_scanned(browser, waiting, is_pushed):
    waiting.becomes(is_pushed=is_pushed)
    before = await page_of(browser)
    waiting.becomes(is_pushed=True, is_linked=True)
    after = await page_of(browser)

    assert before.attributes("img")["src"] == f"{ID}/link.png?k={CODE}"
    assert "data-turning" in before.attributes("img")
    assert before.attributes("img")["alt"] == "QR code to scan with the app"
    assert "img" not in after.tags()


async def test_the_picture_is_the_code_of_this_second_and_is_kept_by_nobody(browser):
    answer = await browser.get(f"{PICTURE}&n=7")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["cache-control"] == "no-store"
    assert text_of(answer.content) == LINK


async def test_of_what_was_scanned_there_is_no_picture_and_that_makes_the_script_look_again(browser, waiting):
    script = (await browser.get(assets.address(assets.SCRIPT))).text
    waiting.fault = Conflict("the transaction was opened by a link already")

    answer = await browser.get(PICTURE)

    assert (answer.status_code, answer.headers["content-type"]) == (409, "text/html; charset=utf-8")
    assert "const look = () => fetch(address).then(reload, " in script
    assert 'picture.addEventListener("error", () => setTimeout(look, TURN_MS))' in script


@pytest.mark.parametrize("state", [Stage.PREPARING, State.AWAITING, State.CONFIRMED, State.SIGNING])
async def test_without_a_script_the_page_is_loaded_anew_while_the_request_goes_on(browser, waiting, state):
    waiting.becomes(state=state)

    page = await page_of(browser)

    wanted = "2" if state is State.AWAITING else "5"
    assert ("meta", {"http-equiv": "refresh", "content": wanted}) in page.found
    assert ("noscript" in page.tags()) is (state is State.AWAITING)


@pytest.mark.parametrize("state", [Stage.PREPARING, State.AWAITING, State.CONFIRMED, State.SIGNING])
async def test_who_asks_for_it_has_a_page_that_does_not_reload_by_itself(browser, waiting, state):
    """WCAG 2.2 criterion 2.2.1, failure F41; the link stands before all else of the page."""
    waiting.becomes(state=state)

    moving = await page_of(browser)
    stop = next(str(given["href"]) for tag, given in moving.found if tag == "a" and given.get("class") != "skip")
    still = Reading((await browser.get(f"/wait/{stop}")).text)

    assert "Do not reload by itself" in moving.texts["a"]
    assert stop.endswith("&still=1")
    assert "refresh" not in [given.get("http-equiv") for _, given in still.found]
    assert stop.removesuffix("&still=1") in [given.get("href") for _, given in still.found]


@pytest.mark.parametrize(
    "state", [State.SIGNED, State.DECLINED, State.EXPIRED, State.CANCELLED, State.FAILED], ids=lambda state: state.value
)
async def test_what_has_ended_is_loaded_once_and_shows_neither_code_nor_number(browser, waiting, state):
    waiting.becomes(state=state, number="")

    page = await page_of(browser)

    assert not {"img", "noscript", "strong"} & set(page.tags())
    assert "script" not in page.main.tags()
    assert not [found for found in page.found if found[0] == "meta" and "http-equiv" in found[1]]


# --- the code that is typed ---


async def test_the_way_to_type_a_code_is_there_where_one_can_answer(browser, waiting):
    before = await page_of(browser)
    waiting.becomes(takes_code=True)
    after = await page_of(browser)

    way = {"href": f"{ID}/code?k={CODE}"}
    assert ("a", way) not in before.main.found
    assert ("a", way) in after.main.found


async def test_the_page_for_it_shows_the_request_and_the_number_and_is_not_loaded_anew(browser, waiting):
    waiting.becomes(takes_code=True)

    page = Reading((await browser.get(TYPING)).text)

    assert page.attributes("img")["src"] == f"offline.png?k={CODE}"
    assert page.text("strong") == "47"
    assert page.attributes("form") == {"method": "post"}
    assert page.attributes("label") == {"for": page.attributes("input")["id"]}
    assert "noscript" not in page.tags()
    assert not [given for _, given in page.found if "data-turning" in given or "data-events" in given]
    assert not [found for found in page.found if found[0] == "meta" and "http-equiv" in found[1]]


async def test_the_picture_for_a_phone_without_a_connection_is_its_request(browser):
    answer = await browser.get(REQUEST)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert text_of(answer.content) == OFFLINE


@pytest.mark.parametrize("typed", ["12345678", "1234 5678", " 1234-5678 "])
async def test_a_right_code_leads_to_where_the_request_stands(browser, waiting, typed):
    waiting.becomes(takes_code=True)

    answer = await browser.post(TYPING, data={"code": typed})

    assert (answer.status_code, answer.headers["location"]) == (303, f"../{ID}?k={CODE}")
    assert waiting.typed == ["12345678"]


async def test_a_wrong_code_is_said_to_be_wrong(browser, waiting):
    waiting.becomes(takes_code=True)
    waiting.refusal = AnswerRefused("the code is wrong; 2 of 3 tries are left")

    answer = await browser.post(TYPING, data={"code": "12345678"})

    assert answer.status_code == 403
    assert "The code is wrong" in Reading(answer.text).text("p")
    assert "form" in Reading(answer.text).tags()


@pytest.mark.parametrize(
    "form", [{"code": "1234567"}, {"code": "abcdefgh"}, {"code": "\N{FULLWIDTH DIGIT ONE}" * 8}, {}]
)
async def test_what_is_no_code_counts_as_no_try(browser, waiting, form):
    waiting.becomes(takes_code=True)

    answer = await browser.post(TYPING, data=form, headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert (answer.status_code, waiting.typed) == (403, [])


@pytest.mark.parametrize("refusal", [Conflict(), Expired()], ids=lambda refusal: refusal.code)
async def test_what_was_answered_or_ended_meanwhile_is_shown_by_its_page(browser, waiting, refusal):
    waiting.becomes(takes_code=True)
    waiting.refusal = refusal

    answer = await browser.post(TYPING, data={"code": "12345678"})

    assert (answer.status_code, answer.headers["location"]) == (303, f"../{ID}?k={CODE}")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_where_no_code_can_answer_there_is_no_field(browser, waiting, method):
    answer = await browser.request(method, TYPING)

    assert (answer.status_code, answer.headers["location"]) == (303, f"../{ID}?k={CODE}")
    assert waiting.typed == []


@pytest.mark.parametrize(("content", "kind"), [(b"code=12345678&x=" + b"x" * 2000, None), (b"{}", "application/json")])
async def test_a_body_that_is_no_form_or_too_long_is_refused(browser, waiting, content, kind):
    waiting.becomes(takes_code=True)
    headers = {"Content-Type": kind or "application/x-www-form-urlencoded"}

    answer = await browser.post(TYPING, content=content, headers=headers)

    assert answer.status_code in (413, 415)
    assert waiting.typed == []


# --- the code of the address ---


async def test_t16_a_wrong_code_and_an_unknown_transaction_are_one_and_the_same_404(browser):
    """Who has no right code learns nothing, not even that there is such a transaction."""
    unknown, wrong = ID[:-1] + "Z", CODE[:-1] + "Q"
    links = [f"/wait/{ID}", f"/wait/{ID}?k={wrong}", f"/wait/{unknown}?k={CODE}", f"/wait/{ID}?k={CODE}A"]
    odd = [f"/wait/{ID.lower()}?k={CODE}", f"/wait/%00?k={CODE}", f"/wait/{ID}?k=%00", f"/wait/{ID}?k=%D0%BC"]

    answers = [await browser.get(link) for link in links + odd]

    assert {answer.status_code for answer in answers} == {404}
    assert len({(answer.text, str(sorted(answer.headers.items()))) for answer in answers}) == 1


async def test_the_other_parts_are_refused_as_the_page_is(browser):
    for part in ("link.png", "offline.png", "code"):
        for link in (f"/wait/{ID}/{part}", f"/wait/{ID}/{part}?k={CODE[:-1]}Q", f"/wait/x/{part}?k={CODE}"):
            assert (await browser.get(link)).status_code == 404
    assert (await browser.post(f"/wait/{ID}/code", data={"code": "12345678"})).status_code == 404


async def test_what_cannot_be_a_transaction_is_not_looked_up(browser, waiting):
    for id in ("x", "%00", f"{ID}0", ID.lower(), ID.replace("W", "U")):
        await browser.get(f"/wait/{id}?k={CODE}")

    assert waiting.asked == []


@pytest.mark.parametrize("fault", [HsmUnavailable("slot 7"), DatabaseUnavailable("db-1.internal")])
async def test_without_the_hsm_or_the_database_the_page_tries_again_by_itself(browser, waiting, fault):
    """T57."""
    waiting.fault = fault

    answer = await browser.get(PAGE)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert ("meta", {"http-equiv": "refresh", "content": "5"}) in Reading(answer.text).found
    assert fault.detail not in answer.text


async def test_other_methods_are_405(browser):
    answer = await browser.post(PAGE)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
