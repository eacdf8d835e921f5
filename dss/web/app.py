"""The application: the protocols of a role over its services, with the work that goes on beside them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.types import ASGIApp

from dss.hsm.servicekeys import KeyName
from dss.hsm.stamps import Stamps
from dss.settings import Role, Settings
from dss.web.device.api import DEVICE
from dss.web.http.cors import OpenToScripts
from dss.web.http.headers import SecurityHeaders
from dss.web.http.op import Protocol
from dss.web.http.routing import routes
from dss.web.log import tiles
from dss.web.log.api import LOG
from dss.web.login import routes as login
from dss.web.oauth import authorize
from dss.web.oauth import waiting as authorizing
from dss.web.oauth.api import OAUTH
from dss.web.pages import assets
from dss.web.pages.forms import Forms
from dss.web.pages.strays import exception_handlers
from dss.web.pki import routes as pki
from dss.web.rest.api import V1
from dss.web.rest.health import HEALTH
from dss.web.stop import routes as stop
from dss.web.waiting import routes as waiting
from dss.wiring import Services, opened
from dss.worker import rounds

BY_ROLE = {Role.AUTH: OAUTH, Role.SIGN: V1, Role.DEVICE: DEVICE, Role.WORKER: LOG}
ALL_PROTOCOLS = (V1, HEALTH, DEVICE, OAUTH, LOG)
HANDS = 4

log = structlog.get_logger(__name__)

Open = Callable[[], AbstractAsyncContextManager[Services]]


def protocols(role: Role) -> tuple[Protocol, ...]:
    """Return the protocols that a role speaks."""
    return (HEALTH, *(protocol for one, protocol in BY_ROLE.items() if role.plays(one)))


def create(settings: Settings, open_services: Open | None = None, *, strict: bool = False) -> ASGIApp:
    """Return the ASGI application of a role.

    open_services: opens the services; from the settings by default.
    strict:        an answer that the contract does not declare is a failure; for tests.
    """
    take_up = open_services or (lambda: opened(settings))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        async with take_up() as services, beside(services):
            yield {"services": services, "forms": Forms(Stamps(services.tokens.service, KeyName.LOGIN))}

    served = routes(protocols(settings.role), strict=strict)
    if settings.role.plays(Role.AUTH):
        served = [*served, *login.routes(), *authorize.routes(), *authorizing.routes()]
    if settings.role.plays(Role.WORKER):
        served = [*served, *pki.routes(), *tiles.routes()]
    if settings.role.plays(Role.DEVICE):
        served = [*served, *stop.routes(), *waiting.routes()]
    if settings.role.plays(Role.AUTH) or settings.role.plays(Role.DEVICE):
        served = [*served, *assets.routes()]
    app = Starlette(routes=served, exception_handlers=exception_handlers(), lifespan=lifespan)
    # A path with a slash too many is another path: the contract declares no redirects.
    app.router.redirect_slashes = False
    return SecurityHeaders(OpenToScripts(app))


@asynccontextmanager
async def beside(services: Services) -> AsyncIterator[None]:
    """Do the role's work in the background, and stop it at the end: what is half done is done by the next to come."""
    work = [performing.run() for performing in services.performing for _ in range(HANDS)]
    if services.settings.role.plays(Role.SIGN):
        work += [services.documents.warm_up(), services.preparing.run()]
    if services.settings.role.plays(Role.WORKER):
        work += [rounds.run(services, job) for job in rounds.JOBS]
    tasks = [asyncio.create_task(_told(one)) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _told(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("work beside the protocols ended")
