"""Files of tests in memory: on a disk they wait for each commit, each object of SoftHSM, and each phone's store."""

import os
import shutil
import tempfile
from functools import partial
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30  # bytes; a whole run leaves about one gigabyte


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep tests' files in memory, where a system has room there, until the run ends.

    No test cuts the power: a process that is killed loses nothing of what it wrote. With --basetemp, files lie there.
    """
    folder = memory()
    if folder is not None and not config.option.basetemp:
        config.option.basetemp = tempfile.mkdtemp(prefix="dss-tests-", dir=folder)
        config.add_cleanup(partial(shutil.rmtree, config.option.basetemp, ignore_errors=True))


def memory() -> Path | None:
    """Return a folder that lies in memory; with DSS_SOAK=1, or without room, None."""
    if os.environ.get("DSS_SOAK") or not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM:
        return None
    return MEMORY
