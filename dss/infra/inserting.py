"""Insert statements that say what becomes of a row that is there already, in the words of the database."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def insert(connection: AsyncConnection, table: sa.Table) -> Any:
    """Return an insert into a table, with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
