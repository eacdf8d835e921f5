"""The whole application keeps its contract, openapi.yaml: random requests get declared answers only."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, settings
from schemathesis.generation import GenerationMode
from starlette.types import ASGIApp, Receive, Scope, Send
from typer.testing import CliRunner

from dss.cli.main import INFO
from dss.cli.main import app as command
from dss.clients.model import SIGNERS
from dss.web import app as web
from dss.web.http.openapi import document
from dss.web.rest.api import V1
from tests.protocol.contract_grants import Granted
from tests.protocol.prover import Prover
from tests.protocol.scene import open_scene
from tests.world import world as worlds
from tests.world.contract import Later, assert_committed, random_requests
from tests.world.pdfs import simple_pdf
from tests.world.softhsm import SoftHsm

COMMITTED = Path(__file__).parents[2] / "openapi.yaml"
CONTRACT = document(INFO, web.ALL_PROTOCOLS)
STREAM = "/device/v1/stream"
FOR_OPERATORS = {(one.declared.method, one.declared.path) for one in V1.operations if "operators" in one.scopes}
FOR_SIGNERS = {(one.declared.method, one.declared.path) for one in V1.operations if {*one.scopes} & {*SIGNERS}}

later = Later()
requests = random_requests(CONTRACT, later)
few_requests = random_requests(CONTRACT, later, systematic=False)
served = SimpleNamespace()


def test_the_committed_contract_is_the_generated_one():
    """After a change of an operation: `dss openapi > openapi.yaml`."""
    assert_committed(COMMITTED, CONTRACT)


def test_the_command_prints_the_contract():
    assert CliRunner().invoke(command, ["openapi"]).stdout == COMMITTED.read_text(encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
def server(softhsm: SoftHsm, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The server with its background work, in an event loop that outlives the single test."""
    folder = tmp_path_factory.mktemp("contract")
    shutil.copyfile(sqlite_template, folder / "dss.db")

    @asynccontextmanager
    async def running() -> AsyncIterator[ASGIApp]:
        async with worlds.new_world(softhsm, f"sqlite:///{folder}/dss.db", folder) as world:
            await prepare(world)
            async with web.beside(world.services):
                yield world.app

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(running()) as app:
        later.app = Elsewhere(portal, app)
        yield


class Elsewhere:
    """An application in another event loop; it has been started there."""

    def __init__(self, portal: BlockingPortal, app: ASGIApp) -> None:
        self._portal = portal
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and what the application then asks and says back again."""
        if scope["type"] != "http":
            raise RuntimeError("started already")
        here = asyncio.get_running_loop()

        def from_there(call: Any) -> Any:
            async def calling(*arguments: Any) -> Any:
                return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(*arguments), here))

            return calling

        served = self._portal.start_task_soon(self._app, scope, from_there(receive), from_there(send))
        await asyncio.wrap_future(served)


async def prepare(world: worlds.World) -> None:
    """Let there be a document, a signed and an awaiting signature, and keys to call with."""
    scene = await open_scene(world)
    document_id = (await scene.shop.upload(simple_pdf()))["id"]
    signed = await scene.ask()
    await scene.sign(signed)
    served.token = scene.shop.http.headers["Authorization"]
    served.granted = await Granted.of(scene, signed)
    desk = await world.application("Desk", scopes=("operators",))
    served.desk_token = desk.http.headers["Authorization"]
    bob = await world.signer(scene.shop, "bob")
    served.of_operators = {"/v1/credentials": bob.credential_id, "/v1/phones": bob.phone.kept().device}
    served.phone = Prover.of(world, scene.alice.phone)
    served.ids = {
        "/v1/documents": document_id,
        "/v1/signatures": signed,
        "/v1/credentials": scene.alice.credential_id,
        "/device/v1/transactions": await scene.ask(),
        "/device/v1/phones": scene.alice.phone.kept().device,
        "/device/v1/credentials": scene.alice.credential_id,
    }


def aim(case: Any) -> None:
    """Let a right request name what exists, and nobody wait."""
    if case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    collection = case.path.partition("/{id}")[0]
    ids = served.of_operators if is_for_operators(case) else served.ids
    if "id" in case.path_parameters and collection in ids:
        case.path_parameters["id"] = ids[collection]
    if "login" in case.path_parameters:
        case.path_parameters["login"] = "bob"
    if "index" in case.path_parameters:
        case.path_parameters["index"] = 0
    if "wait" in case.query:
        case.query["wait"] = 0
    if case.path == "/v1/credentials" and case.method == "POST":
        case.body["user"] = "alice"
    if case.path.startswith("/oauth/") and case.method == "POST":
        served.granted.aim(case.path, case.body)


def is_for_operators(case: Any) -> bool:
    return (case.method, case.path) in FOR_OPERATORS


def is_for_signers(context: Any) -> bool:
    return (context.operation.method.upper(), context.operation.path) in FOR_SIGNERS


def proof_for(case: Any) -> str:
    return str(served.phone.proof(case.method, case.formatted_path))


@requests.exclude(path_regex="^/(device|oauth)/").parametrize()
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_relying_applications_get_declared_answers_only(case):
    aim(case)
    token = served.desk_token if is_for_operators(case) else served.token
    case.call_and_validate(headers={"Authorization": token})


@requests.include(path_regex="^/oauth/").parametrize()
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_clients_of_the_authorization_server_get_declared_answers_only(case):
    aim(case)
    case.call_and_validate(headers={"Authorization": served.granted.basic})


@few_requests.include(is_for_signers).parametrize()
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_those_whom_a_signer_allowed_something_get_declared_answers_only(case):
    aim(case)
    case.call_and_validate(headers=served.granted.call(case.method, case.formatted_path))


@requests.include(path_regex="^/device/").exclude(path=STREAM).parametrize()
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_phones_get_declared_answers_only(case):
    aim(case)
    case.call_and_validate(headers={"DPoP": proof_for(case)})


@few_requests.include(path_regex="^/(v1|device)/").parametrize()
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_those_who_prove_nothing_get_declared_answers_only(case):
    case.call_and_validate()
