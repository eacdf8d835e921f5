"""How a phone learns that something awaits an answer: by the stream, or by a call that waits."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from dss.kernel.errors import DatabaseUnavailable
from tests.protocol.prover import LIST, Prover
from tests.protocol.scene import HASH, SOON, Scene, scene

__all__ = ["scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

STREAM = "/device/v1/stream"


class Listener:
    """A phone that keeps its stream open, as a server sees it: ASGI 3.0, without a socket."""

    def __init__(self) -> None:
        self.started: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self._gone = asyncio.Event()
        self.ended = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        """Tell the server that the phone has gone, once it has."""
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Take what the server sends."""
        if message["type"] == "http.response.start":
            self.started.set_result(message)
        elif message.get("body"):
            await self._arrived.put(message["body"])
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.ended.set()

    async def event(self) -> tuple[str, dict[str, Any]]:
        """The next event: its name and its data."""
        text = (await asyncio.wait_for(self._arrived.get(), 5)).decode()
        lines = dict(line.split(": ", 1) for line in text.splitlines() if line)
        return lines["event"], json.loads(lines["data"])

    def is_silent(self) -> bool:
        """True when nothing has come that was not read."""
        return self._arrived.empty()

    def hang_up(self) -> None:
        """Go."""
        self._gone.set()


@asynccontextmanager
async def listening(prover: Prover) -> AsyncIterator[Listener]:
    """Open the stream; at the end the phone goes, and the server lets go of it."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": STREAM,
        "query_string": b"",
        "headers": [(b"host", b"dss.test"), (b"dpop", prover.proof("GET", STREAM).encode())],
        "server": ("dss.test", 80),
    }
    listener = Listener()
    serving = asyncio.create_task(prover.world.app(scope, listener.receive, listener.send))  # type: ignore[arg-type]
    try:
        yield listener
    finally:
        listener.hang_up()
        await asyncio.wait_for(serving, 5)


@pytest.fixture
def alice(scene: Scene) -> Prover:
    return Prover.of(scene.world, scene.alice.phone)


async def ask(scene: Scene) -> dict[str, Any]:
    return dict(await scene.shop.ask_hashes(scene.alice, HASH))


async def test_the_stream_tells_of_a_transaction_when_it_is_opened_and_of_nothing_else(scene: Scene, alice: Prover):
    """T41: a wake-up holds an identifier, and nothing of what is to be signed."""
    async with listening(alice) as listener:
        started = await asyncio.wait_for(listener.started, 5)
        asked = await ask(scene)
        name, told = await listener.event()
        assert listener.is_silent()

    assert (started["status"], dict(started["headers"])[b"content-type"]) == (200, b"text/event-stream; charset=utf-8")
    assert (name, told) == ("transaction", {"id": asked["id"], "kind": "sign"})
    await scene.shop.post(f"/v1/signatures/{asked['id']}/cancel", None, status=200)


async def test_the_stream_begins_with_what_awaits_an_answer_already(scene: Scene, alice: Prover):
    asked = [(await ask(scene))["id"] for _ in range(2)]
    async with listening(alice) as listener:
        assert [(await listener.event())[1]["id"] for _ in asked] == asked
    for id in asked:
        await scene.shop.post(f"/v1/signatures/{id}/cancel", None, status=200)


async def test_t32_the_stream_tells_nothing_of_another_person_s(scene: Scene):
    bob = Prover.of(scene.world, await scene.world.phone(await scene.world.user("bob")))
    async with listening(bob) as listener:
        await asyncio.wait_for(listener.started, 5)
        await scene.sign((await ask(scene))["id"])
        await asyncio.sleep(SOON)
        assert listener.is_silent()


async def test_the_stream_ends_when_the_database_is_away(scene: Scene, alice: Prover, monkeypatch: pytest.MonkeyPatch):
    async def away(*_: Any) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(scene.world.services.transactions, "waiting", away)
    async with listening(alice) as listener:
        await asyncio.wait_for(listener.ended.wait(), 5)
        assert listener.started.result()["status"] == 200
        assert listener.is_silent()


async def test_a_phone_that_waits_is_told_when_something_is_asked(scene: Scene, alice: Prover):
    async with scene.world.http() as http:
        call = http.get(LIST, params={"wait": 60}, headers={"DPoP": alice.proof()})
        waiting = asyncio.create_task(call)
        done, _ = await asyncio.wait({waiting}, timeout=SOON)
        assert not done, "the answer did not wait"
        asked = await ask(scene)
        told = (await asyncio.wait_for(waiting, 5)).json()
    assert [one["id"] for one in told["transactions"]] == [asked["id"]]
    await scene.sign(asked["id"])


async def test_a_phone_that_has_seen_one_is_told_of_the_next_only(scene: Scene, alice: Prover):
    first, second = [(await ask(scene))["id"] for _ in range(2)]
    async with scene.world.http() as http:
        call = http.get(LIST, params={"wait": 60, "known": first}, headers={"DPoP": alice.proof()})
        told = (await asyncio.wait_for(call, 5)).json()
    assert [one["id"] for one in told["transactions"]] == [second]
    for id in (first, second):
        await scene.sign(id)


async def test_a_phone_that_confirmed_is_told_when_it_is_signed(scene: Scene, alice: Prover):
    id = await scene.ask()
    await scene.confirm(id)
    path = f"/device/v1/transactions/{id}"
    async with scene.world.http() as http:
        call = http.get(path, params={"wait": 60}, headers={"DPoP": alice.proof("GET", path)})
        waiting = asyncio.create_task(call)
        done, _ = await asyncio.wait({waiting}, timeout=SOON)
        assert not done, "the answer did not wait"
        await scene.world.settle()
        assert (await asyncio.wait_for(waiting, 5)).json()["state"] == "signed"
