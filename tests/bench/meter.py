"""The meter: CPU and time of what the server does, and nothing of what phones and applications do beside it."""

import inspect
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.bench.switching import Instead, Switch


@dataclass(frozen=True, slots=True)
class Spent:
    """What something took.

    cpu:    seconds of this process, all its threads: the event loop, the HSM's library, SQLite.
    child:  CPU seconds of its child processes, which read the documents.
    wall:   seconds on the clock.
    hsm:    calls of the HSM.
    sql:    statements; on SQLite with BEGIN and COMMIT.
    writes: database transactions that write.
    size:   of what came of it, where that is told: bytes of an answer, events of a round of the sealer.
    """

    cpu: float = 0.0
    child: float = 0.0
    wall: float = 0.0
    hsm: float = 0
    sql: float = 0
    writes: float = 0
    size: float = 0

    def __add__(self, other: "Spent") -> "Spent":
        """Return both together."""
        return Spent(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def each(self, count: int) -> "Spent":
        """Return what one of so many took."""
        return Spent(*(getattr(self, field.name) / count for field in fields(self)))


Steps = dict[str, Spent]


class Meter:
    """Adds up by steps what the server spends while it is at work."""

    def __init__(self) -> None:
        self._step = ""
        self._spent: dict[str, Spent] = defaultdict(Spent)
        self._hsm = self._sql = self._writes = 0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add what is counted inside to a step."""
        self._step = name
        yield
        self._step = ""

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what is done inside; one thing at a time."""
        child, hsm, sql, writes = _children(), self._hsm, self._sql, self._writes
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall  # what the meter itself takes is outside
        spent = Spent(cpu, _children() - child, wall, self._hsm - hsm, self._sql - sql, self._writes - writes)
        self._spent[self._step] += spent

    @contextmanager
    def _timing(self, part: str) -> Iterator[None]:
        """Count the time of a part of the step, and no more: asking for the children takes long, and is in the step."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        spent = Spent(cpu=time.process_time() - cpu, wall=time.perf_counter() - wall)
        self._spent[f"{self._step}: {part}"] += spent

    def taken(self) -> Steps:
        """Return what was added up by step, and begin anew."""
        taken, self._spent = dict(self._spent), defaultdict(Spent)
        return taken

    def timed(self, part: str) -> Instead:
        """Return what makes a function count its time, as a part of the step in which it is called."""

        def instead(original: Callable[..., Any]) -> Callable[..., Any]:
            async def counted(*arguments: Any, **named: Any) -> Any:
                with self._timing(part):
                    return await original(*arguments, **named)

            def counted_at_once(*arguments: Any, **named: Any) -> Any:
                with self._timing(part):
                    return original(*arguments, **named)

            return counted if inspect.iscoroutinefunction(original) else counted_at_once

        return instead

    @contextmanager
    def calls(self) -> Iterator[None]:
        """Count calls of the HSM, statements, and writing transactions meanwhile."""
        sa.event.listen(sa.Engine, "before_cursor_execute", self._statement)
        try:
            with Switch({"dss.hsm.token:Token.in_thread": self._hsm_call, "dss.infra.db:Database.write": self._write}):
                yield
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", self._statement)

    def _statement(self, *_: Any) -> None:
        self._sql += 1

    def _hsm_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            self._hsm += 1
            return original(*arguments)

        return counted

    def _write(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            self._writes += 1
            return original(*arguments)

        return counted


class Metered:
    """An application whose work is counted; what its client does is not."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        with self._meter.counting():
            await self._app(scope, receive, send)


def _children() -> float:
    """Return the CPU seconds of the children that live now; 0 where the system is not Linux."""
    try:
        found = [(task / "children").read_text() for task in Path("/proc/self/task").iterdir()]
        return sum(_cpu_of(int(child)) for child in "".join(found).split())
    except OSError:
        return 0.0


def _cpu_of(child: int) -> float:
    # The clock of another process's CPU, as clock_getcpuclockid(3) makes it on Linux; /proc tells hundredths only.
    return time.clock_gettime(~child << 3 | 2)
