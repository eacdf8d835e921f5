"""The real programs, run as a person would run them: `dss`, its server, and `mobile-mock`."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

SERVE_PORT = 8080
START_S, STOP_S, COMMAND_S = 30, 15, 120
NEW_PHONE_WAIT_S = 3  # an hour by default, which nobody wants to watch
PROGRAMS = Path(sys.executable).parent


class ProgramFailed(Exception):
    """A program did not do what the demo needs; says which one, and its own words."""


@dataclass(frozen=True)
class Installation:
    """The server's folder and address, for every program that is started.

    home: DSS_HOME. port: where this demo's server listens.
    """

    home: Path
    port: int

    @property
    def url(self) -> str:
        """The address that phones and applications use."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return the environment of the programs."""
        addresses = {"DSS_HOME": str(self.home), "DSS_PUBLIC_URL": self.url, "DSS_PKI_URL": self.url}
        return {**os.environ, **addresses, "DSS_NEW_PHONE_WAIT_S": str(NEW_PHONE_WAIT_S)}

    def dss(self, *arguments: str) -> str:
        """Run an operator's command and return what it prints. Raises ProgramFailed."""
        return _run("dss", arguments, self.environment())

    def dss_json(self, *arguments: str) -> Any:
        """Run an operator's command that prints JSON. Raises ProgramFailed."""
        return json.loads(self.dss(*arguments, "--json"))

    @contextmanager
    def server(self, log: Path) -> Iterator[None]:
        """Run the server until the end of the block, its output in a file. Raises ProgramFailed."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                [PROGRAMS / "dss", "serve", "--port", str(self.port)],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_healthy(process, log)
            yield
        finally:
            _stop(process)

    def _wait_until_healthy(self, process: subprocess.Popen[bytes], log: Path) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise ProgramFailed(f"the server ended with {process.returncode}:\n{log.read_text()}")
            if self._is_healthy():
                return
            time.sleep(0.1)
        raise ProgramFailed(f"the server was not healthy within {START_S} s:\n{log.read_text()}")

    def _is_healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/v1/health", timeout=5).is_success
        except httpx.TransportError:
            return False


@dataclass(frozen=True)
class Phone:
    """A phone mock with a store of its own.

    title: what the demo calls it.
    store: the folder that holds it. pin: what its owner types; handed over where other users cannot see it.
    """

    title: str
    store: Path
    pin: str

    def run(self, *arguments: str) -> str:
        """Run a command of the phone and return what it prints. Raises ProgramFailed."""
        return _run(
            "mobile-mock", (*arguments, "--store", str(self.store)), {**os.environ, "MOBILE_MOCK_PIN": self.pin}
        )

    def run_json(self, *arguments: str) -> Any:
        """Run a command of the phone and return the last JSON object that it prints. Raises ProgramFailed."""
        return json.loads(self.run(*arguments, "--json").splitlines()[-1])

    def is_active(self) -> bool:
        """Return whether this phone may act, by what the server says. Raises ProgramFailed."""
        phones = [json.loads(line) for line in self.run("phones", "--json").splitlines()]
        return any(phone["this"] and phone["state"] == "active" for phone in phones)


def free_port() -> int:
    """Return the port of `make serve` if it is free, so that the demo's phone goes on working there; else any other."""
    for port in (SERVE_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ProgramFailed("no port is free")


def end_with_the_terminal() -> None:
    """Let SIGTERM and SIGHUP end the demo as an interrupt does: by way of every `finally`."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


def _run(program: str, arguments: tuple[str, ...], environment: dict[str, str]) -> str:
    done = subprocess.run(
        [PROGRAMS / program, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    if done.returncode != 0:
        words = " ".join(arguments[:2])
        raise ProgramFailed(f"{program} {words} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
