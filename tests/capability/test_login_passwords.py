"""Passwords are set by letters, changed by who knows them, and made useless when others know them.

Source: docs/authorization.md section 7.
"""

import pytest
import sqlalchemy as sa

from dss.kernel.errors import Forbidden, Invalid, NotFound, TooMany, Unauthenticated
from dss.login.model import Standing
from dss.login.tables import password_letters, passwords
from dss.users.model import User
from tests.world.signing_in import (
    ANOTHER,
    HOME,
    OFFICE,
    OPERATOR,
    PASSWORD,
    STRANGER,
    Desk,
    all_of,
    desk,
    refusal,
    signer,
)

__all__ = ["desk", "signer"]

WEEK_S = 7 * 24 * 3600


async def asked(desk: Desk) -> str:
    """Ask for a letter as one who forgot the password; return the code of its link."""
    await desk.login.forgot("olena", HOME)
    return await desk.link()


async def test_the_link_of_a_letter_sets_a_password_once(desk: Desk, signer: User):
    code = await asked(desk)
    assert await desk.login.letters.stands(code)
    await desk.login.set_by_letter(code, ANOTHER, HOME)

    await desk.login.by_password("olena", ANOTHER, HOME)
    assert isinstance(await refusal(desk.login, HOME, password=PASSWORD), Unauthenticated)
    assert not await desk.login.letters.stands(code)
    with pytest.raises(NotFound):
        await desk.login.set_by_letter(code, PASSWORD, HOME)


async def test_of_many_uses_at_once_one_sets_the_password(desk: Desk, signer: User):
    code = await asked(desk)
    done = await all_of(*(desk.login.set_by_letter(code, f"{ANOTHER} {n}", HOME) for n in range(6)))
    assert sorted(type(one).__name__ for one in done) == ["NoneType"] + ["NotFound"] * 5


async def test_the_link_is_good_for_seven_days(desk: Desk, signer: User):
    code = await asked(desk)
    desk.clock.move(WEEK_S - 1)
    assert await desk.login.letters.stands(code)
    desk.clock.move(1)
    assert not await desk.login.letters.stands(code)


async def test_its_time_is_over_whatever_the_database_says(desk: Desk, signer: User):
    """T19: the code is of a time of its own."""
    code = await asked(desk)
    desk.clock.move(WEEK_S)
    async with desk.database.write() as connection:
        await connection.execute(sa.update(password_letters).values(expires_at=desk.clock.now().replace(year=2030)))
    assert not await desk.login.letters.stands(code)


async def test_a_newer_letter_ends_the_one_before(desk: Desk, signer: User):
    old, new = await asked(desk), await asked(desk)
    assert [await desk.login.letters.stands(code) for code in (old, new)] == [False, True]


async def test_a_letter_sets_the_password_of_its_reader_whatever_the_database_says(desk: Desk, signer: User):
    """T19: who writes to the database cannot make their own letter that of another."""
    victim = await desk.signer("petro")
    code = await asked(desk)
    async with desk.database.write() as connection:
        await connection.execute(sa.update(password_letters).values(user_id=victim.id))
    with pytest.raises(NotFound):
        await desk.login.set_by_letter(code, ANOTHER, HOME)


async def test_a_letter_that_is_put_back_sets_no_password_once_one_was_set(desk: Desk, signer: User):
    """T19."""
    code = await asked(desk)
    async with desk.database.read() as connection:
        row = (await connection.execute(sa.select(password_letters))).one()._mapping
    desk.clock.move(1)
    await desk.login.set_by_letter(code, ANOTHER, HOME)
    async with desk.database.write() as connection:
        await connection.execute(sa.insert(password_letters).values(dict(row)))
    assert not await desk.login.letters.stands(code)


@pytest.mark.parametrize("code", ["", "x", "0" * 26 + "." + "A" * 43, "\udcff"])
async def test_any_other_text_sets_nothing(desk: Desk, signer: User, code: str):
    await asked(desk)
    with pytest.raises(NotFound):
        await desk.login.set_by_letter(code, ANOTHER, HOME)


async def test_a_password_that_may_not_be_leaves_the_link_as_it_was(desk: Desk, signer: User):
    code = await asked(desk)
    with pytest.raises(Invalid, match="8 to 128"):
        await desk.login.set_by_letter(code, "Sh0rt", HOME)
    await desk.login.set_by_letter(code, ANOTHER, HOME)


async def test_a_letter_s_password_ends_all_sessions_opens_closed_ways_and_is_told(desk: Desk, signer: User):
    cookie, half = await desk.signed_in(), await desk.login.by_password("olena", PASSWORD, OFFICE)
    await desk.wrong(5)
    await desk.login.set_by_letter(await asked(desk), ANOTHER, HOME)

    assert [await desk.login.session(cookie, HOME), await desk.login.session(half.cookie, OFFICE)] == [None, None]
    await desk.login.by_password("olena", ANOTHER, STRANGER)
    (letter,) = await desk.letters()
    assert letter.subject == "Your password has been set"
    assert "password.set" in await desk.told(f"user:{signer.id}")


async def test_t17_who_asks_for_a_letter_learns_nothing(desk: Desk, signer: User):
    """T17: nobody is written to who is not there, and nobody is told."""
    await desk.login.forgot("nobody", STRANGER)
    await desk.login.forgot("\udcff", STRANGER)
    assert await desk.letters() == []


async def test_t17_who_asks_does_not_learn_that_a_record_was_altered(desk: Desk, signer: User):
    """T17, T19: the operators do."""
    async with desk.database.write() as connection:
        await connection.execute(sa.update(passwords).values(hash="text"))
    await desk.login.forgot("olena", STRANGER)
    assert await desk.letters() == []
    assert await desk.told(f"password:{signer.id}") == ["alarm.seal_broken"]


async def test_a_person_asks_for_three_letters_a_day_and_an_operator_for_more(desk: Desk, signer: User):
    for _ in range(5):
        await desk.login.forgot("olena", HOME)
    assert len(await desk.letters()) == 3
    await desk.login.send_letter("olena", OPERATOR)
    assert len(await desk.letters()) == 1
    desk.clock.move(24 * 3600)
    await asked(desk)


async def test_an_address_asks_for_letters_thirty_times_a_minute(desk: Desk, signer: User):
    for number in range(30):
        await desk.login.forgot(f"login{number}", STRANGER)
    with pytest.raises(TooMany):
        await desk.login.forgot("olena", STRANGER)


async def test_an_operator_writes_to_signers_that_there_are(desk: Desk):
    with pytest.raises(NotFound):
        await desk.login.send_letter("nobody", OPERATOR)


async def test_who_knows_the_password_changes_it_and_is_signed_in_alone(desk: Desk, signer: User):
    mine, cookie = await desk.session(), await desk.signed_in(OFFICE)
    await desk.letters()
    await desk.login.change(mine, PASSWORD, ANOTHER, HOME)

    assert await desk.login.session(cookie, OFFICE) is None
    assert await desk.login.sessions_of(signer.id) == [mine]
    await desk.login.by_password("olena", ANOTHER, HOME)
    assert [letter.subject for letter in await desk.letters()] == ["Your password has been set"]


async def test_the_old_password_is_asked_for_by_the_same_rules(desk: Desk, signer: User):
    mine = await desk.session()
    kinds = []
    for _ in range(6):
        with pytest.raises((Unauthenticated, TooMany)) as caught:
            await desk.login.change(mine, "Wr0ng password", ANOTHER, HOME)
        kinds.append(caught.type)
    assert kinds == [Unauthenticated] * 5 + [TooMany]


async def test_a_half_session_changes_no_password(desk: Desk, signer: User):
    half = (await desk.login.by_password("olena", PASSWORD, HOME)).session
    assert half.standing is Standing.HALF
    with pytest.raises(Forbidden):
        await desk.login.change(half, PASSWORD, ANOTHER, HOME)


async def test_of_two_changes_of_one_password_one_is_made(desk: Desk, signer: User):
    sessions = [await desk.session(), await desk.session(OFFICE)]
    changes = (desk.login.change(one, PASSWORD, f"{ANOTHER} {n}", HOME) for n, one in enumerate(sessions))
    done = await all_of(*changes)

    assert [one for one in done if one is None] == [None]
    assert len(await desk.login.sessions_of(signer.id)) <= 1


async def test_no_session_that_begins_while_the_password_is_set_outlives_the_old_one(desk: Desk, signer: User):
    """However they meet, a session that the old password opened is over."""
    code = await asked(desk)
    signing = [desk.login.by_password("olena", PASSWORD, HOME) for _ in range(4)]
    done = await all_of(*signing, desk.login.set_by_letter(code, ANOTHER, OFFICE))

    assert done[-1] is None
    begun = [one.cookie for one in done[:-1] if not isinstance(one, BaseException)]
    assert [await desk.login.session(cookie, HOME) for cookie in begun] == [None] * len(begun)


async def test_it_was_not_me_makes_the_password_useless_ends_sessions_and_is_told(desk: Desk, signer: User):
    cookie = await desk.signed_in()
    await desk.letters()
    await desk.login.distrust(signer.id, "device:one")

    assert await desk.login.session(cookie, HOME) is None
    assert isinstance(await refusal(desk.login, HOME, password=PASSWORD), Unauthenticated)
    told = {letter.recipient: letter.subject for letter in await desk.letters()}
    assert told == {
        "olena@example.org": "Somebody tried to sign in as you",
        "duty@example.org": "A signer declined a sign-in as not theirs",
    }
    await desk.login.set_by_letter(await asked(desk), ANOTHER, HOME)
    await desk.login.by_password("olena", ANOTHER, HOME)
