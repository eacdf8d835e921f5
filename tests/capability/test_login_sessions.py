"""Sessions of signers: whose they are, how long they live, and how they end.

Source: docs/authorization.md section 7.
"""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from dss.kernel.errors import Forbidden, NotFound, Unauthenticated
from dss.login.model import Factor, Limits, Standing
from dss.login.sessions import MOST
from dss.login.tables import login_sessions
from dss.users.model import User
from tests.world.signing_in import HOME, OFFICE, PASSWORD, STRANGER, Desk, all_of, desk, signer

__all__ = ["desk", "signer"]


async def test_a_second_factor_completes_a_session(desk: Desk, signer: User):
    session = await desk.session()

    assert (session.standing, session.first, session.second) == (Standing.FULL, Factor.PASSWORD, Factor.PHONE)
    told = await desk.told(f"login_session:{session.id}")
    assert told == ["login.first", "login.done"]
    assert await desk.login.sessions_of(signer.id) == [session]


async def test_the_cookie_of_before_the_second_factor_is_dead_after_it(desk: Desk, signer: User):
    """Session fixation: nobody can have put the cookie of a complete session into a browser before."""
    signed = await desk.login.by_password("olena", PASSWORD, HOME)
    cookie = await desk.login.complete(signed.session, Factor.PHONE, HOME)

    assert cookie != signed.cookie
    assert await desk.login.session(signed.cookie, HOME) is None
    assert (await desk.login.session(cookie, HOME)) is not None


async def test_a_cookie_is_of_no_use_in_another_browser(desk: Desk, signer: User):
    cookie = await desk.signed_in(HOME)
    assert await desk.login.session(cookie, STRANGER) is None
    assert await desk.login.session(cookie, replace(STRANGER, browser=HOME.browser)) is not None


async def test_a_session_is_completed_once_and_in_its_own_browser(desk: Desk, signer: User):
    begun = (await desk.login.by_password("olena", PASSWORD, HOME)).session
    with pytest.raises(Unauthenticated):
        await desk.login.complete(begun, Factor.PHONE, STRANGER)

    done = await all_of(*(desk.login.complete(begun, Factor.PHONE, HOME) for _ in range(5)))
    assert [type(one) for one in done if not isinstance(one, str)] == [Unauthenticated] * 4


async def test_a_second_factor_that_the_operator_does_not_take_completes_nothing(desk: Desk, signer: User):
    login = desk.again(limits=Limits(second=(Factor.PASSKEY,)))
    begun = (await login.by_password("olena", PASSWORD, HOME)).session
    with pytest.raises(Forbidden):
        await login.complete(begun, Factor.PHONE, HOME)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t[:-1] + ("A" if t[-1] != "A" else "Q"),
        lambda t: t.replace(".1.", ".2."),
        lambda t: "",
        lambda t: "x" * 5000,
        lambda t: t.rpartition(".")[0],
    ],
)
async def test_a_text_that_the_server_did_not_write_opens_nothing(desk: Desk, signer: User, change):
    assert await desk.login.session(change(await desk.signed_in()), HOME) is None


async def test_a_session_ends_after_half_an_hour_without_use(desk: Desk, signer: User):
    cookie = await desk.signed_in()
    for _ in range(5):
        desk.clock.move(29 * 60)
        assert await desk.login.session(cookie, HOME) is not None
    desk.clock.move(30 * 60)
    assert await desk.login.session(cookie, HOME) is None
    assert await desk.login.sessions_of(signer.id) == []


async def test_a_session_ends_after_twelve_hours_in_all(desk: Desk, signer: User):
    cookie = await desk.signed_in()
    for _ in range(12 * 4 - 1):
        desk.clock.move(15 * 60)
        assert await desk.login.session(cookie, HOME) is not None
    desk.clock.move(15 * 60)
    assert await desk.login.session(cookie, HOME) is None


async def test_uses_are_written_down_every_five_minutes_at_most(desk: Desk, signer: User):
    cookie = await desk.signed_in()
    for _ in range(10):
        desk.clock.move(60)
        session = await desk.login.session(cookie, HOME)
    assert session is not None
    assert (await desk.told(f"login_session:{session.id}")).count("login.used") == 2


async def test_uses_at_the_same_moment_are_all_let_in(desk: Desk, signer: User):
    cookie = await desk.signed_in()
    desk.clock.move(600)
    found = await all_of(*(desk.login.session(cookie, HOME) for _ in range(8)))
    assert {type(one).__name__ for one in found} == {"Session"}


async def test_who_signs_out_is_out(desk: Desk, signer: User):
    cookie, session = await desk.signed_in(), await desk.session(OFFICE)
    await desk.login.end(session)
    await desk.login.end(session)

    assert await desk.login.session(cookie, HOME) is not None
    assert session.id not in [one.id for one in await desk.login.sessions_of(signer.id)]
    assert (await desk.told(f"login_session:{session.id}"))[-1] == "login.ended"


async def test_a_signer_ends_one_of_their_sessions_or_all_others(desk: Desk, signer: User):
    mine, other, third = await desk.session(), await desk.session(OFFICE), await desk.session(STRANGER)
    await desk.login.end_one(mine, other.id)
    with pytest.raises(NotFound):
        await desk.login.end_one(mine, other.id)
    assert await desk.login.end_others(mine) == 1
    assert await desk.login.sessions_of(signer.id) == [mine]
    assert (await desk.told(f"login_session:{third.id}"))[-1] == "login.ended"


async def test_nobody_ends_the_session_of_another_signer(desk: Desk, signer: User):
    """T16."""
    await desk.signer("petro")
    theirs = await desk.login.session(await desk.signed_in(OFFICE, "petro"), OFFICE)
    assert theirs is not None
    with pytest.raises(NotFound):
        await desk.login.end_one(await desk.session(), theirs.id)


async def test_an_operator_ends_all_half_ones_too(desk: Desk, signer: User):
    half = await desk.login.by_password("olena", PASSWORD, OFFICE)
    await desk.session()
    assert await desk.login.end_all(signer.id, "ended by an operator", "operator:test") == 2
    assert await desk.login.session(half.cookie, OFFICE) is None


async def test_who_signs_in_again_in_a_browser_has_one_session_there(desk: Desk, signer: User):
    await desk.signer("petro")
    first, elsewhere = await desk.session(), await desk.session(OFFICE)
    of_another = await desk.signed_in(HOME, "petro")
    again = await desk.session()

    assert await desk.login.sessions_of(signer.id) == [again, elsewhere]
    assert await desk.login.session(of_another, HOME) is not None
    (ended,) = [
        one.event for one in await desk.audit.of_subject(f"login_session:{first.id}") if one.event.kind == "login.ended"
    ]
    assert (ended.actor, ended.details) == (f"user:{signer.id}", {"why": "replaced"})


async def test_callers_that_keep_no_cookie_do_not_replace_each_other(desk: Desk, signer: User):
    nameless = replace(HOME, browser="")
    await desk.session(nameless)
    await desk.session(nameless)
    assert len(await desk.login.sessions_of(signer.id)) == 2


async def test_of_a_signer_s_sessions_the_twenty_newest_live(desk: Desk, signer: User):
    browsers = [replace(HOME, browser=f"{number:043}") for number in range(MOST + 2)]
    cookies = [await desk.signed_in(browser) for browser in browsers]
    living = [await desk.login.session(cookie, None) is not None for cookie in cookies]
    assert living == [False] * 2 + [True] * MOST


async def test_who_knows_the_password_alone_ends_no_complete_session(desk: Desk, signer: User):
    cookie = await desk.signed_in()
    for _ in range(MOST + 2):
        await desk.login.by_password("olena", PASSWORD, STRANGER)
    assert await desk.login.session(cookie, HOME) is not None


async def test_the_signer_is_written_to_when_a_browser_is_new_and_then_no_more(desk: Desk, signer: User):
    await desk.signed_in(STRANGER)
    (letter,) = await desk.letters()
    await desk.signed_in(STRANGER)

    assert letter.recipient == "olena@example.org"
    assert "\n    curl\n" in letter.body
    assert "203.0.113.9" in letter.body
    assert await desk.letters() == []


async def test_what_a_browser_says_of_itself_is_cut_to_what_can_be_shown(desk: Desk, signer: User):
    """T04."""
    cookie = await desk.signed_in(replace(HOME, agent="a\x00\r\nSubject: b\N{RIGHT-TO-LEFT OVERRIDE}" + "x" * 100))
    session = await desk.login.session(cookie, HOME)
    assert session is not None
    assert session.agent == ("aSubject: b" + "x" * 100)[:64]


@pytest.mark.parametrize(
    "change", [{"standing": "full"}, {"user_id": "0" * 26}, {"renewals": 7}, {"browser_sha256": b"\x01" * 32}]
)
async def test_a_session_that_was_altered_opens_nothing_and_is_an_alarm(desk: Desk, signer: User, change):
    """T19."""
    signed = await desk.login.by_password("olena", PASSWORD, HOME)
    async with desk.database.write() as connection:
        await connection.execute(sa.update(login_sessions).values(change))

    assert await desk.login.session(signed.cookie, HOME) is None
    with pytest.raises(Unauthenticated):
        await desk.login.complete(signed.session, Factor.PHONE, HOME)
    assert "alarm.seal_broken" in await desk.told(f"login_session:{signed.session.id}")
