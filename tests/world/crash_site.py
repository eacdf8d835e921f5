"""An installation whose server dies and is started again, seen from outside: its processes and its callers."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from mobile_mock.letters import code_text, qr_text
from mobile_mock.phone import Phone
from tests.world.crash_process import Running, Stem
from tests.world.crash_wires import Wire, arm, disarm
from tests.world.crash_wishes import Callers, Creation
from tests.world.world import PIN, Application

COMMAND_S, ANSWER_S, PATIENCE_S, PAUSE_S = 60.0, 40.0, 60.0, 0.05
HOUR_S = 3600
SERVICE_UNAVAILABLE = 503


class Patient(httpx.AsyncHTTPTransport):
    """Asks again when it is told 503, as honest callers do: a server that has just begun may still open its HSM."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request until it is answered."""
        async with asyncio.timeout(PATIENCE_S):
            while (answer := await super().handle_async_request(request)).status_code == SERVICE_UNAVAILABLE:
                await answer.aclose()
                await asyncio.sleep(PAUSE_S)
            return answer


class Site:
    """An installation in a folder, with one node that phones reach, and more where a test starts them."""

    def __init__(self, home: Path, database_url: str) -> None:
        self.home = home
        self.database_url = database_url
        self.credential_id = ""
        self._port = _free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DSS_", "SOFTHSM2_"))}
        own = {"DSS_HOME": str(home), "DSS_DATABASE_URL": database_url, "DSS_DOCUMENT_CHILDREN": "1"}
        self._stem = Stem(kept | own)
        self._client = self.run("install", self._url(self._port))
        self.node = self.start()

    def run(self, verb: str, *given: str) -> Any:
        """Do something to its end in a process of its own; return what it told last, JSON."""
        done = Running(self._stem, verb, given, self.home / f"{verb}.log")
        assert done.exit_code(COMMAND_S) == 0, done.words()
        return json.loads(done.output.read_text().splitlines()[-1])

    def start(self, box_keys_last_s: int = HOUR_S) -> Running:
        """Start the node that phones reach, in place of the one before."""
        self.node = self._serve(self._port, box_keys_last_s)
        return self.node

    def set_right(self) -> None:
        """Take an armed wire away, and start the node that phones reach if it has ended."""
        disarm(self.home)
        if self.node.has_ended():
            self.start()

    @asynccontextmanager
    async def another_node(self) -> AsyncIterator["Callers"]:
        """Start one more node beside the one that phones reach, and give callers of it."""
        port = _free_port()
        node = self._serve(port, HOUR_S)
        try:
            async with self.callers(port) as callers:
                yield callers
        finally:
            node.kill()

    def close(self) -> None:
        """End all processes."""
        self._stem.close()

    def arm(self, wire: Wire, number: signal.Signals = signal.SIGKILL) -> None:
        """Let the process that comes to a wire next get a signal there."""
        arm(self.home, wire, number)

    @asynccontextmanager
    async def callers(self, port: int | None = None) -> AsyncIterator[Callers]:
        """Give a relying application that has logged in, and the phone, both with fresh connections."""
        base = self._url(port or self._port)
        patient = httpx.AsyncClient(base_url=base, timeout=ANSWER_S, transport=Patient())
        async with patient as http, httpx.AsyncClient() as phones:
            application = Application(http, self._client["id"], self._client["secret"])
            await application.log_in()
            yield Callers(application, Phone(self.home / "phone", phones))

    async def set_up_signer(self) -> None:
        """Enrol the phone by its two letters, and get the signer a credential."""
        async with self.callers() as callers:
            await self._enrol(callers.phone)
            creation = Creation()
            assert (await creation.go(callers))["state"] == "active"
        self.credential_id = creation.credential_id

    async def set_up_second_phone(self) -> str:
        """Enrol one more phone of the signer's, which waits; return the text of its QR for shares."""
        self.run("invite")
        async with httpx.AsyncClient() as http:
            second = Phone(self.home / "second", http)
            await self._enrol(second)
            return await second.share_code()

    async def _enrol(self, phone: Phone) -> None:
        """Enrol a phone by the two newest letters that came with a code."""
        letters = sorted((self.home / "spool").glob("*.eml"), key=lambda letter: letter.stat().st_mtime_ns)
        with_qr = [letter for letter in letters if b"image/png" in letter.read_bytes()][-1]
        with_code = [letter for letter in letters if b"letter 2 of 2" in letter.read_bytes()][-1]
        await phone.enrol(qr_text(with_qr), code_text(with_code), PIN, "Key 1")

    def _serve(self, port: int, box_keys_last_s: int) -> Running:
        node = Running(self._stem, "serve", (port, box_keys_last_s), self.home / "server.log")
        node.wait_until_it_listens(port)
        return node

    @staticmethod
    def _url(port: int) -> str:
        return f"http://127.0.0.1:{port}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
