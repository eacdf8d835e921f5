"""Processes of an installation that a test starts, stops, wakes and kills."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "tests.world.crashing")
START_S, END_S = 60.0, 30.0
LOOK_S = 0.02


class Stem:
    """The process that every process of an installation is forked from."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            PROGRAM, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def fork(self, verb: str, given: Sequence[str | int], output: Path) -> int:
        """Do something in a new process; return its id."""
        return int(self._ask({"verb": verb, "given": given, "output": str(output)}))

    def status(self, pid: int) -> int | None:
        """Return the status of a process that ended or stopped since it was asked of last, as `waitpid` gives it."""
        told = self._ask({"status": pid})
        return None if told is None else int(told)

    def close(self) -> None:
        """End it, and all that it forked."""
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()

    def _ask(self, asked: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class Running:
    """A process that was forked."""

    def __init__(self, stem: Stem, verb: str, given: Sequence[str | int], output: Path) -> None:
        self.output = output
        self._stem = stem
        self._pid = stem.fork(verb, given, output)
        self._exit: int | None = None

    def exit_code(self, within_s: float = END_S) -> int:
        """Wait for the end; return the exit code, or a signal's number with a minus."""
        deadline = time.monotonic() + within_s
        while not self.has_ended() and time.monotonic() < deadline:
            time.sleep(LOOK_S)
        assert self._exit is not None, f"it still runs:\n{self.words()}"
        return self._exit

    def has_ended(self) -> bool:
        """Return True once it is over."""
        return self._look() is not None

    def stand_still(self) -> None:
        """Wait until the process is stopped."""
        deadline = time.monotonic() + END_S
        while (status := self._stem.status(self._pid)) is None and time.monotonic() < deadline:
            time.sleep(LOOK_S)
        assert status is not None, f"it still runs:\n{self.words()}"
        assert os.WIFSTOPPED(status), f"it ended:\n{self.words()}"

    def wake(self) -> None:
        """Let a process that is stopped go on."""
        os.kill(self._pid, signal.SIGCONT)

    def kill(self) -> None:
        """End the process, in whatever state it is, unless it has ended."""
        if self._exit is None:
            os.kill(self._pid, signal.SIGKILL)
            self.exit_code()

    def words(self) -> str:
        """Return what it wrote last."""
        return self.output.read_text()[-4000:]

    def wait_until_it_listens(self, port: int) -> None:
        """Wait for a server that takes connections: it does once its work has begun."""
        deadline = time.monotonic() + START_S
        while not _listens(port) and time.monotonic() < deadline:
            assert not self.has_ended(), f"the server did not start:\n{self.words()}"
            time.sleep(LOOK_S)
        assert _listens(port), f"the server does not listen:\n{self.words()}"

    def _look(self) -> int | None:
        if self._exit is None and (status := self._stem.status(self._pid)) is not None:
            self._exit = os.waitstatus_to_exitcode(status)
        return self._exit


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
