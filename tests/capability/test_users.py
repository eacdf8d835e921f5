"""Signers are registered by clear rules, under a login of their own."""
# ruff: noqa: RUF001  Ukrainian words are meant

import asyncio
from dataclasses import replace

import pytest

from dss.audit.seals import Seals
from dss.audit.service import Audit
from dss.infra.db import Database
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import Ids, UserId
from dss.users.service import NewUser, Users
from tests.world.clock import START, HandClock
from tests.world.servicekeys import SoftwareServiceKeys

OLENA = NewUser(
    login="olena",
    email="olena@example.com",
    given_name="Олена",
    surname="Їжакевич",
    country="UA",
    locale="uk",
    serial_number="PNOUA-3012345678",
    organization="ТОВ «Приклад»",
)
OPERATOR = "operator:cli"


@pytest.fixture
def users(database: Database, audit: Audit, clock: HandClock, ids: Ids) -> Users:
    return Users(database, Seals(SoftwareServiceKeys(), audit), clock, ids)


async def test_a_registered_signer_is_found_by_id_and_by_login(users: Users, audit: Audit) -> None:
    registered = await users.register(OLENA, OPERATOR)
    assert registered.name == "Олена Їжакевич"
    assert registered.created_at == START
    assert await users.get(registered.id) == await users.by_login("olena") == registered
    (recorded,) = await audit.of_subject(f"user:{registered.id}")
    assert (recorded.event.kind, recorded.event.actor) == ("user.registered", OPERATOR)


async def test_who_is_not_there_is_not_found(users: Users) -> None:
    with pytest.raises(NotFound):
        await users.get(UserId("0" * 26))
    for login in ("nobody", "", "\x00", "\ud800", "ö" * 1000):
        with pytest.raises(NotFound):
            await users.by_login(login)


async def test_a_login_is_given_once_also_to_fifty_at_the_same_time(users: Users) -> None:
    tries = await asyncio.gather(*(users.register(OLENA, OPERATOR) for _ in range(50)), return_exceptions=True)
    assert [type(error) for error in tries if isinstance(error, BaseException)] == [Conflict] * 49
    assert len(await users.list(None, 100)) == 1


async def test_a_refused_registration_leaves_no_event(users: Users, audit: Audit) -> None:
    await users.register(OLENA, OPERATOR)
    with pytest.raises(Conflict):
        await users.register(OLENA, OPERATOR)
    assert len(await audit.newest()) == 1


async def test_the_list_goes_on_after_an_id(users: Users) -> None:
    made = [await users.register(replace(OLENA, login=f"user{number}"), OPERATOR) for number in range(5)]
    first = await users.list(None, 3)
    assert first == tuple(made[:3])
    assert await users.list(first[-1].id, 3) == tuple(made[3:])
