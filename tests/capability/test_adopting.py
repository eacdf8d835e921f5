"""After an upgrade from a version that had no seals: its rows are sealed as they are, once, and serve on.

Source: docs/adr/0008-sealed-rows.md.
"""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from dss.audit.tables import audit_events
from dss.clients.tables import clients
from dss.credentials.tables import credentials
from dss.devices import enrolment
from dss.devices.tables import devices
from dss.infra import migrating
from dss.infra.db import Database
from dss.infra.schema import metadata
from dss.kernel.errors import Tampered
from dss.kernel.ids import CredentialId, DeviceId
from dss.web import app as web
from dss.wiring import opened
from mobile_mock.phone import Phone
from tests.stories.test_answers import HASH
from tests.world.databases import Cluster
from tests.world.intruder import Intruder
from tests.world.softhsm import SoftHsm
from tests.world.world import OPERATOR, PIN, Application, Signer, WithState, World, new_world

BEFORE_SEALS = "0009"


@dataclass
class Upgraded:
    """A server of this version on the database of the version before seals, with a signer of then.

    letters: QR and code of an enrolment that was open.
    """

    world: World
    alice: Signer
    application: Application
    intruder: Intruder
    letters: tuple[str, str]

    @property
    def phone(self) -> DeviceId:
        return DeviceId(self.alice.phone.kept().device)

    @property
    def key(self) -> CredentialId:
        return CredentialId(self.alice.credential_id)

    async def adopt(self) -> dict[str, int]:
        adopted = await self.world.services.adopting.adopt_all(OPERATOR)
        await self.application.log_in()
        return adopted

    async def signs(self) -> str:
        """Let the signer confirm a signature; return what came of it."""
        asked = await self.application.ask_hashes(self.alice, HASH)
        await self.alice.phone.confirm(await self.alice.phone.show(asked["id"]), PIN)
        await self.world.settle()
        return str((await self.application.get(f"/v1/signatures/{asked['id']}"))["state"])


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table, once on each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'old.db'}"
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    name = f"old_{secrets.token_hex(8)}"
    yield cluster.create(name)
    cluster.drop(name)


@pytest.fixture
async def upgraded(
    softhsm: SoftHsm, sqlite_url: str, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Upgraded]:
    """An installation right after the upgrade: what this version makes, as the tables of then had it."""
    monkeypatch.setattr(enrolment, "PIN_ITERATIONS", 1)
    async with new_world(softhsm, sqlite_url, tmp_path) as old:
        application = await old.application()
        alice = await old.signer(application)
        letters = await old.invite(alice.user)
        await to_the_version_before_seals(empty_url, monkeypatch)
        await copy_rows(old.services.database, empty_url)
    await migrating.upgrade(empty_url)
    async with opened_again(old, empty_url) as world:
        phone = Phone(alice.phone._store.folder, world.http(), now=world.clock.now, sleep=world.sleep)
        again = Application(world.http(), application.id, application.secret)
        yield Upgraded(world, replace(alice, phone=phone), again, Intruder(world.services.database), letters)


@asynccontextmanager
async def opened_again(old: World, database_url: str) -> AsyncIterator[World]:
    """Open a server with the settings of a world, on another database."""
    async with opened(replace(old.services.settings, database_url=database_url), old.clock) as services:
        app = WithState(web.create(services.settings, strict=True), services)
        yield World(services, app, old.clock, old.folder)


async def to_the_version_before_seals(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the steps that the version before seals had."""
    upgrade = command.upgrade
    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", lambda config, _: upgrade(config, BEFORE_SEALS))
        await migrating.upgrade(database_url)
    assert await migrating.current(database_url) == BEFORE_SEALS


async def copy_rows(source: Database, database_url: str) -> None:
    """Copy the rows of all tables, in the columns that the other database has; a signature's way is not copied."""
    target = Database(database_url)
    async with source.read() as reading, target.write() as writing:
        columns = await writing.run_sync(columns_of)
        for table in metadata.sorted_tables:
            known = [column for column in table.c if column.name in columns.get(table.name, ())]
            rows = [dict(row._mapping) for row in await reading.execute(sa.select(*known))] if known else []
            if rows:
                await writing.execute(sa.insert(table), rows)
    await target.close()


def columns_of(connection: sa.Connection) -> dict[str, set[str]]:
    inspector = sa.inspect(connection)
    return {table: {column["name"] for column in inspector.get_columns(table)} for table in inspector.get_table_names()}


def kinds(found: list[Any]) -> set[str]:
    return {finding.kind for finding in found}


async def test_nothing_of_a_version_without_seals_is_believed_before_it_is_adopted(upgraded: Upgraded) -> None:
    with pytest.raises(Tampered):
        await upgraded.world.services.credentials.get(upgraded.key)

    found = await upgraded.world.services.mending.check()

    assert kinds(found) == {"user", "client", "device", "enrolment", "box_key", "credential"}
    assert all("dss audit adopt" in finding.why for finding in found)


async def test_adopted_rows_are_sealed_once_and_sign(upgraded: Upgraded) -> None:
    counts = await upgraded.adopt()

    assert (counts["user"], counts["client"]) == (1, 1)
    assert (counts["device"], counts["enrolment"], counts["credential"]) == (1, 2, 1)
    assert counts["box_key"] > 0
    assert await upgraded.world.services.mending.check() == []
    assert set((await upgraded.adopt()).values()) == {0}
    assert await upgraded.signs() == "signed"
    told = [event for event in await upgraded.intruder.rows(audit_events) if event["kind"] == "row.adopted"]
    assert len(told) == sum(counts.values())
    assert {event["actor"] for event in told} == {OPERATOR}


async def test_a_key_of_then_is_opened_by_the_phones_that_its_owner_had(upgraded: Upgraded) -> None:
    await upgraded.adopt()
    key = await upgraded.world.services.credentials.get(upgraded.key)
    assert (key.holders, key.relock) == ((upgraded.phone,), False)

    await upgraded.world.services.phones.remove(upgraded.phone, OPERATOR)
    assert (await upgraded.world.services.credentials.get(upgraded.key)).state == "destroyed"


async def test_the_enrolment_that_was_open_goes_on_after_the_upgrade(upgraded: Upgraded) -> None:
    await upgraded.adopt()
    await upgraded.world.new_phone().enrol(*upgraded.letters, PIN, "Key 2")
    assert len(await upgraded.world.services.devices.of_user(upgraded.alice.user.id)) == 2


@pytest.mark.parametrize("table", [clients, devices, credentials], ids=str)
async def test_a_row_that_had_a_seal_is_never_adopted(upgraded: Upgraded, table: sa.Table) -> None:
    await upgraded.adopt()
    id = {clients: upgraded.application.id, devices: upgraded.phone, credentials: upgraded.key}[table]
    await upgraded.intruder.edit(table, id, seal=None, version=None)

    with pytest.raises(Tampered):
        await upgraded.adopt()

    assert (await upgraded.intruder.row(table, id))["seal"] is None
    (alarm,) = await upgraded.world.services.audit.newest(100, "alarm.")
    assert "had a seal before" in alarm.event.details["why"]


async def test_a_row_with_another_seal_is_no_row_to_adopt(upgraded: Upgraded) -> None:
    await upgraded.adopt()
    await upgraded.intruder.edit(devices, upgraded.phone, seal=b"\x01" * 32)

    assert set((await upgraded.adopt()).values()) == {0}

    assert kinds(await upgraded.world.services.mending.check()) == {"device"}
