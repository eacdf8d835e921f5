"""The schema that the migrations make is the one that the code reads and writes, on both databases."""

import asyncio
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

import dss
import migrations
from dss.infra.db import Database
from dss.infra.migrating import current, upgrade
from dss.infra.schema import metadata
from tests.world.databases import Cluster


def newest() -> str:
    names = [path.name for path in (Path(str(migrations.__file__)).parent / "versions").glob("*.py")]
    return max(names)[:4]


def load_all_tables() -> None:
    for module in pkgutil.walk_packages(dss.__path__, "dss."):
        if module.name.rpartition(".")[2] in {"tables", "once"}:
            importlib.import_module(module.name)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    yield cluster.create("empty")
    cluster.drop("empty")


async def test_the_migrated_schema_is_the_catalogue_of_the_code(database: Database) -> None:
    load_all_tables()
    async with database.read() as connection:
        difference = await connection.run_sync(
            lambda bound: compare_metadata(MigrationContext.configure(bound), metadata)
        )
    assert difference == []


async def test_every_name_of_a_constraint_is_the_one_of_the_catalogue(database: Database) -> None:
    load_all_tables()
    async with database.read() as connection:
        names = await connection.run_sync(
            lambda bound: {
                table: sa.inspect(bound).get_pk_constraint(table)["name"]
                for table in sa.inspect(bound).get_table_names()
            }
        )
    del names["alembic_version"]
    assert names == {table: f"pk_{table}" for table in metadata.tables}


async def test_an_upgrade_starts_from_nothing_and_may_be_repeated(empty_url: str) -> None:
    assert await current(empty_url) is None
    await upgrade(empty_url)
    await upgrade(empty_url)
    assert await current(empty_url) == newest()


async def test_two_nodes_may_upgrade_at_the_same_time(empty_url: str) -> None:
    assert await current(empty_url) is None  # SQLite changes a new file's journal mode without waiting for others
    await asyncio.gather(upgrade(empty_url), upgrade(empty_url))
    assert await current(empty_url) == newest()
