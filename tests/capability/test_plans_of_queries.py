"""T08: what is asked of the database whenever an application asks a person is found by an index, without a walk."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.infra.db import Database
from dss.kernel.ids import ClientId, UserId
from dss.transactions import asking_store, sessions_store
from dss.transactions.asking import AskLimits, Collision, Pair
from tests.world.clock import START

PAIR = Pair(UserId("U" * 26), ClientId("C" * 26))


@pytest.fixture
async def sqlite(sqlite_url: str) -> AsyncIterator[AsyncConnection]:
    database = Database(sqlite_url)
    async with database.read() as connection:
        yield connection
    await database.close()


@pytest.fixture
def heard(sqlite: AsyncConnection) -> list[tuple[str, Any]]:
    """Each statement that the connection sends, with its parameters."""
    sent: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        sent.append((statement, parameters))

    sa.event.listen(sqlite.sync_connection, "before_cursor_execute", note)
    return sent


async def ways(sqlite: AsyncConnection, heard: list[tuple[str, Any]]) -> set[str]:
    """How SQLite comes to the rows of what was heard."""
    asked = [one for one in heard if not one[0].startswith("EXPLAIN")]
    found = set()
    for statement, parameters in asked:
        steps = await sqlite.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        found.add(next(step.detail for step in steps))
    return found


async def test_t08_what_a_pair_asked_and_what_came_of_it_is_found_by_an_index(sqlite: AsyncConnection, heard: Any):
    await asking_store.facts(sqlite, PAIR, AskLimits(on_collision=Collision.CANCEL), START)

    assert await ways(sqlite, heard) >= {
        "SEARCH audit_events USING INDEX ix_audit_events_refused (subject=? AND actor=?)",
        "SEARCH transactions USING INDEX ix_transactions_user_id_client_id_opened_at (user_id=? AND client_id=?)",
    }
    assert not any(way.startswith("SCAN") for way in await ways(sqlite, heard))


async def test_an_application_s_sessions_are_found_by_an_index(sqlite: AsyncConnection, heard: Any):
    await sessions_store.going_on(sqlite, START, 10, client_id=PAIR.client_id)

    index = "ix_transactions_client_id_kind_state_id"
    assert await ways(sqlite, heard) == {
        f"SEARCH transactions USING INDEX {index} (client_id=? AND kind=? AND state=?)"
    }
