"""Signing in by login and password, and what nobody learns from it.

Source: docs/authorization.md section 7.
"""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from dss.kernel.errors import HsmUnavailable, TooMany, Unauthenticated
from dss.login import passwords as hashing
from dss.login.model import AFTER_FIRST, Factor, Limits, Standing
from dss.login.passwords import AT_ONCE, WAITING
from dss.login.tables import authenticators, passwords
from dss.users.model import User
from dss.users.service import NewUser
from tests.world.signing_in import HOME, OPERATOR, PASSWORD, STRANGER, Desk, desk, refusal, signer

__all__ = ["desk", "signer"]


async def test_login_and_password_begin_a_session_that_waits_ten_minutes_for_the_second_factor(
    desk: Desk, signer: User
):
    signed = await desk.login.by_password("olena", PASSWORD, HOME)

    assert (signed.session.user_id, signed.session.standing) == (signer.id, Standing.HALF)
    assert (await desk.login.session(signed.cookie, HOME)) == signed.session
    desk.clock.move(AFTER_FIRST.total_seconds())
    assert await desk.login.session(signed.cookie, HOME) is None


async def test_t17_an_unknown_login_a_wrong_password_and_a_signer_without_one_have_one_answer(desk: Desk, signer: User):
    """T17: enumeration of users."""
    await desk.users.register(NewUser("petro", "petro@example.org", "Petro", "Example", "UA"), OPERATOR)
    answers = [await refusal(desk.login, HOME, name) for name in ("olena", "petro", "nobody", "No such login at all")]

    assert {type(answer) for answer in answers} == {Unauthenticated}
    assert len({answer.detail for answer in answers}) == 1


async def test_t17_whoever_is_unknown_is_checked_by_the_same_work(
    desk: Desk, signer: User, monkeypatch: pytest.MonkeyPatch
):
    """T17: a hash of the same parameters is computed for those who have none."""
    checked: list[str] = []
    right = desk.login._passwords.is_right

    async def noted(peppered: str, hash: str | None) -> bool:
        checked.append(peppered)
        return await right(peppered, hash)

    monkeypatch.setattr(desk.login._passwords, "is_right", noted)
    for name in ("olena", "nobody"):
        await refusal(desk.login, HOME, name)
    assert [len(peppered) for peppered in checked] == [44, 44]


async def test_t17_tries_of_an_unknown_login_are_counted_and_refused_alike(desk: Desk, signer: User):
    """T17: also the seconds to wait are the same."""
    known, unknown = await desk.wrong(7), await desk.wrong(7, login="nobody")

    shown = [[(type(one), one.detail, one.retry_after) for one in answers] for answers in (known, unknown)]
    assert shown[0] == shown[1]
    assert [type(one) for one in known] == [Unauthenticated] * 5 + [TooMany] * 2


async def test_a_password_is_right_however_its_accents_were_typed(desk: Desk):
    await desk.signer("ana", "Par0l\N{LATIN SMALL LETTER A WITH BREVE}-mea")
    await desk.login.by_password("ana", "Par0la\N{COMBINING BREVE}-mea", HOME)


async def test_a_password_is_the_signers_own(desk: Desk, signer: User):
    """A hash that is moved to another signer opens nothing: the signer is hashed too."""
    await desk.signer("petro", "An0ther one")
    one, other = [await desk.login._setting.password_of((await desk.users.by_login(n)).id) for n in ("olena", "petro")]
    assert one is not None
    assert other is not None
    peppered = await desk.login._passwords.peppered(other.value.user_id, PASSWORD)
    assert not await desk.login._passwords.is_right(peppered, one.value.hash)


async def test_a_hash_that_somebody_put_into_the_database_opens_nothing(desk: Desk, signer: User):
    """T19: and is an alarm."""
    foreign = await desk.login._passwords.hash(await desk.login._passwords.peppered(signer.id, "Intruder 1"))
    async with desk.database.write() as connection:
        await connection.execute(sa.update(passwords).values(hash=foreign))

    assert isinstance(await refusal(desk.login, HOME, password="Intruder 1"), Unauthenticated)
    assert await desk.told(f"password:{signer.id}") == ["alarm.seal_broken"]


@pytest.mark.parametrize("text", ["", "\udcff", "x" * 100_000, "\x00", "\N{PILE OF POO}"])
async def test_any_text_is_a_wrong_login_or_a_wrong_password_and_nothing_else(desk: Desk, signer: User, text: str):
    answers = [await refusal(desk.login, HOME, text), await refusal(desk.login, HOME, password=text)]
    assert [type(answer) for answer in answers] == [Unauthenticated] * 2


async def test_a_password_is_hashed_anew_when_the_parameters_have_changed(
    desk: Desk, signer: User, monkeypatch: pytest.MonkeyPatch
):
    old = hashing.PARAMETERS
    monkeypatch.setattr(hashing, "PARAMETERS", replace(old, memory_cost=old.memory_cost * 2))
    signed = await desk.login.by_password("olena", PASSWORD, HOME)
    kept = await desk.login._setting.password_of(signer.id)

    assert kept is not None
    assert f"m={old.memory_cost * 2}" in kept.value.hash
    assert signed.session.user_id == (await desk.login.by_password("olena", PASSWORD, HOME)).session.user_id


async def test_when_many_people_sign_in_at_one_moment_some_are_asked_to_come_again_and_no_try_is_counted(
    desk: Desk, signer: User
):
    places = [desk.login._passwords.place(f"site {number}") for number in range(AT_ONCE + WAITING)]
    for one in places:
        one.__enter__()
    busy = [await refusal(desk.login, HOME) for _ in range(6)]
    for one in places:
        one.__exit__(None, None, None)

    assert {(type(one), one.retry_after) for one in busy} == {(TooMany, 2)}
    await desk.login.by_password("olena", PASSWORD, HOME)


async def test_a_try_that_the_hsm_could_not_check_is_not_counted(desk: Desk, signer: User):
    desk.keys.stopped = True
    away = [await refusal(desk.login, HOME) for _ in range(6)]
    desk.keys.stopped = False

    assert {type(one) for one in away} == {HsmUnavailable}
    await desk.login.by_password("olena", PASSWORD, HOME)


async def test_the_password_grant_checks_by_the_same_rules(desk: Desk, signer: User):
    assert await desk.login.check_password("olena", PASSWORD, STRANGER) == signer.id
    await desk.wrong(5)
    with pytest.raises(TooMany):
        await desk.login.check_password("olena", PASSWORD, STRANGER)


async def test_a_signer_is_offered_the_second_factors_that_they_have_and_that_are_taken(desk: Desk, signer: User):
    assert await desk.login.second_factors(signer.id) == ()

    app = {"user_id": signer.id, "sealed_secret": b"", "last_step": 0, "added_at": desk.clock.now()}
    async with desk.database.write() as connection:
        await connection.execute(sa.insert(authenticators).values(**app, confirmed=True))
    assert await desk.login.second_factors(signer.id) == (Factor.TOTP,)
    assert await desk.again(limits=Limits(second=(Factor.PHONE,))).second_factors(signer.id) == ()


async def test_t53_no_password_stands_in_the_log_or_in_a_message(
    desk: Desk, signer: User, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
):
    """T53: nor what was typed as a login, which is a password now and then."""
    await refusal(desk.login, HOME, password="Wr0ng canary")
    await refusal(desk.login, HOME, name="Typed canary")
    await desk.signed_in()

    events = repr(await desk.audit.newest(1000))
    written = events + caplog.text + "".join(capsys.readouterr())
    assert "canary" not in written
    assert PASSWORD not in written
    assert "login.done" in events


async def test_refusals_are_told_once_a_minute_and_name_nobody_who_is_not_there(desk: Desk, signer: User):
    await desk.wrong(4)
    await desk.wrong(4, login="nobody")
    assert (await desk.told(f"user:{signer.id}")).count("login.refused") == 1
    assert await desk.told("login:unknown") == ["login.refused"]
