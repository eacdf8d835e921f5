"""Searching the log: by whose the events are, by transaction, kind and time, and by all of it at once."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dss.audit.event import Event
from dss.audit.tables import audit_events
from dss.ca.tables import certificates
from dss.clients.tables import clients
from dss.credentials.tables import credentials
from dss.devices.tables import devices, enrolments, shares
from dss.documents.tables import documents
from dss.infra.db import Database
from dss.kernel.errors import NotFound, Tampered
from dss.transactions import searching_store
from dss.transactions.searching import Searching, Wish
from dss.transactions.tables import transactions
from dss.users.tables import users
from tests.world.clock import START
from tests.world.log_site import Site, site

__all__ = ["site"]

ALICE, BOB = "A" * 26, "B" * 26
SHOP, BANK = "S" * 26, "K" * 26
OF_ALICE = {"user", "device", "enrolment", "credential", "transaction", "activation", "share", "certificate"}
PLAIN: dict[type, Any] = {sa.JSON: {}, sa.LargeBinary: b"", sa.Boolean: False, sa.Integer: 0, sa.BigInteger: 0}


def filled(table: sa.Table, **values: Any) -> dict[str, Any]:
    """A row with something in every column that needs it; texts are unlike each other in each row."""
    whole = {column.name: _plain(column, values) for column in table.c if not column.nullable}
    return whole | values


def _plain(column: sa.Column[Any], values: dict[str, Any]) -> Any:
    if isinstance(column.type, sa.String):
        return str(next(iter(values.values())))[: column.type.length]
    return PLAIN.get(type(column.type), START)


def rows_of(user: str, client: str) -> list[tuple[sa.Table, dict[str, Any]]]:
    """What a signer has: every id is the signer's own with its last letters changed."""
    phone, key, asked = (user[:-1] + mark for mark in "123")
    return [
        (users, filled(users, id=user, login=f"login-{user[0]}".lower())),
        (clients, filled(clients, id=client, name=f"name {client[0]}", scopes=[])),
        (enrolments, filled(enrolments, id=user[:-1] + "4", user_id=user)),
        (devices, filled(devices, id=phone, user_id=user)),
        (credentials, filled(credentials, id=key, user_id=user)),
        (transactions, filled(transactions, id=asked, user_id=user, client_id=client, credential_id=key)),
        (shares, filled(shares, id=asked, from_device_id=phone, to_device_id=user[:-1] + "9")),
        (documents, filled(documents, id=client[:-1] + "5", client_id=client)),
        (
            certificates,
            filled(certificates, serial=user[:-1].lower(), requester=f"device:{phone}", sha256=user.encode()),
        ),
    ]


SUBJECTS = {
    user: [
        f"user:{user}",
        f"enrolment:{user[:-1]}4",
        f"device:{user[:-1]}1",
        f"credential:{user[:-1]}2",
        f"transaction:{user[:-1]}3",
        f"activation:{user[:-1]}3",
        f"share:{user[:-1]}3",
        f"certificate:{user[:-1].lower()}",
    ]
    for user in (ALICE, BOB)
}


async def add(connection: Any, site: Site, subject: str, **changes: Any) -> None:
    site.clock.move(1)
    values = {"kind": f"{subject.partition(':')[0]}.touched", "actor": "server", "subject": subject} | changes
    await site.audit.record(connection, Event(**values))


@pytest.fixture
async def log(site: Site) -> Site:
    """Two signers and two applications, with an event on each thing of theirs; the last ones wait to be sealed."""
    async with site.database.write() as connection:
        for table, row in [*rows_of(ALICE, SHOP), *rows_of(BOB, BANK)]:
            await connection.execute(sa.insert(table).values(row))
        for subject in [*SUBJECTS[ALICE], *SUBJECTS[BOB]]:
            await add(connection, site, subject)
        for client in (SHOP, BANK):
            await add(connection, site, f"client:{client}", actor="operator:test")
            await add(connection, site, f"document:{client[:-1]}5", actor=f"client:{client}")
            await add(connection, site, "token:1", actor=f"client:{client}", kind="token.issued")
            await add(connection, site, "user:nobody", actor=f"operator:client:{client}")
        await add(connection, site, "letter:1", actor=f"device:{ALICE[:-1]}1")
    await site.sealer.round()
    async with site.database.write() as connection:
        await add(connection, site, f"device:{ALICE[:-1]}1", kind="device.locked")
    return site


async def found(log: Site, **wish: Any) -> list[str]:
    """The subjects of what a search finds."""
    return [one.event.subject for one in await Searching(log.database).search(Wish(**wish), limit=1000)]


@pytest.mark.parametrize("name", [ALICE, "login-a"])
async def test_by_signer_all_is_found_that_is_on_or_by_anything_of_theirs(log: Site, name: str):
    told = await found(log, signer=name)
    assert told == [*SUBJECTS[ALICE], "letter:1", f"device:{ALICE[:-1]}1"]


@pytest.mark.parametrize("name", [SHOP, "name S"])
async def test_by_application_all_is_found_that_is_on_or_by_anything_of_its(log: Site, name: str):
    asked = [f"{kind}:{ALICE[:-1]}3" for kind in ("transaction", "activation")]
    own = [f"client:{SHOP}", f"document:{SHOP[:-1]}5", "token:1", "user:nobody"]
    assert await found(log, client=name) == [*asked, *own]


async def test_by_transaction_what_it_is_made_of_is_found(log: Site):
    told = await found(log, transaction=ALICE[:-1] + "3")
    assert told == [f"{kind}:{ALICE[:-1]}3" for kind in ("transaction", "activation", "share")]


async def test_by_kind_what_begins_so_is_found_and_signs_of_patterns_are_none(log: Site):
    assert await found(log, kind="token.") == ["token:1", "token:1"]
    assert await found(log, kind="t%") == []
    assert await found(log, kind="token_") == []


async def test_by_time_the_first_moment_counts_and_the_last_does_not(log: Site):
    told = await found(log, since=START + timedelta(seconds=2), until=START + timedelta(seconds=4))
    assert told == SUBJECTS[ALICE][1:3]


async def test_all_that_is_given_must_hold(log: Site):
    assert await found(log, signer="login-a", client="name S") == [
        f"{kind}:{ALICE[:-1]}3" for kind in ("transaction", "activation")
    ]
    assert await found(log, signer="login-a", client="name K") == []
    assert await found(log, signer="login-a", kind="device.locked") == [f"device:{ALICE[:-1]}1"]
    assert await found(log, signer="login-a", kind="device.locked", until=START) == []
    assert await found(log, signer="login-b", transaction=ALICE[:-1] + "3") == []


async def test_events_that_wait_for_their_numbers_are_found_too(log: Site):
    (*_, last) = await Searching(log.database).search(Wish(signer="login-a"))
    assert (last.event.kind, last.leaf) == ("device.locked", None)


async def test_pages_go_on_where_the_one_before_ended(log: Site):
    search, after, told = Searching(log.database), None, []
    while page := await search.search(Wish(signer="login-a"), after, 3):
        assert len(page) <= 3
        told += [one.event.subject for one in page]
        after = page[-1].id
    assert told == await found(log, signer="login-a")


@pytest.mark.parametrize("wish", [{"signer": "nobody"}, {"client": "nobody"}, {"signer": SHOP}])
async def test_who_is_not_known_is_not_found(log: Site, wish: dict[str, str]):
    with pytest.raises(NotFound):
        await found(log, **wish)


async def test_an_event_that_cannot_be_read_is_told_not_left_out(log: Site):
    await log.edit(0, outcome="nonsense")
    with pytest.raises(Tampered, match="dss audit verify"):
        await found(log)


async def test_a_search_by_signer_looks_at_no_event_of_others(log: Site):
    """The plan goes by the indexes of subjects and actors: it is as fast in a log of millions."""
    await _grow(log.database, 20_000)
    query = searching_store.of_any(searching_store.names_of_signer(ALICE))
    plan = await _plan(log.database, sa.select(audit_events.c.id).where(query))
    for index in ("ix_audit_events_subject", "ix_audit_events_actor"):
        assert index in plan
    assert "Seq Scan on audit_events" not in plan
    assert "SCAN audit_events\n" not in plan


async def _grow(database: Database, count: int) -> None:
    """Add events of strangers, quickly."""
    plain = {"kind": "thing.done", "outcome": "done", "details": {}, "at": START}
    rows = [
        {"id": f"{number:026}", "actor": f"client:{number}", "subject": f"thing:{number}"} for number in range(count)
    ]
    async with database.write() as connection:
        await connection.execute(sa.insert(audit_events), [plain | row for row in rows])
        await connection.exec_driver_sql("ANALYZE")


async def _plan(database: Database, query: sa.Select[Any]) -> str:
    async with database.read() as connection:
        text = str(query.compile(connection.sync_connection.engine, compile_kwargs={"literal_binds": True}))
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        rows = await connection.exec_driver_sql(f"{explain} {text}")
        return "".join(f"{row[-1]}\n" for row in rows)
