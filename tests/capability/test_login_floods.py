"""Who floods the sign-in, or measures it, gets nothing by it: no one else is kept out, and nobody is told apart.

Source: docs/authorization.md section 7.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.hsm.servicekeys import KeyName
from dss.kernel.errors import Invalid, TooMany, Unauthenticated
from dss.kernel.ids import UserId
from dss.login import unknown
from dss.login.passwords import OF_ONE
from dss.login.tables import login_tries
from dss.login.tries import ADDRESS_SPAN, PER_ADDRESS
from dss.users.model import User
from dss.users.service import NewUser
from tests.world.signing_in import ANOTHER, HOME, OPERATOR, PASSWORD, STRANGER, Desk, desk, place, refusal, signer

__all__ = ["desk", "signer"]

SENDERS = 30


@contextmanager
def work(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Note what is asked of the database, and of the HSM."""
    noted: list[str] = []
    execute, driver = AsyncConnection.execute, AsyncConnection.exec_driver_sql
    hmac, hmac_all = desk.keys.hmac, desk.keys.hmac_all

    async def executed(self: AsyncConnection, statement: sa.Executable, *more: object) -> object:
        noted.append(str(statement).partition(" ")[0])
        return await execute(self, statement, *more)

    async def driven(self: AsyncConnection, text: str, *more: object) -> object:
        noted.append("SAVEPOINT" if "SAVEPOINT" in text else text)  # kept or taken back
        return await driver(self, text, *more)

    async def one(name: KeyName, data: bytes) -> bytes:
        noted.append("HSM")
        return await hmac(name, data)

    async def all_(name: KeyName, data: Sequence[bytes]) -> object:
        noted.append("HSM")
        return await hmac_all(name, data)

    with monkeypatch.context() as patch:
        patch.setattr(AsyncConnection, "execute", executed)
        patch.setattr(AsyncConnection, "exec_driver_sql", driven)
        patch.setattr(desk.keys, "hmac", one)
        patch.setattr(desk.keys, "hmac_all", all_)
        yield noted


async def test_senders_at_one_address_have_four_places_and_keep_no_other_address_out(
    desk: Desk, signer: User, monkeypatch: pytest.MonkeyPatch
):
    """T48: lock-out of others."""
    going, right = asyncio.Event(), desk.login._passwords.is_right

    async def slow(peppered: str, hash: str | None) -> bool:
        await going.wait()
        return await right(peppered, hash)

    monkeypatch.setattr(desk.login._passwords, "is_right", slow)
    flood = [asyncio.create_task(refusal(desk.login, STRANGER, f"login{number}")) for number in range(SENDERS)]
    async with asyncio.timeout(20):
        while sum(task.done() for task in flood) < SENDERS - OF_ONE:
            await asyncio.wait([task for task in flood if not task.done()], return_when=asyncio.FIRST_COMPLETED)
    other = asyncio.create_task(desk.login.by_password("olena", PASSWORD, HOME))
    going.set()

    assert (await other).session.user_id == signer.id
    kinds = [type(answer) for answer in await asyncio.gather(*flood)]
    assert (kinds.count(Unauthenticated), kinds.count(TooMany)) == (OF_ONE, SENDERS - OF_ONE)


async def test_an_address_that_has_no_tries_left_costs_no_work_of_the_hsm(
    desk: Desk, signer: User, monkeypatch: pytest.MonkeyPatch
):
    for number in range(PER_ADDRESS):
        await refusal(desk.login, STRANGER, f"login{number}")
    with work(desk, monkeypatch) as noted:
        assert type(await refusal(desk.login, STRANGER)) is TooMany
    assert "HSM" not in noted


async def test_an_office_of_one_address_signs_in(desk: Desk, signer: User):
    """A try that was right is given back, also the one that closed the address."""
    for number in range(PER_ADDRESS - 1):
        await refusal(desk.login, STRANGER, f"login{number}")
    for _ in range(3):
        await desk.login.by_password("olena", PASSWORD, STRANGER)
        await desk.login.check_password("olena", PASSWORD, STRANGER)
    assert type(await refusal(desk.login, STRANGER)) is Unauthenticated
    assert type(await refusal(desk.login, STRANGER)) is TooMany


async def test_who_changes_or_sets_a_password_has_lost_no_try_by_it(desk: Desk, signer: User):
    await desk.login.send_letter("olena", OPERATOR)
    code = await desk.link()
    for number in range(PER_ADDRESS - 1):
        await refusal(desk.login, HOME, f"login{number}")
    await desk.login.set_by_letter(code, ANOTHER, HOME)
    mine = await desk.login.session(await desk.signed_in(password=ANOTHER), HOME)
    assert mine is not None
    await desk.login.change(mine, ANOTHER, PASSWORD, HOME)
    await desk.login.by_password("olena", PASSWORD, HOME)


async def test_opening_the_link_of_a_letter_is_no_try(desk: Desk, signer: User):
    await desk.login.send_letter("olena", OPERATOR)
    code = await desk.link()
    for _ in range(2 * PER_ADDRESS):
        assert await desk.login.letters.stands(code)
    await desk.login.set_by_letter(code, ANOTHER, HOME)


async def test_t17_a_wrong_password_and_an_unknown_login_are_the_same_work(
    desk: Desk, signer: User, monkeypatch: pytest.MonkeyPatch
):
    """T17: enumeration of users, by time."""
    await desk.wrong(1)  # rows that were proven are remembered
    await refusal(desk.login, STRANGER, "somebody")
    await desk.users.register(NewUser("petro", "petro@example.org", "Petro", "Example", "UA"), OPERATOR)
    desk.clock.move(60)
    done = []
    for name in ("olena", "petro", "nobody", "no.other"):
        with work(desk, monkeypatch) as noted:
            for _ in range(2):
                await refusal(desk.login, HOME, name)
        done.append(noted)
    assert "HSM" in done[0]
    assert done[1:] == done[:1] * 3


@pytest.mark.parametrize("times", [1, 5])
async def test_t17_a_letter_that_was_asked_for_and_one_to_nobody_are_the_same_work(
    desk: Desk, signer: User, monkeypatch: pytest.MonkeyPatch, times: int
):
    """T17: also once no more may be asked for."""
    done = []
    for name in ("olena", "nobody"):
        with work(desk, monkeypatch) as noted:
            for _ in range(times):
                await desk.login.forgot(name, STRANGER)
        done.append(noted)
    assert done[0] == done[1]
    assert "HSM" in done[0]
    assert {letter.recipient for letter in await desk.letters()} == {"olena@example.org"}


async def test_made_up_logins_fill_no_table(desk: Desk, signer: User, monkeypatch: pytest.MonkeyPatch):
    """They are counted in a fixed number of ways, and a signer's tries in one of the signer's own."""
    monkeypatch.setattr(unknown, "BYTES", 0)  # one way
    for number in range(20):
        await refusal(desk.login, place(STRANGER, number), f"login{number}")
    of_ways = login_tries.c.expires_at > desk.clock.now() + ADDRESS_SPAN
    async with desk.database.read() as connection:
        assert (await connection.execute(sa.select(login_tries.c.wrong).where(of_ways))).scalars().all() == [5]
    assert (await refusal(desk.login, STRANGER, "another")).retry_after == 30
    await desk.login.by_password("olena", PASSWORD, STRANGER)


async def test_which_way_an_unknown_login_has_is_told_by_the_hsm_alone(desk: Desk):
    """T17: who could compute it would tell signers by it, closing the way by a login that was made up."""
    other = Desk(desk.database, desk.clock)
    stamps = [one.login._parts.stamps for one in (desk, other)]
    names = [f"login{number}" for number in range(8)]
    mine, theirs = [[await unknown.way_of_unknown(one, name) for name in names] for one in stamps]
    assert mine != theirs
    assert mine == [await unknown.way_of_unknown(stamps[0], name) for name in names]


class Access:
    """Who ends what applications were allowed."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, str, str]] = []

    async def end(self, user_id: UserId, why: str, actor: str) -> None:
        self.ended.append((user_id, why, actor))


async def test_a_password_that_is_set_anew_ends_what_applications_were_allowed(desk: Desk, signer: User):
    """T16: whoever knew the old one may have allowed it."""
    access = Access()
    login = desk.again(end_access=access.end)
    await login.send_letter("olena", OPERATOR)
    code = await desk.link()
    with pytest.raises(Invalid):
        await login.set_by_letter(code, "Sh0rt", HOME)
    assert access.ended == []

    await login.set_by_letter(code, ANOTHER, HOME)
    await login.distrust(signer.id, "device:one")
    assert access.ended == [
        (signer.id, "password.set", f"user:{signer.id}"),
        (signer.id, "password.distrusted", "device:one"),
    ]


async def test_a_signer_who_changes_the_password_keeps_what_applications_were_allowed(desk: Desk, signer: User):
    access = Access()
    await desk.again(end_access=access.end).change(await desk.session(), PASSWORD, ANOTHER, HOME)
    assert access.ended == []
