"""The fixtures of the tests' world, known to every test; and property tests that draw the same samples every time."""

import gc
import os
from asyncio import AbstractEventLoop
from collections.abc import Callable
from zlib import crc32

import pytest
import uvloop
from hypothesis import settings

pytest_plugins = [
    "tests.world.quick_files",  # before the others, which import it
    "tests.world.databases",
    "tests.world.quick_letters",
    "tests.world.quick_passwords",
    "tests.world.quick_pins",
    "tests.world.quick_sqlite",
    "tests.world.quick_statements",
    "tests.world.softhsm",
    "tests.world.world",
]

SOAK = bool(os.environ.get("DSS_SOAK"))
settings.register_profile("seeded", derandomize=True, deadline=None, max_examples=100 if SOAK else 50)
settings.load_profile("seeded")
ONE_IN = 3  # of the tests for both databases, so many are on SQLite and the others on PostgreSQL, unless soaked


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    """Run tests in the event loop that servers run in."""
    return {"uvloop": uvloop.new_event_loop}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let a test for both databases run on one of them, chosen by its name: the same in each run.

    With DSS_SOAK=1, or for one file alone, each runs on both.
    """
    if SOAK or len({item.path for item in items}) == 1:
        return
    names = {item.nodeid for item in items}
    spared = {item for item in items if _other_runs(item.nodeid, names) or _is_left_out(item.nodeid)}
    config.hook.pytest_deselected(items=list(spared))
    items[:] = [item for item in items if item not in spared]


def _is_left_out(name: str) -> bool:
    """Tell whether a test is of the half of the crashes, each of which starts and kills a process, that is soaked."""
    return "stories/test_crashes" in name and "[" in name and crc32(name.encode()) % 2 == 0


def _other_runs(name: str, names: set[str]) -> bool:
    """Tell whether the same test runs on the other database instead."""
    on_sqlite, on_postgresql = name.replace("[postgresql", "[sqlite"), name.replace("[sqlite", "[postgresql")
    if on_sqlite == on_postgresql or not {on_sqlite, on_postgresql} <= names:
        return False
    return name != (on_postgresql if crc32(on_sqlite.encode()) % ONE_IN else on_sqlite)


def pytest_collection_finish() -> None:
    """Spare the collector of garbage what was imported and collected: it stays until the end."""
    gc.collect()
    gc.freeze()
