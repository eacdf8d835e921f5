"""The page on which a signer waits for the phone, and what comes after it (docs/authorization.md section 8)."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from dss.kernel.digest import Digest
from dss.transactions.machine import State
from dss.transactions.preparation import Stage
from tests.protocol.html_reading import Reading
from tests.protocol.page_grants import CALLBACK, CLIENT, GRANT, SHA256, SHOWN, VIEW, AuthorizingStandIn, ended
from tests.protocol.pages_world import ALICE, NOW, REQUEST, Site, code_in

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


def in_noscript(page: Reading) -> list[str]:
    """Return where the links lead that stand before the heading, but for the one that skips to it."""
    before = page.found[: page.tags().index("h1")]
    return [str(given["href"]) for tag, given in before if tag == "a"][1:]


def refreshes(page: Reading) -> list[str | None]:
    return [given["content"] for tag, given in page.found if tag == "meta" and given.get("http-equiv") == "refresh"]


async def test_the_page_tells_who_asks_for_what_and_the_number(site):
    answer = await site.browser.get(AT)
    page = Reading(answer.text)

    assert "42" in page.text("strong")
    assert {"Bank <b>of</b> Examples", "Sign it", "contract.pdf"} <= set(page.texts["bdi"])
    assert "1 document" in page.text("p")
    assert "form-action 'self' https://rp.example;" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(("is_linked", "seconds"), [(True, "5"), (False, "2")])
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


@pytest.mark.parametrize("part", ["", "/events", "/link.png", "/offline.png", "/code"])
async def test_who_is_signed_out_signs_in_and_comes_back(authorizing, part):
    site = Site(authorizing=authorizing)
    answer = await site.browser.get(f"{AT}{part}")

    assert answer.headers["location"] == f"/signin?then=%2Foauth%2Fwaiting%2F{GRANT}"


@pytest.mark.parametrize("part", ["/stop", "/code"])
async def test_a_form_that_finds_no_session_leads_back_to_the_page_after_signing_in(site, authorizing, part):
    code = code_in((await site.browser.get(AT)).text)
    site.login.sessions.clear()
    answer = await site.browser.post(f"{AT}{part}", data={"form": code, "code": "12345678"})

    assert answer.headers["location"] == f"/signin?then=%2Foauth%2Fwaiting%2F{GRANT}"
    assert authorizing.done == []


async def test_signing_in_for_it_names_the_application_to_its_signer_and_lets_the_form_lead_there(authorizing):
    """The page goes on to the application at once where the signature is made: CSP holds forms to it."""

    async def grant(_):
        return SimpleNamespace(user_id=ALICE.id, client_id=CLIENT.id, redirect_uri=CALLBACK)

    async def client(_):
        return CLIENT

    site = Site(authorizing=authorizing, grants=SimpleNamespace(get=grant), clients=SimpleNamespace(get=client))
    stranger = await site.browser.get("/signin", params={"then": AT})
    site.signed_in("half")
    signer = await site.browser.get("/signin/second", params={"then": AT})

    assert CLIENT.contact not in stranger.text
    assert "Bank &lt;b&gt;of" not in stranger.text
    assert "form-action 'self';" in stranger.headers["content-security-policy"]
    assert "Bank &lt;b&gt;of" in signer.text
    assert "form-action 'self' https://rp.example;" in signer.headers["content-security-policy"]


@pytest.mark.parametrize(("path", "cookie"), [(AT, "full"), (f"/signin/second?request={REQUEST}", "half")])
async def test_a_page_that_reloads_by_itself_can_be_told_not_to(site, path, cookie):
    """WCAG 2.2 criterion 2.2.1, failure F41; the link stands before all else of the page."""
    site.signed_in(cookie)
    moving = Reading((await site.browser.get(path)).text)
    (stop,) = in_noscript(moving)
    still = Reading((await site.browser.get(stop)).text)
    look, go_on = in_noscript(still)

    assert moving.texts["a"][1] == "Do not reload by itself"
    assert refreshes(still) == []
    assert refreshes(Reading((await site.browser.get(look)).text)) == []
    assert refreshes(Reading((await site.browser.get(go_on)).text)) == refreshes(moving)
    assert "still=1" in next(str(given["href"]) for _, given in still.found if given.get("hreflang") == "uk")


async def test_who_stays_on_the_page_of_an_end_is_not_taken_away(site, authorizing):
    authorizing.view, authorizing.ends = ended(State.DECLINED), ERROR
    moving = Reading((await site.browser.get(AT)).text)
    (stay,) = [given["href"] for _, given in moving.found if str(given.get("href")).startswith(f"{AT}?")]
    still = Reading((await site.browser.get(str(stay))).text)

    assert "Stay on this page" in moving.texts["a"]
    assert refreshes(still) == []
    assert "data-go-on-after" not in {name for _, given in still.found for name in given}
    assert ERROR in [given.get("href") for _, given in still.found]


async def test_bare_hashes_are_shown_whole_as_not_seen(site, authorizing):
    digest = Digest.of(b"bare")
    authorizing.view = replace(VIEW, documents=(), hashes=(digest,))
    page = Reading((await site.browser.get(AT)).text)

    assert page.text("code") == digest.hex
    assert "Content not seen here: the application gives its hash only" in page.texts["p"]


async def test_beyond_a_hundred_the_others_are_counted(site, authorizing):
    authorizing.view = replace(VIEW, shown=replace(SHOWN, count=250), documents=VIEW.documents * 120)
    page = Reading((await site.browser.get(AT)).text)

    assert page.texts["bdi"].count("contract.pdf") == 100
    assert "and 150 more" in page.texts["p"]


async def test_while_it_is_prepared_there_is_no_empty_list(site, authorizing):
    authorizing.view = replace(VIEW, shown=replace(SHOWN, state=Stage.PREPARING), documents=(), expires_at=None)

    assert 'class="list"' not in (await site.browser.get(AT)).text


async def test_the_hash_of_a_document_is_shown_whole(site):
    assert Reading((await site.browser.get(AT)).text).text("code") == SHA256.hex


@pytest.mark.parametrize(
    ("lang", "told"), [("en", "in 5 minutes"), ("ru", "через 5 минут"), ("uk", "через 5 хвилин"), ("ro", "5 minute")]
)
async def test_the_time_to_answer_is_told_in_minutes_too(site, authorizing, lang, told):
    authorizing.view = replace(VIEW, expires_at=NOW + timedelta(minutes=5))
    page = Reading((await site.browser.get(AT, params={"lang": lang})).text)

    assert told in page.text("p")
    assert "12:05 UTC" in page.text("time")


async def test_a_page_for_forms_only_leads_to_the_page_that_it_belongs_to(site):
    assert (await site.browser.get(f"{AT}/stop?lang=uk")).headers["location"] == f"{AT}?lang=uk"
