"""The live server of the browser's tests, one Chromium for all of them, and a fresh window for each."""

import shutil
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from dss.infra.proxies import Proxies
from tests.browser.person import Person
from tests.browser.window import Window, chromium, window
from tests.outside.scene import Scene, scene_of
from tests.world.live import live_world
from tests.world.softhsm import SoftHsm

# Each window says an address of its own, as if a proxy had told it: tries are counted by address.
BELIEVED = Proxies((ip_network("127.0.0.0/8"),))


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def scene(
    softhsm: SoftHsm, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("browser")
    shutil.copyfile(sqlite_template, folder / "dss.db")
    url = f"sqlite:///{folder / 'dss.db'}"
    async with live_world(softhsm, url, folder, proxies=BELIEVED) as world, scene_of(world) as made:
        yield made


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="package")
async def opened(browser: Browser) -> AsyncIterator[Window]:
    async with window(browser) as made:
        yield made


@pytest.fixture
def alice(scene: Scene, opened: Window) -> Person:
    """The signer of the scene, who has a key."""
    return Person(scene.world, scene.signer.user.login, scene.signer.phone, opened)
