"""Who guesses is stopped, and stops nobody else. T48."""

import pytest

from dss.kernel.errors import TooMany, Unauthenticated
from dss.login.tries import PER_ADDRESS
from dss.users.model import User
from tests.world.signing_in import HOME, PASSWORD, STRANGER, Desk, all_of, desk, place, refusal, signer

__all__ = ["desk", "signer"]


async def test_five_wrong_passwords_in_a_row_close_the_way_also_for_the_right_one(desk: Desk, signer: User):
    answers = await desk.wrong(5)
    closed = await refusal(desk.login, STRANGER, password=PASSWORD)

    assert [type(one) for one in answers] == [Unauthenticated] * 5
    assert (type(closed), closed.retry_after) == (TooMany, 30)
    desk.clock.move(30)
    await desk.login.by_password("olena", PASSWORD, STRANGER)


async def test_each_further_three_close_it_for_twice_as_long_up_to_a_quarter_of_an_hour(desk: Desk, signer: User):
    """T48: no more than 3 tries in a quarter of an hour, in the end."""
    await desk.wrong(5)
    waits = []
    for _ in range(7):
        wait = (await refusal(desk.login, STRANGER)).retry_after
        waits.append(wait)
        desk.clock.move(wait or 0)
        assert [type(one) for one in await desk.wrong(3)] == [Unauthenticated] * 3
    assert waits == [30, 60, 120, 240, 480, 900, 900]


async def test_t48_one_wrong_password_after_each_pause_does_not_keep_the_signer_out(desk: Desk, signer: User):
    """T48: lock-out of others, who sign in from a browser that is new."""
    await desk.wrong(5)
    for _ in range(3):
        desk.clock.move((await refusal(desk.login, STRANGER)).retry_after or 0)
        await desk.wrong(3)
    desk.clock.move(900)
    await desk.wrong(1)
    await desk.login.by_password("olena", PASSWORD, STRANGER)


async def test_a_right_password_lets_the_row_begin_anew(desk: Desk, signer: User):
    await desk.wrong(4)
    await desk.login.by_password("olena", PASSWORD, STRANGER)
    assert [type(one) for one in await desk.wrong(5)] == [Unauthenticated] * 5


async def test_wrong_ones_are_forgotten_after_a_day(desk: Desk, signer: User):
    await desk.wrong(4)
    desk.clock.move(24 * 3600)
    assert [type(one) for one in await desk.wrong(5)] == [Unauthenticated] * 5


async def test_t48_of_fifty_tries_at_once_five_are_checked_and_five_are_counted(
    desk: Desk, signer: User, monkeypatch: pytest.MonkeyPatch
):
    """T48: a try is counted before it is checked, so that nobody gains by haste."""
    checked = []
    right = desk.login._passwords.is_right

    async def noted(peppered: str, hash: str | None) -> bool:
        checked.append(peppered)
        return await right(peppered, hash)

    monkeypatch.setattr(desk.login._passwords, "is_right", noted)
    monkeypatch.setattr("dss.login.passwords.WAITING", 50)
    tries = (desk.login.by_password("olena", f"Wr0ng {n}", place(STRANGER, n)) for n in range(50))
    kinds = [type(one) for one in await all_of(*tries)]

    assert (kinds.count(Unauthenticated), kinds.count(TooMany), len(checked)) == (5, 45, 5)
    desk.clock.move(30)
    assert [type(one) for one in await desk.wrong(3)] == [Unauthenticated] * 3
    assert (await refusal(desk.login, STRANGER)).retry_after == 60


async def test_two_processes_count_together(desk: Desk, signer: User):
    """T48: what is counted is counted in the database."""
    other = desk.again()
    makers = [desk.login, other] * 10
    tries = (maker.by_password("olena", "Wr0ng", place(STRANGER, n)) for n, maker in enumerate(makers))
    kinds = [type(one) for one in await all_of(*tries)]
    assert (kinds.count(Unauthenticated), kinds.count(TooMany)) == (5, 15)


async def test_a_stranger_who_guesses_does_not_lock_out_the_browser_at_home(desk: Desk, signer: User):
    """T48: lock-out of others."""
    await desk.signed_in(HOME)
    await desk.wrong(6)

    assert type(await refusal(desk.login, STRANGER, password=PASSWORD)) is TooMany
    await desk.signed_in(HOME)
    assert type(await refusal(desk.login, STRANGER, password=PASSWORD)) is TooMany


async def test_a_browser_is_known_to_the_signer_who_signed_in_from_it_only(desk: Desk, signer: User):
    await desk.signer("petro")
    await desk.signed_in(HOME)
    await desk.wrong(5, login="petro")
    assert type(await refusal(desk.login, HOME, "petro")) is TooMany


async def test_a_caller_without_a_browser_is_a_stranger(desk: Desk, signer: User):
    """One that keeps no cookie is never known, whoever else kept none."""
    nameless = type(HOME)("192.0.2.3", "", "")
    await desk.signed_in(nameless)
    await desk.wrong(5)
    assert type(await refusal(desk.login, nameless, password=PASSWORD)) is TooMany


async def test_an_address_has_thirty_tries_a_minute_whomever_it_tries(desk: Desk, signer: User):
    answers = [await refusal(desk.login, STRANGER, f"login{number}") for number in range(PER_ADDRESS + 1)]
    assert [type(one) for one in answers] == [Unauthenticated] * PER_ADDRESS + [TooMany]
    assert answers[-1].retry_after == 60

    await desk.login.by_password("olena", PASSWORD, HOME)
    desk.clock.move(60)
    await desk.login.by_password("olena", PASSWORD, STRANGER)


async def test_the_addresses_of_one_ipv6_site_are_one(desk: Desk, signer: User):
    """RFC 4291 section 2.5.4: the last 64 bits are for their holder to choose."""
    site = [type(HOME)(f"2001:db8::{number:x}", "", "b" * 43) for number in range(PER_ADDRESS + 1)]
    answers = [await refusal(desk.login, where, f"login{number}") for number, where in enumerate(site)]
    assert type(answers[-1]) is TooMany
