"""The live server of the tests with clients that others wrote: one for the tests of this folder, as it is in life."""

import shutil
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest
import pytest_asyncio

from dss.infra.proxies import Proxies
from tests.outside.scene import Scene, scene_of
from tests.world.live import live_world
from tests.world.softhsm import SoftHsm

BEHIND_A_PROXY = Proxies((ip_network("127.0.0.0/8"),), "Client-Cert")


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def scene(
    softhsm: SoftHsm, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    """A scene on SQLite. Each test registers its own application; the signer stays signed in."""
    folder = tmp_path_factory.mktemp("outside")
    shutil.copyfile(sqlite_template, folder / "dss.db")
    url = f"sqlite:///{folder / 'dss.db'}"
    async with live_world(softhsm, url, folder, proxies=BEHIND_A_PROXY) as world, scene_of(world) as made:
        yield made
