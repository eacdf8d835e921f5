"""Passkeys as a second factor. Source: W3C Web Authentication Level 2 sections 7.1 and 7.2, docs/authorization.md."""

import asyncio
import json
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dss.kernel import b64
from dss.kernel.errors import BadRequest, Conflict, DeceptiveText, DssError, NotFound, Tampered
from dss.kernel.ids import LoginId
from dss.login.model import Session
from dss.login.passkeys import MOST, Passkeys
from dss.login.tables import passkeys as table
from dss.users.model import User
from tests.world.signing_in import HOME, OFFICE, PASSWORD, SERVER, Desk, desk, signer
from tests.world.software_passkeys import PRESENT, SoftwarePasskey, new_rsa

__all__ = ["desk", "signer"]
NAME = "Signature server"


@dataclass
class Browser:
    """A browser in which somebody signs in."""

    desk: Desk
    passkeys: Passkeys
    session: Session

    async def add(self, key: SoftwarePasskey | None = None, name: str = "Laptop") -> SoftwarePasskey:
        key = key or SoftwarePasskey(SERVER)
        await self.passkeys.add(self.session, key.make(await self.passkeys.options(self.session)), name)
        return key

    async def signs(self, key: SoftwarePasskey) -> bool:
        return await self.passkeys.check(self.session, key.sign(await self.passkeys.challenge(self.session)))


async def opened(desk: Desk, login: str = "olena") -> Browser:
    session = (await desk.login.by_password(login, PASSWORD, HOME)).session
    return Browser(desk, Passkeys(desk._parts(), NAME), session)


@pytest.fixture
async def browser(desk: Desk, signer: User) -> Browser:
    return await opened(desk)


async def test_what_a_browser_is_asked_for(browser: Browser, signer: User) -> None:
    options = json.loads(await browser.passkeys.options(browser.session))
    assert options["rp"] == {"id": "sign.example.org", "name": NAME}
    assert options["user"]["name"] == signer.login
    assert [one["alg"] for one in options["pubKeyCredParams"]] == [-7, -257]
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"]["userVerification"] == "required"


@pytest.mark.parametrize("kind", ["P-256", "RSA"])
async def test_a_passkey_is_added_and_signs_in(browser: Browser, kind: str) -> None:
    key = SoftwarePasskey(SERVER, new_rsa()) if kind == "RSA" else SoftwarePasskey(SERVER)
    await browser.add(key)
    assert await browser.signs(key)
    (known,) = await browser.passkeys.list(browser.session.user_id)
    assert (known.name, known.sign_count, known.credential_id) == ("Laptop", 1, key.id)
    assert await browser.desk.told(f"passkey:{known.id}") == ["passkey.added", "passkey.used"]


async def test_the_next_browser_is_told_which_passkeys_there_are(browser: Browser) -> None:
    key = await browser.add()
    for options, member in (
        (await browser.passkeys.options(browser.session), "excludeCredentials"),
        (await browser.passkeys.challenge(browser.session), "allowCredentials"),
    ):
        assert [b64.url_decode(one["id"]) for one in json.loads(options)[member]] == [key.id]


async def test_an_answer_is_good_once(browser: Browser) -> None:
    key = await browser.add(SoftwarePasskey(SERVER, count=None))
    answer = key.sign(await browser.passkeys.challenge(browser.session))
    assert [await browser.passkeys.check(browser.session, answer) for _ in range(2)] == [True, False]

    made = SoftwarePasskey(SERVER)
    answer = made.make(await browser.passkeys.options(browser.session))
    await browser.passkeys.add(browser.session, answer, "Key")
    with pytest.raises(Conflict):
        await browser.passkeys.add(browser.session, answer, "Key")


async def test_of_one_answer_sent_fifty_times_at_once_one_counts(browser: Browser) -> None:
    key = await browser.add(SoftwarePasskey(SERVER, count=None))
    answer = key.sign(await browser.passkeys.challenge(browser.session))
    answers = await asyncio.gather(*(browser.passkeys.check(browser.session, answer) for _ in range(50)))
    assert sum(answers) == 1


async def test_a_challenge_is_of_one_session_one_purpose_and_five_minutes(browser: Browser) -> None:
    key = await browser.add()
    options = await browser.passkeys.challenge(browser.session)
    other = (await browser.desk.login.by_password("olena", PASSWORD, OFFICE)).session
    assert not await browser.passkeys.check(other, key.sign(options))

    to_add = json.loads(await browser.passkeys.options(browser.session))
    signed = key.sign(json.dumps(to_add | {"rpId": to_add["rp"]["id"]}))
    assert not await browser.passkeys.check(browser.session, signed)

    browser.desk.clock.move(5 * 60)
    assert not await browser.passkeys.check(browser.session, key.sign(options))
    assert await browser.signs(key)


@pytest.mark.parametrize(
    ("what", "value"),
    [("origin", "https://sign.example.org.evil.example"), ("host", "evil.example"), ("flags", PRESENT), ("flags", 0)],
)
async def test_an_answer_from_another_page_or_without_the_person_is_refused(
    browser: Browser, what: str, value: object
) -> None:
    key = await browser.add()
    setattr(key, what, value)
    assert not await browser.signs(key)
    other = SoftwarePasskey(SERVER)
    setattr(other, what, value)
    with pytest.raises(BadRequest):
        await browser.add(other)


async def test_another_key_a_creation_and_a_stranger_s_passkey_do_not_sign_in(browser: Browser) -> None:
    key = await browser.add()
    assert not await browser.signs(SoftwarePasskey(SERVER, id=key.id))
    assert not await browser.signs(SoftwarePasskey(SERVER))
    options = await browser.passkeys.challenge(browser.session)
    assert not await browser.passkeys.check(browser.session, key.sign(options, kind="webauthn.create"))

    await browser.desk.signer("petro")
    petro = await opened(browser.desk, "petro")
    mine = await petro.add()
    assert not await petro.signs(key)
    assert await petro.signs(mine)


async def test_a_counter_that_goes_back_is_refused_and_told(browser: Browser) -> None:
    key = await browser.add(SoftwarePasskey(SERVER, count=5))
    copy = key.copy()
    assert await browser.signs(key)
    assert not await browser.signs(copy)
    (known,) = await browser.passkeys.list(browser.session.user_id)
    assert (await browser.desk.told(f"passkey:{known.id}"))[-1] == "alarm.passkey_copied"
    assert await browser.signs(copy), "its counter is ahead again"


async def test_a_passkey_is_of_one_signer_even_once_it_was_removed(browser: Browser) -> None:
    key = await browser.add()
    await browser.desk.signer("petro")
    petro = await opened(browser.desk, "petro")
    with pytest.raises(Conflict):
        await petro.add(key)
    (known,) = await browser.passkeys.list(browser.session.user_id)
    with pytest.raises(NotFound):
        await browser.passkeys.remove(petro.session.user_id, known.id)
    await browser.passkeys.remove(browser.session.user_id, known.id)
    with pytest.raises(Conflict):
        await petro.add(key)


async def test_a_removed_passkey_opens_nothing(browser: Browser) -> None:
    key, other = await browser.add(), await browser.add(name="Phone")
    options = await browser.passkeys.challenge(browser.session)
    first, _ = await browser.passkeys.list(browser.session.user_id)
    await browser.passkeys.remove(browser.session.user_id, first.id)
    assert not await browser.passkeys.check(browser.session, key.sign(options))
    assert await browser.signs(other)
    with pytest.raises(NotFound):
        await browser.passkeys.remove(browser.session.user_id, first.id)


async def test_without_a_passkey_there_is_no_challenge(browser: Browser) -> None:
    with pytest.raises(NotFound):
        await browser.passkeys.challenge(browser.session)


async def test_a_signer_has_ten_at_most(browser: Browser) -> None:
    for number in range(MOST):
        await browser.add(name=f"Key {number}")
    with pytest.raises(Conflict):
        await browser.add()


@pytest.mark.parametrize(("name", "error"), [("", DssError), ("x" * 65, DssError), ("Lap\u202etop", DeceptiveText)])
async def test_a_name_that_cannot_be_shown_is_refused(browser: Browser, name: str, error: type[DssError]) -> None:
    with pytest.raises(error):
        await browser.add(name=name)


@pytest.mark.parametrize(
    "edit",
    [
        {"public_key": b"another"},
        {"sign_count": 0},
        {"removed_at": None},
        {"user_id": LoginId("0" * 26)},
        {"credential_id": b"another"},
    ],
)
async def test_t19_a_passkey_that_was_altered_in_the_database_is_an_alarm(
    browser: Browser, edit: dict[str, object]
) -> None:
    """T19: also one that was removed, and is put back."""
    key = await browser.add()
    assert await browser.signs(key)
    (known,) = await browser.passkeys.list(browser.session.user_id)
    if "removed_at" in edit:
        await browser.passkeys.remove(browser.session.user_id, known.id)
    async with browser.desk.database.write() as connection:
        await connection.execute(sa.update(table).values(edit))
    with pytest.raises(Tampered):
        await browser.passkeys.list(edit.get("user_id", browser.session.user_id))  # type: ignore[arg-type]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.one_of(st.text(max_size=200), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps)))
async def test_whatever_else_a_page_sends_is_refused(browser: Browser, answer: str) -> None:
    assert not await browser.passkeys.check(browser.session, answer)
    with pytest.raises(BadRequest):
        await browser.passkeys.add(browser.session, answer, "Key")


@pytest.mark.parametrize("member", ["clientDataJSON", "authenticatorData", "signature"])
async def test_an_answer_with_a_member_that_is_not_of_its_form_is_refused(browser: Browser, member: str) -> None:
    key = await browser.add()
    values: tuple[object, ...] = ("", "AAAA", "!", None, 7, {}, "A" * 70_000)
    for value in values:
        answer = json.loads(key.sign(await browser.passkeys.challenge(browser.session)))
        answer["response"][member] = value
        assert not await browser.passkeys.check(browser.session, json.dumps(answer))
