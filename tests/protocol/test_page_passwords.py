"""Passwords by letters: the link sets one, once; asking for a letter tells nobody who is registered (T17)."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from dss.kernel.errors import Invalid, NotFound, TooMany
from tests.protocol.html_reading import Reading
from tests.protocol.page_grants import AuthorizingStandIn
from tests.protocol.pages_world import Site

LINK = "/signin/password/01KAJ9T8VX3N5Q7R9S1T2V4W6Q." + "m" * 43
NEW = {"password": "New-1-password", "repeated": "New-1-password"}


class Letters:
    """What letters do; good: whether the link is. fault: what setting a password raises."""

    def __init__(self) -> None:
        self.good = True
        self.fault: Exception | None = None
        self.done: list[str] = []

    async def stands(self, code: str) -> bool:
        return self.good and LINK.endswith(code)

    async def set_by_letter(self, _: str, new: str, __: Any) -> None:
        if self.fault:
            raise self.fault
        self.done.append(new)

    async def forgot(self, login: str, _: Any) -> None:
        if self.fault:
            raise self.fault
        self.done.append(login)


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
def site(letters) -> Site:
    made = Site()
    made.login.letters = SimpleNamespace(stands=letters.stands)
    made.login.set_by_letter, made.login.forgot = letters.set_by_letter, letters.forgot
    return made


async def test_opening_the_link_changes_nothing(site, letters):
    """RFC 9110 section 9.2.1: mail systems open links."""
    page = Reading((await site.browser.get(LINK)).text)
    kinds = [given["autocomplete"] for tag, given in page.found if tag == "input" and given.get("type") == "password"]

    assert kinds == ["new-password", "new-password"]
    assert letters.done == []


async def test_the_form_sets_the_password_and_leads_to_signing_in(site, letters):
    answer = await site.send(LINK, **NEW)

    assert (answer.headers["location"], letters.done) == ("/signin?set=1", ["New-1-password"])
    assert 'role="status"' in (await site.browser.get("/signin?set=1")).text


@pytest.mark.parametrize(
    ("fields", "fault", "status"),
    [(NEW | {"repeated": "other"}, None, 422), (NEW, Invalid(), 422), (NEW, NotFound(), 404)],
)
async def test_what_cannot_be_set_is_told(site, letters, fields, fault, status):
    letters.fault = fault

    assert (await site.send(LINK, **fields)).status_code == status
    assert letters.done == []


async def test_a_link_that_is_over_says_how_to_get_another(site, letters):
    letters.good = False
    answer = await site.browser.get(LINK)

    assert answer.status_code == 404
    assert "/signin/forgot" in answer.text


async def test_t17_asking_for_a_letter_has_one_answer(site, letters):
    answers = [await site.send("/signin/forgot", login=login) for login in ("Alice ", "nobody")]

    assert [answer.headers["location"] for answer in answers] == ["/signin/forgot?then=%2Faccount&sent=1"] * 2
    assert letters.done == ["alice", "nobody"]


async def test_who_forgot_the_password_goes_back_to_signing_in_for_the_same(site):
    site.services.authorizing = AuthorizingStandIn()
    then = "?then=%2Foauth%2Fauthorize%3Fclient_id%3D1"
    sent = (await site.send(f"/signin/forgot{then}", login="alice")).headers["location"]

    assert sent == f"/signin/forgot{then}&sent=1"
    for path in (f"/signin/forgot{then}", sent):
        assert f"/signin{then}" in [given.get("href") for given in links(await site.browser.get(path))]
    assert f"/signin/forgot{then}" in [given.get("href") for given in links(await site.browser.get(f"/signin{then}"))]


def links(answer: httpx.Response) -> list[dict[str, str | None]]:
    return [given for tag, given in Reading(answer.text).found if tag == "a"]


async def test_too_many_letters_are_told(site, letters):
    letters.fault = TooMany("three a day", retry_after=60)
    answer = await site.send("/signin/forgot", login="alice")

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert "60 seconds" in answer.text
