"""Faults around a flow with canaries: what is typed into wrong places, rows that were altered, parts that are away."""

import asyncio
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import uvicorn

from dss.devices.tables import devices
from dss.kernel.errors import DssError
from dss.transactions.phones import Phones
from mobile_mock.errors import PhoneError
from tests.protocol.prover import Prover
from tests.stories.canary_flow import Flow, stop_links
from tests.stories.canary_outlets import Terminal
from tests.stories.test_outages import start_again, stop
from tests.stories.witness import tamper
from tests.world.databases import Cluster
from tests.world.owners import HASH
from tests.world.softhsm import SoftHsm

TYPED = "canary-typed-into-a-wrong-place"
FIELD = {"pin": TYPED}
# A path is what a caller names in the open, and the audit log says what was refused: there they are a stranger's only.
PATHS = (
    f"/v1/signatures/{TYPED}",
    f"/v1/documents/{TYPED}",
    f"/{TYPED}",
    f"/log/tile/0/{TYPED}",
    f"/stop/{TYPED}/{TYPED}",
    f"/device/v1/phones/{TYPED}/block",
)
GARBAGE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("GET", f"/v1/signatures?access_token={TYPED}&cursor={TYPED}", {}),
    ("POST", "/v1/signatures", {"json": FIELD}),
    ("POST", "/v1/signatures", {"json": {"credential_id": TYPED, "text": "x", "hashes": [TYPED]}}),
    ("POST", "/v1/signatures", {"json": {"credential_id": "0" * 26, "text": "x", "hashes": [HASH], "pin": TYPED}}),
    ("POST", "/v1/signatures", {"content": f'{{"password": "{TYPED}"'}),
    ("POST", "/v1/signatures", {"content": f'{{"password": "{TYPED}"}}', "headers": {"Content-Type": TYPED}}),
    ("POST", "/v1/credentials", {"json": {"user": TYPED, "key_type": TYPED}}),
    ("POST", "/v1/documents", {"content": f"%PDF-1.7 {TYPED}", "headers": {"Content-Type": "application/pdf"}}),
    ("POST", "/oauth/token", {"data": {"grant_type": TYPED, "client_secret": TYPED, "client_assertion": TYPED}}),
    ("POST", "/log/cosignatures", {"content": TYPED, "headers": {"Content-Type": "text/plain"}}),
    ("GET", f"/log/inclusion?leaf={TYPED}&size={TYPED}", {}),
    ("GET", f"/v1/audit/events?kind={TYPED}&from={TYPED}", {}),
    ("POST", f"/device/v1/enrolments/{'0' * 26}", {"json": FIELD}),
    ("GET", "/device/v1/transactions", {"headers": {"DPoP": TYPED, "Cookie": f"token={TYPED}"}}),
)
BY_PHONE: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/device/v1/changes", {"action": TYPED, "reason": TYPED}),
    ("POST", "/device/v1/shares", {"phone": TYPED}),
    ("POST", f"/device/v1/transactions/{'0' * 26}/answer", {"answer": TYPED, "box": TYPED}),
    ("GET", f"/device/v1/history/{'0' * 26}/evidence", None),
)


async def provoke(flow: Flow) -> None:
    """Type canaries wherever somebody may, as a stranger, as an application and as a phone."""
    flow.canaries.plant("what was typed into a wrong place", TYPED)
    careless = await flow.world.application("Careless operators", ("operators",))
    for known in (flow.application.http, careless.http):
        for method, path, more in GARBAGE:
            assert (await known.request(method, path, **more)).status_code >= 400, path
    prover = Prover.of(flow.world, flow.alice.phone)
    for method, path, body in BY_PHONE:
        assert (await prover.call(method, path, json=body)).status_code >= 400, path
    async with flow.world.http() as http:
        for path in PATHS:
            assert (await http.get(path)).status_code >= 400, path
        for method, path, more in GARBAGE:
            bearer = {"Authorization": f"Bearer {TYPED}"} | more.get("headers", {})
            assert (await http.request(method, path, **{**more, "headers": bearer})).status_code >= 400, path


async def provoke_uvicorn(flow: Flow) -> None:
    """Type canaries into what the HTTP server itself reads, and into what it passes on."""
    config = uvicorn.Config(flow.world.app, port=0, log_config=None, access_log=True, http="httptools", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /{TYPED} {TYPED}\r\n{TYPED}\r\n\r\n".encode())
        flow.canaries.note("refusals", await reader.read())
        writer.close()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            answer = await http.post("/v1/signatures", json=FIELD, headers={"Authorization": f"Bearer {TYPED}"})
            flow.canaries.note("refusals", answer.content)
    finally:
        server.should_exit = True
        await serving


async def mistake_the_database(flow: Flow, softhsm: SoftHsm, password: str) -> None:
    """Run a command with an address of the database that cannot be read, and with one where nobody answers."""
    terminal = Terminal.of(flow, softhsm)
    for rest in ("://dss:p@ss:{}@db/dss", "//{}", "://dss:{}@127.0.0.1:1/dss"):
        url = f"postgresql{rest.format(password)}"
        assert "database" in await terminal.run("audit", "show", DSS_DATABASE_URL=url), "told in a sentence"


async def alter_rows(flow: Flow) -> None:
    """Alter a request that is shown, and a phone that answers."""
    id, phone = (await flow.application.ask_hashes(flow.alice, HASH))["id"], flow.alice.phone
    await tamper(flow.world, id, request=b"{}")
    with pytest.raises(PhoneError):
        await phone.confirm(await phone.show(id), flow.pin)
    altered = sa.update(devices).where(devices.c.id == flow.second.kept().device).values(pin_check=bytes(32))
    async with flow.world.services.database.write() as connection:
        await connection.execute(altered)
    with pytest.raises(PhoneError):
        await flow.second.waiting()


async def take_away_the_hsm(flow: Flow, softhsm: SoftHsm) -> None:
    """Let the HSM be away while everybody calls."""
    gone = stop(softhsm)
    try:
        await _call_in_vain(flow)
    finally:
        await start_again(flow.world, gone, softhsm)


async def take_away_the_database(flow: Flow, postgres: Cluster) -> None:
    """Let the database be away while everybody calls."""
    postgres.stop()
    try:
        await _call_in_vain(flow)
        with pytest.raises(DssError):
            await flow.world.services.sealer.round()
    finally:
        postgres.start()
    flow.canaries.note("the database server's log", (postgres.folder / "log").read_bytes())


async def _call_in_vain(flow: Flow) -> None:
    for answer in (
        await flow.application.http.get("/v1/health"),
        await flow.application.http.post("/v1/credentials", json={"user": flow.alice.user.login}),
        await flow.application.http.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=(TYPED, TYPED)
        ),
    ):
        assert answer.status_code >= 400
    with pytest.raises(PhoneError):
        await flow.alice.phone.change("pin")


async def fail_as_nobody_thought_of(flow: Flow) -> None:
    """Let a link that stops a phone meet a fault of the server's own."""

    async def fail(*_: object) -> None:
        raise RuntimeError("a fault that nobody thought of")

    link = next(link for letter in await flow.world.letters() for link in stop_links(letter))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Phones, "stop_page", fail)
        async with flow.world.http() as http:
            assert (await http.get(link)).status_code == 500


async def let_tokens_expire(flow: Flow) -> None:
    """Call with a token whose time is over."""
    flow.world.clock.move(3600)
    assert (await flow.application.http.get("/v1/signatures")).status_code == 401
    await flow.application.log_in()
