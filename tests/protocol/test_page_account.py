"""A signer's own account: what is listed, ended, changed and added (docs/authorization.md section 7)."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from dss.devices.model import Standing as PhoneStanding
from dss.kernel.errors import Conflict, Invalid, NotFound, Tampered, Unauthenticated
from dss.kernel.ids import GrantId, LoginId, PasskeyId
from dss.login.model import NotFresh, Session
from dss.oauth.grant import Grant, Stage
from tests.protocol.html_reading import Reading
from tests.protocol.page_grants import CLIENT
from tests.protocol.pages_world import ALICE, FULL, NOW, Site, code_in

OTHER = replace(FULL, id=LoginId("01KAJ9T8VX3N5Q7R9S1T2V4W6M"), agent="Other <b>browser</b>")
KEY = SimpleNamespace(id=PasskeyId("01KAJ9T8VX3N5Q7R9S1T2V4W6N"), name="Laptop", added_at=NOW)
GRANT = Grant(
    GrantId("01KAJ9T8VX3N5Q7R9S1T2V4W6P"), CLIENT.id, ALICE.id, FULL.id, ("service",), (), "https://rp.example/cb",
    "", "c" * 43, "", None, Stage.REDEEMED, 1, NOW, NOW, NOW,
)  # fmt: skip
URI = "otpauth://totp/Example:alice?secret=ABCDEFGHIJKLMNOP&issuer=Example"


class Account:
    """The services of one account, each verb noted with what it was given; fault: what the next one raises."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.fault: Exception | None = None
        self.has_app = False
        self.uri: str | None = None

    def _note(self, *what: Any) -> None:
        if self.fault:
            raise self.fault
        self.done.append(what)

    async def sessions_of(self, _: Any) -> list[Session]:
        return [FULL, OTHER]

    async def end_one(self, _: Session, id: str) -> None:
        self._note("end_one", id)

    async def end_others(self, _: Session) -> None:
        self._note("end_others")

    async def change(self, _: Session, old: str, new: str, __: Any) -> None:
        self._note("change", old, new)

    async def living(self, _: Any) -> list[Grant]:
        return [GRANT, replace(GRANT, stage=Stage.PENDING)]

    async def add(self, _: Session, answer: str, name: str) -> None:
        self._note("add", answer, name)

    async def passkey_options(self, _: Session) -> str:
        return "{}"

    async def remove(self, _: Session, id: str) -> None:
        self._note("remove", id)

    async def is_there(self, _: Any) -> bool:
        return self.has_app

    async def begin_authenticator(self, _: Session, __: Any) -> str:
        self._note("begin")
        self.uri = URI
        return URI

    async def begun(self, _: Any) -> str | None:
        return self.uri

    async def confirm_authenticator(self, _: Session, code: str) -> bool:
        return code == "123456"

    async def of_user(self, _: Any) -> list[Any]:
        return [SimpleNamespace(name="Pixel", standing=lambda _: PhoneStanding.ACTIVE)]

    async def get(self, _: Any) -> Any:
        return CLIENT

    async def end_all_between(self, *given: Any) -> None:
        self._note("end", *given)

    async def list(self, _: Any) -> list[Any]:
        return [KEY]


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def site(account) -> Site:
    names = ("grants", "passkeys", "authenticators", "held_factors", "devices", "clients")
    made = Site(clock=SimpleNamespace(now=lambda: NOW), **dict.fromkeys(names, account))
    for name in ("sessions_of", "end_one", "end_others", "change"):
        setattr(made.login, name, getattr(account, name))
    made.signed_in()
    return made


@pytest.mark.parametrize("path", ["/account", "/account/password", "/account/passkeys/new"])
@pytest.mark.parametrize("cookie", ["half", "none"])
async def test_the_account_is_for_who_is_signed_in_whole(site, path, cookie):
    site.browser.cookies.clear()
    site.signed_in(cookie)
    answer = await site.browser.get(path)

    assert answer.headers["location"] == f"/signin?then={path.replace('/', '%2F')}"


@pytest.mark.parametrize("lang", ["en", "ru", "uk", "ro"])
async def test_the_account_lists_what_signs_in_and_what_may_act(site, lang):
    answer = await site.browser.get("/account", params={"lang": lang})
    page = Reading(answer.text)

    assert {"Alice Ivanova", "Browser/1.0", "Other <b>browser</b>", "Laptop", "Pixel", CLIENT.name} <= set(
        page.texts["bdi"]
    )
    assert page.attributes("html")["lang"] == lang
    assert page.open == []
    assert page.tags().count("h1") == 1


async def test_buttons_that_look_alike_are_told_apart_by_their_labels(site):
    """WCAG 2.2 criterion 2.4.6."""
    page = Reading((await site.browser.get("/account")).text)
    labels = {given["aria-label"] for tag, given in page.found if tag == "button" and "aria-label" in given}

    assert labels == {
        "End the session of Other <b>browser</b>",
        "Remove the passkey Laptop",
        f"Take back what {CLIENT.name} may do",
    }


@pytest.mark.parametrize(
    ("path", "fields", "done"),
    [
        ("sessions/end", {"id": OTHER.id}, ("end_one", OTHER.id)),
        ("sessions/end-others", {}, ("end_others",)),
        ("applications/end", {"id": GRANT.id}, ("end", ALICE.id, CLIENT.id, "taken back by the signer", FULL.actor)),
        ("passkeys/remove", {"id": KEY.id}, ("remove", KEY.id)),
        ("authenticator/remove", {}, ("remove", "totp")),
    ],
)
async def test_each_button_does_its_one_thing(site, account, path, fields, done):
    answer = await site.send("/account", f"/account/{path}", **fields)

    assert answer.headers["location"].startswith("/account?done=")
    assert account.done == [done]
    assert 'role="status"' in (await site.browser.get(answer.headers["location"])).text


@pytest.mark.parametrize(("path", "fields"), [("passkeys/remove", {"id": KEY.id}), ("authenticator/remove", {})])
async def test_who_signed_in_a_while_ago_signs_in_once_more_for_what_changes_a_factor(site, account, path, fields):
    account.fault = NotFresh()
    answer = await site.send("/account", f"/account/{path}", **fields)

    assert answer.headers["location"] == "/signin?then=%2Faccount&again=1"
    assert "once more" in (await site.browser.get(answer.headers["location"])).text


@pytest.mark.parametrize("path", ["sessions/end", "applications/end", "passkeys/remove"])
@pytest.mark.parametrize("id", ["", "x", "\u0661" * 26])
async def test_what_is_no_id_is_not_looked_up(site, account, path, id):
    answer = await site.send("/account", f"/account/{path}", id=id)

    assert (answer.status_code, account.done) == (404, [])


async def test_t16_anothers_grant_is_not_there(site, account):
    answer = await site.send("/account", "/account/applications/end", id="01KAJ9T8VX3N5Q7R9S1T2V4W6Z")

    assert (answer.status_code, account.done) == (404, [])


async def test_t16_anothers_session_is_not_there(site, account):
    account.fault = NotFound()

    assert (await site.send("/account", "/account/sessions/end", id=OTHER.id)).status_code == 404


@pytest.mark.parametrize(
    ("repeated", "fault", "status", "told"),
    [
        ("New-1-password", None, 303, ""),
        ("other", None, 422, "The two passwords are not the same."),
        ("New-1-password", Unauthenticated(), 403, "The password that you have now is not this one."),
        ("New-1-password", Invalid(), 422, "it breaks one of the rules below"),
    ],
)
async def test_the_password_is_changed_by_the_old_one(site, account, repeated, fault, status, told):
    account.fault = fault
    fields = {"old": "Old-1-password", "password": "New-1-password", "repeated": repeated}
    answer = await site.send("/account/password", **fields)

    assert answer.status_code == status
    assert told in answer.text
    assert "New-1-password" not in answer.text
    assert account.done == ([("change", "Old-1-password", "New-1-password")] if status == 303 else [])


async def test_an_authenticator_app_is_shown_its_secret_as_picture_and_text(site):
    answer = await site.send("/account", "/account/authenticator")
    page = Reading((await site.browser.get(answer.headers["location"])).text)

    assert_shows_the_secret(page)


async def test_without_a_new_authenticator_app_there_is_no_secret_to_show(site):
    assert (await site.browser.get("/account/authenticator")).headers["location"] == "/account"


async def test_an_authenticator_app_counts_from_its_first_code(site):
    answer = await site.send("/account", "/account/authenticator/code", code="123 456")

    assert answer.headers["location"] == "/account?done=authenticator"


async def test_after_a_wrong_first_code_the_secret_is_still_there(site):
    await site.send("/account", "/account/authenticator")
    answer = await site.send("/account", "/account/authenticator/code", code="000000")

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert_shows_the_secret(Reading(answer.text))


def assert_shows_the_secret(page: Reading) -> None:
    assert str(page.attributes("img")["src"]).startswith("data:image/png;base64,iVBORw0KGgo")
    assert page.text("code") == "ABCD EFGH IJKL MNOP"


@pytest.mark.parametrize("fault", [Tampered(), NotFound()])
async def test_an_application_that_was_altered_hides_nothing_else_and_its_right_can_be_taken_back(site, fault):
    async def get(_: Any) -> Any:
        raise fault

    site.services.clients = SimpleNamespace(get=get)
    page = Reading((await site.browser.get("/account")).text)
    answer = await site.send("/account", "/account/applications/end", id=GRANT.id)

    assert {"Unknown application", "Laptop"} <= set(page.texts["bdi"])
    assert "Take back what Unknown application may do" in [given.get("aria-label") for _, given in page.found]
    assert answer.headers["location"] == "/account?done=application"


async def test_t35_a_list_of_grants_that_was_altered_stays_an_alarm(site, account, monkeypatch):
    async def living(_: Any) -> Any:
        raise Tampered

    monkeypatch.setattr(account, "living", living)

    assert (await site.browser.get("/account")).status_code == Tampered.status


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("sign-out", "/account"),
        ("sessions/end", "/account"),
        ("sessions/end-others", "/account"),
        ("applications/end", "/account"),
        ("passkeys/remove", "/account"),
        ("authenticator/remove", "/account"),
        ("authenticator/code", "/account/authenticator"),
    ],
)
async def test_where_a_form_was_answered_another_language_or_a_reload_finds_its_page(site, path, page):
    answer = await site.browser.get(f"/account/{path}?lang=ro")

    assert (answer.status_code, answer.headers["location"]) == (303, f"{page}?lang=ro")


@pytest.mark.parametrize("path", ["sessions/end", "authenticator/remove", "passkeys/remove"])
async def test_a_button_that_finds_no_session_leads_to_a_page_after_signing_in(site, path):
    code = code_in((await site.browser.get("/account")).text)
    site.login.sessions.clear()
    answer = await site.browser.post(f"/account/{path}", data={"form": code})

    assert answer.headers["location"] == "/signin?then=%2Faccount"


@pytest.mark.parametrize(("fault", "status"), [(None, 303), (Conflict(), 409), (Invalid(), 422)])
async def test_a_passkey_is_added_by_its_name(site, account, fault, status):
    account.fault = fault
    answer = await site.send("/account/passkeys/new", passkey="{}", name=" Laptop ")

    assert answer.status_code == status
    assert account.done == ([("add", "{}", "Laptop")] if fault is None else [])
