"""What has ended of authorization and signing in is deleted, and what is sealed stays."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dss.audit.seals import Seals
from dss.audit.service import Audit
from dss.hsm.servicekeys import KeyName
from dss.hsm.stamps import Stamps
from dss.infra.db import Database
from dss.kernel.errors import Unavailable
from dss.kernel.ids import ClientId, Ids, LoginId, UserId
from dss.login.tables import login_tries, password_letters
from dss.oauth.grant import NewGrant
from dss.oauth.grants import Grants, Parts
from dss.oauth.issuer import Lifetimes
from dss.oauth.revoked import Revoked
from dss.oauth.tables import grants as grants_table
from dss.oauth.tables import pushed_requests, revoked_tokens
from dss.oauth.tidying import PASSING, Tidying
from tests.world.clock import START, HandClock
from tests.world.servicekeys import SoftwareServiceKeys

ID, USER = "01KAJ9T8VX3N5Q7R9S1T2V4W6Y", UserId("01KAJ9T8VX3N5Q7R9S1T2V4W6Z")
ROWS: tuple[tuple[sa.Table, dict[str, Any]], ...] = (
    (pushed_requests, {"id": ID, "client_id": ID, "address": "", "request": "{}", "decided": ""}),
    (revoked_tokens, {"id": ID}),
    (password_letters, {"user_id": USER, "id": ID}),
    (login_tries, {"way_sha256": bytes(32), "wrong": 5, "closed_until": START}),
)
NAMES = [table.name for table, _ in ROWS]


async def write(database: Database, table: sa.Table, row: dict[str, Any], expires_at: datetime) -> None:
    async with database.write() as connection:
        await connection.execute(sa.insert(table).values(**row, expires_at=expires_at))


async def count(database: Database, table: sa.Table) -> int:
    async with database.read() as connection:
        return int((await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one())


def test_every_kind_of_row_that_is_deleted_has_a_row_here():
    assert {table for table, _ in ROWS} == set(PASSING)


@pytest.mark.parametrize(("table", "row"), ROWS, ids=NAMES)
async def test_a_row_is_deleted_once_its_time_is_over(
    sqlite_url: str, clock: HandClock, table: sa.Table, row: dict[str, Any]
) -> None:
    database = Database(sqlite_url)
    await write(database, table, row, START + timedelta(minutes=1))

    clock.move(60)
    await Tidying(database, clock).round()
    assert await count(database, table) == 1
    clock.move(1)
    await Tidying(database, clock).round()
    assert await count(database, table) == 0
    await database.close()


async def test_an_ended_grant_stays(sqlite_url: str, clock: HandClock, ids: Ids) -> None:
    """A sealed row that is missing is found as such."""
    database, keys = Database(sqlite_url), SoftwareServiceKeys()
    audit = Audit(database, clock, ids)
    revoked, stamps = Revoked(database, clock), Stamps(keys, KeyName.AUTHORIZATION)
    grants = Grants(Parts(database, Seals(keys, audit), stamps, revoked, Lifetimes(), clock, ids))
    await grants.issue(NewGrant(ClientId(ID), USER, LoginId(ID), ("service",), "https://a.example/", "", START))

    clock.move(timedelta(days=400).total_seconds())
    await Tidying(database, clock).round()

    assert await count(database, grants_table) == 1
    await database.close()


async def test_a_node_whose_clock_is_wrong_deletes_nothing(postgres_url: str, clock: HandClock) -> None:
    """T44: a token that was revoked would be good again."""
    database = Database(postgres_url)
    await write(database, revoked_tokens, {"id": ID}, START - timedelta(days=1))

    with pytest.raises(Unavailable):
        await Tidying(database, clock).round()

    assert await count(database, revoked_tokens) == 1
    await database.close()
