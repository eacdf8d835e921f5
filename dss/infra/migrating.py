"""Brings a database to the newest schema: the numbered steps in the `migrations` package, run from here only."""

from importlib import resources

import sqlalchemy as sa
from sqlalchemy import Connection

from dss.infra.db import Database

LOCK = 0x6473735F6D696772  # any number that nothing else locks by: "dss_migr" in ASCII


async def upgrade(database_url: str) -> None:
    """Run the steps that the database lacks, all in one transaction; safe to repeat and to start twice at a time.

    database_url: as `Database` takes it. Raises DatabaseUnavailable.
    """
    database = Database(database_url)
    try:
        async with database.write() as connection:
            if not database.is_sqlite:
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            await connection.run_sync(_upgrade)
    finally:
        await database.close()


async def current(database_url: str) -> str | None:
    """Return the number of the last step that the database has had, or None. Raises DatabaseUnavailable."""
    database = Database(database_url)
    try:
        async with database.read() as connection:
            return await connection.run_sync(_revision)
    finally:
        await database.close()


def head() -> str:
    """Return the number of the newest step, the schema that this program needs."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  as below

    with resources.as_file(resources.files("migrations")) as folder:
        return str(ScriptDirectory(str(folder)).get_current_head())


def _revision(connection: Connection) -> str | None:
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415  as below

    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415  a quarter of a second that only migrating has to wait
    from alembic.config import Config  # noqa: PLC0415

    with resources.as_file(resources.files("migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
