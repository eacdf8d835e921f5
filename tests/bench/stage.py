"""Where it is measured: the whole server in this process, on a real HSM and a real database, with its signers."""

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import ASGIApp

from dss.ca.model import NewAuthority
from dss.hsm.servicekeys import KeyName
from dss.hsm.setup import create_kek, create_service_keys
from dss.hsm.token import Token
from dss.infra.migrating import upgrade
from dss.web import app as web
from dss.web.http.bearer import BEARER
from dss.web.http.headers import SecurityHeaders
from dss.web.http.op import Protocol, op
from dss.web.http.problems import exception_handlers
from dss.web.http.routing import routes
from dss.wiring import opened
from mobile_mock import pins
from tests.bench.meter import Meter, Metered
from tests.bench.switching import Change
from tests.world.clock import HandClock
from tests.world.databases import Cluster
from tests.world.softhsm import MODULES, SoftHsm
from tests.world.world import SERVER, Application, WithState, World, settings

DATABASES = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Stage:
    """A server whose work is counted, a relying application, and a client of endpoints that do nothing."""

    meter: Meter
    world: World
    shop: Application
    plain: httpx.AsyncClient


class Nothing(msgspec.Struct):
    """Nothing to tell."""

    status: str = "ok"


@op("GET", "/plain", public=True)
async def read_plain(request: Request) -> Nothing:
    """Do nothing."""
    return Nothing()


@op("GET", "/plain/authenticated", scope="signatures")
async def read_authenticated(request: Request) -> Nothing:
    """Do nothing for a relying application with an access token."""
    return Nothing()


@asynccontextmanager
async def staged(softhsm: SoftHsm, url: str, folder: Path) -> AsyncIterator[Stage]:
    """Open a stage on a migrated, empty database."""
    meter, clock = Meter(), HandClock()
    async with opened(settings(softhsm, url, folder), clock) as services:
        await services.ca.create_root(NewAuthority("root", "Bench Root CA", "Bench", "EE"))
        await services.ca.create_issuing(NewAuthority("issuing", "Bench Issuing CA", "Bench", "EE"), "root")
        await services.service_certificates.ensure(KeyName.EVIDENCE_SEAL)
        app = Metered(WithState(web.create(services.settings), services), meter)
        world = World(services, app, clock, folder)
        shop = await world.application()
        idle = httpx.ASGITransport(Metered(WithState(_idle(), services), meter))
        plain = httpx.AsyncClient(transport=idle, base_url=SERVER, headers=shop.http.headers)
        with Change(pins, "proof", partial(_quick_proof, pins.proof)), meter.calls():
            yield Stage(meter, world, shop, plain)


@asynccontextmanager
async def ground(database: str) -> AsyncIterator[tuple[SoftHsm, str, Path]]:
    """Make what a stage stands on, in a temporary folder: an HSM and a database, which is one of DATABASES."""
    with tempfile.TemporaryDirectory(prefix="dss-bench-") as name:
        folder = Path(name)
        with _database(database, folder) as url:
            await upgrade(url)
            yield _softhsm(folder / "softhsm"), url, folder


def _quick_proof(slow: Callable[[str, bytes, int], bytes], pin: str, salt: bytes, _: int) -> bytes:
    """Prove a PIN by one round: what a phone spends is not measured, and the server sees 32 bytes either way."""
    return slow(pin, salt, 1)


def _idle() -> ASGIApp:
    protocol = Protocol("bench", (read_plain, read_authenticated), security=BEARER)
    return SecurityHeaders(Starlette(routes=routes([protocol]), exception_handlers=exception_handlers()))


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'dss.db'}"
        return
    cluster = Cluster()
    cluster.start()
    try:
        yield cluster.create("bench")
    finally:
        cluster.destroy()


def _softhsm(folder: Path) -> SoftHsm:
    made = SoftHsm(next(Path(path) for path in MODULES if Path(path).exists()), folder)
    made.token_folder.mkdir(parents=True)
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {made.token_folder}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    for label in ("user", "ca", "service"):
        made.new_token(label)
    create_kek(Token(made.user))
    create_service_keys(Token(made.service))
    return made
