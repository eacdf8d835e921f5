"""SQLite without a thread for each connection: two switches of threads cost more than most statements."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from aiosqlite import Connection

IN_EARNEST = Connection._execute
NEVER_WAIT = ("SELECT", "WITH", "PRAGMA")  # in a database with a write-ahead log


@pytest.fixture(scope="session", autouse=True)
def _quick_sqlite() -> Iterator[None]:
    """Let statements run where they are awaited, but for those that may wait for another connection's lock.

    Those are the ones that begin a transaction, or write outside of one. With DSS_SOAK=1 all go by their threads, and
    those of tests about threads always do.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("DSS_SOAK"):
            patch.setattr(sqlite3, "connect", partial(sqlite3.connect, check_same_thread=False))
            patch.setattr(Connection, "_execute", _execute)
        yield


@pytest.fixture
def sqlite_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all statements run in their connection's thread, as in a server."""
    monkeypatch.setattr(Connection, "_execute", IN_EARNEST)


async def _execute(self: Connection, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    sql = arguments[0] if arguments else None
    may_wait = isinstance(sql, str) and not (self.in_transaction or sql.lstrip().startswith(NEVER_WAIT))
    if may_wait or not self._running:
        return await IN_EARNEST(self, function, *arguments, **options)
    return function(*arguments, **options)
