"""Stories of one installation in four processes, each with the tokens of its role only."""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from dss.ca.model import NewAuthority
from dss.kernel.errors import Unavailable
from dss.settings import Role, Settings
from dss.web import app as web
from dss.web.pages import assets
from dss.wiring import Services, open_tokens, opened
from tests.world.asgi import client
from tests.world.clock import HandClock
from tests.world.pdfs import simple_pdf
from tests.world.softhsm import SoftHsm
from tests.world.world import PIN, WithState, World, settings

PATHS = {"/oauth": Role.AUTH, "/v1": Role.SIGN, "/device": Role.DEVICE, "/pki": Role.WORKER}
PINS = {
    Role.AUTH: {"service_pin"},
    Role.SIGN: {"service_pin", "user_pin"},
    Role.DEVICE: {"service_pin"},
    Role.WORKER: {"service_pin", "ca_pin"},
}


def of_role(all_: Settings, role: Role) -> Settings:
    """The settings that a process of one role is given: the other roles' PINs are not there."""
    absent = {name: None for name in ("user_pin", "ca_pin", "service_pin") if name not in PINS[role]}
    return replace(all_, role=role, tokens=replace(all_.tokens, **absent))


class Proxy:
    """Sends each path to the process of its role."""

    def __init__(self, processes: dict[Role, Services]) -> None:
        self._apps = {
            role: WithState(web.create(services.settings, strict=True), services)
            for role, services in processes.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        role = next(role for prefix, role in PATHS.items() if scope["path"].startswith(prefix))
        await self._apps[role](scope, receive, send)


@pytest.mark.parametrize("role", list(PINS))
def test_each_role_reads_the_pins_of_its_own_tokens_only(
    role: Role, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSS_HOME", str(tmp_path))
    for pin in ("USER", "CA", "SERVICE"):
        monkeypatch.setenv(f"DSS_{pin}_PIN", "1234")
    tokens = Settings.load(role).tokens
    read = {name for name in ("user_pin", "ca_pin", "service_pin") if getattr(tokens, name) is not None}
    assert read == PINS[role]


async def test_four_processes_sign_a_document_together(softhsm: SoftHsm, database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    whole = settings(softhsm, database_url, tmp_path)
    async with AsyncExitStack() as stack:
        processes = {
            role: await stack.enter_async_context(opened(of_role(whole, role), clock)) for role in PATHS.values()
        }
        ca = processes[Role.WORKER].ca
        await ca.create_root(NewAuthority("root", "Test Root CA", "Test", "EE"))
        await ca.create_issuing(NewAuthority("issuing", "Test Issuing CA", "Test", "EE"), "root")
        working = tuple(work for services in processes.values() for work in services.performing)
        world = World(replace(processes[Role.WORKER], performing=working), Proxy(processes), clock, tmp_path)

        application = await world.application()
        alice = await world.signer(application)
        asked = await application.ask(alice, simple_pdf())
        await alice.phone.confirm(await alice.phone.show(asked["id"]), PIN)
        await world.settle()

        assert (await application.get(f"/v1/signatures/{asked['id']}"))["state"] == "signed"
        assert (await world.http().get("/pki/issuing.crl")).status_code == 200


async def test_a_process_without_the_token_of_user_keys_signs_nothing(softhsm: SoftHsm, tmp_path: Path) -> None:
    device = of_role(settings(softhsm, f"sqlite:///{tmp_path}/none.db", tmp_path), Role.DEVICE)
    async with opened(device, HandClock()) as services:
        assert (services.tokens.user, services.tokens.ca) == (None, None)
        assert services.performing == ()


@pytest.mark.parametrize("role", [Role.AUTH, Role.DEVICE])
async def test_a_process_that_has_pages_gives_their_style_and_script_too(
    softhsm: SoftHsm, tmp_path: Path, role: Role
) -> None:
    app = web.create(of_role(settings(softhsm, f"sqlite:///{tmp_path}/none.db", tmp_path), role))
    async with client(app) as browser:
        answers = [await browser.get(assets.address(name)) for name in (assets.STYLE, assets.SCRIPT)]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_a_process_without_any_pin_does_not_start(softhsm: SoftHsm, tmp_path: Path) -> None:
    bare = settings(softhsm, f"sqlite:///{tmp_path}/none.db", tmp_path)
    with pytest.raises(Unavailable):
        open_tokens(replace(bare, tokens=replace(bare.tokens, service_pin=None)))
