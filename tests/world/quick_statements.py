"""Statements that are compiled once in a test process, as in a server: not once for each test's database."""

from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.util import LRUCache

from dss.infra import db

MOST = 5_000  # statements; the server has some hundreds


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """Let all engines of a kind have one cache of compiled statements, whose keys hold an engine's dialect."""
    options = {"compiled_cache": LRUCache[object, object](MOST)}
    with pytest.MonkeyPatch.context() as patch:
        for kind in (PGDialect_asyncpg, SQLiteDialect_aiosqlite):
            patch.setattr(kind, "__eq__", _of_one_kind)
            patch.setattr(kind, "__hash__", lambda dialect: hash(type(dialect)))
        patch.setattr(db, "create_async_engine", partial(create_async_engine, execution_options=options))
        yield


def _of_one_kind(one: Dialect, other: object) -> bool:
    return type(one) is type(other)
