"""The page on which a signer waits for the phone, and what comes after it (docs/authorization.md section 8)."""

from dataclasses import replace

import pytest

from dss.transactions.machine import State
from tests.protocol.html_reading import Reading
from tests.protocol.page_grants import CALLBACK, GRANT, SHOWN, VIEW, AuthorizingStandIn, ended
from tests.protocol.pages_world import Site

AT = f"/oauth/waiting/{GRANT}"
ERROR = f"{CALLBACK}?error=access_denied&iss=x"


@pytest.fixture
def authorizing() -> AuthorizingStandIn:
    return AuthorizingStandIn()


@pytest.fixture
def site(authorizing) -> Site:
    made = Site(authorizing=authorizing)
    made.signed_in()
    return made


def refreshes(page: Reading) -> list[str | None]:
    return [given["content"] for tag, given in page.found if tag == "meta" and given.get("http-equiv") == "refresh"]


async def test_the_page_tells_who_asks_for_what_and_the_number(site):
    answer = await site.browser.get(AT)
    page = Reading(answer.text)

    assert "42" in page.text("strong")
    assert {"Bank <b>of</b> Examples", "Sign it", "contract.pdf"} <= set(page.texts["bdi"])
    assert "1 document" in page.text("p")
    assert "form-action 'self' https://rp.example;" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(("is_linked", "seconds"), [(True, "3"), (False, "1")])
async def test_without_a_script_it_is_loaded_anew(site, authorizing, is_linked, seconds):
    authorizing.view = replace(VIEW, shown=replace(SHOWN, is_linked=is_linked))
    page = Reading((await site.browser.get(AT)).text)

    assert refreshes(page) == [seconds]
    assert ("img" in [tag for tag, given in page.found if "data-turning" in given]) is not is_linked


@pytest.mark.parametrize(("changed", "expected"), [(True, True), (False, False)])
async def test_a_stream_tells_of_a_change_and_ends(site, authorizing, changed, expected):
    authorizing.changed = changed
    events = next(
        given["data-events"] for _, given in Reading((await site.browser.get(AT)).text).found if "data-events" in given
    )
    answer = await site.browser.get(str(events))

    assert events == f"{AT}/events?since=awaiting"
    assert ("event: change" in answer.text) is expected


@pytest.mark.parametrize("name", ["link.png", "offline.png"])
async def test_codes_to_scan_are_pictures(site, name):
    answer = await site.browser.get(f"{AT}/{name}?n=3")

    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    assert answer.headers["cache-control"] == "no-store"


async def test_once_it_is_signed_the_browser_goes_to_the_client(site, authorizing):
    authorizing.view, authorizing.ends = ended(State.SIGNED), f"{CALLBACK}?code=1"
    answer = await site.browser.get(AT)

    assert (answer.status_code, answer.headers["location"]) == (303, f"{CALLBACK}?code=1")


async def test_once_the_client_has_it_the_page_says_so(site, authorizing):
    authorizing.view = ended(State.SIGNED)
    page = Reading((await site.browser.get(AT)).text)

    assert (page.text("h1"), refreshes(page)) == ("Done", [])


@pytest.mark.parametrize(
    ("state", "wrong_number", "title"),
    [
        (State.DECLINED, False, "Declined"),
        (State.EXPIRED, False, "The time is over"),
        (State.CANCELLED, False, "Cancelled"),
        (State.CANCELLED, True, "Cancelled"),
        (State.FAILED, False, "It could not be carried out"),
    ],
)
async def test_an_end_without_a_signature_is_told_and_then_the_client_gets_its_error(
    site, authorizing, state, wrong_number, title
):
    authorizing.view, authorizing.ends = ended(state, wrong_number=wrong_number), ERROR
    page = Reading((await site.browser.get(AT)).text)
    (link,) = [given for tag, given in page.found if "data-go-on-after" in given]

    assert page.text("h1") == title
    assert refreshes(page) == [f"5;url={ERROR}"]
    assert (link["href"], link["data-go-on-after"]) == (ERROR, "5")


async def test_stopping_cancels_and_tells(site, authorizing):
    answer = await site.send(AT, f"{AT}/stop")

    assert answer.headers["location"] == AT
    assert authorizing.done == ["stopped"]


@pytest.mark.parametrize(("typed", "given"), [("1234 5678", "12345678"), ("1234-5678", "12345678")])
async def test_a_code_of_a_phone_without_a_connection_is_taken(site, authorizing, typed, given):
    answer = await site.send(f"{AT}/code", code=typed)

    assert (answer.status_code, answer.headers["location"]) == (303, AT)
    assert authorizing.done == [given]


@pytest.mark.parametrize(("typed", "tries"), [("00000000", 1), ("123", 0), ("", 0), ("12345678\u0661", 0)])
async def test_a_wrong_code_is_told_and_what_is_none_counts_as_no_try(site, authorizing, typed, tries):
    answer = await site.send(f"{AT}/code", code=typed)

    assert answer.status_code == 403
    assert 'role="alert"' in answer.text
    assert len(authorizing.done) == tries


async def test_where_no_code_is_taken_there_is_no_such_form(site, authorizing):
    authorizing.view = replace(VIEW, shown=replace(SHOWN, takes_code=False))

    assert (await site.browser.get(f"{AT}/code")).headers["location"] == AT


@pytest.mark.parametrize("part", ["", "/events", "/code"])
@pytest.mark.parametrize("id", ["01KAJ9T8VX3N5Q7R9S1T2V4W6Z", "x", "%00"])
async def test_t16_anothers_grant_and_none_look_alike(site, id, part):
    answer = await site.browser.get(f"/oauth/waiting/{id}{part}")

    assert answer.status_code == 404
    assert Reading(answer.text).text("h1") == "There is no such page"


async def test_a_session_waits_on_so_many_pages_only(site):
    site.services.waits.enter("page:01KAJ9T8VX3N5Q7R9S1T2V4W6B")
    site.services.waits.enter("page:01KAJ9T8VX3N5Q7R9S1T2V4W6B")

    assert (await site.browser.get(f"{AT}/events")).status_code == 429
    assert (await site.browser.get(AT)).status_code == 200


async def test_a_stream_lets_the_next_one_in_when_it_ends(site):
    for _ in range(5):
        assert (await site.browser.get(f"{AT}/events")).status_code == 200


async def test_who_is_signed_out_signs_in(authorizing):
    site = Site(authorizing=authorizing)

    assert (await site.browser.get(AT)).headers["location"] == "/signin?then=%2Faccount"
