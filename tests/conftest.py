"""The fixtures of the tests' world, known to every test; and property tests that draw the same samples every time."""

import gc
from asyncio import AbstractEventLoop
from collections.abc import Callable

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

settings.register_profile("seeded", derandomize=True, deadline=None)
settings.load_profile("seeded")


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    """Run tests in the event loop that servers run in."""
    return {"uvloop": uvloop.new_event_loop}


def pytest_collection_finish() -> None:
    """Spare the collector of garbage what was imported and collected: it stays until the end."""
    gc.collect()
    gc.freeze()
