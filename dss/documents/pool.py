"""The server's side of the document children: each reads one PDF at a time, and one that fails is replaced."""

import asyncio
from pathlib import Path

from dss.documents.messages import Header, write_complete, write_prepare
from dss.documents.model import Completing, Limits, PrepareFor
from dss.documents.process import ChildProcess
from dss.kernel.errors import Unavailable


class Pool:
    """A few warm children.

    limits: of each child.
    count:  how many documents are read at the same time.
    """

    def __init__(self, limits: Limits, count: int = 2) -> None:
        self._limits = limits
        self._children = [ChildProcess(limits) for _ in range(count)]
        self._free: asyncio.Queue[ChildProcess] = asyncio.Queue()
        for child in self._children:
            self._free.put_nowait(child)
        self._closed = False

    async def start(self) -> None:
        """Start and warm up all children; without this each starts with its first document. Raises Unavailable."""
        await asyncio.gather(*(self._warm() for _ in self._children))

    async def _warm(self) -> None:
        """Start a child while nobody else has it: one that is asked before it is ready would have two readers."""
        child = await self._next_free()
        try:
            await child.ready()
        finally:
            self._free.put_nowait(child)

    async def prepare(self, pdf: Path, how: PrepareFor) -> bytes:
        """Return what `pades.prepare` returns. Raises BadDocument or Unavailable."""
        return await self._ask(write_prepare(how), pdf)

    async def complete(self, prepared: Path, how: Completing) -> bytes:
        """Return what `pades.complete` returns. Raises NotVerified, BadDocument or Unavailable."""
        return await self._ask(write_complete(how), prepared)

    async def close(self) -> None:
        """End all children, also those at work, whose documents get Unavailable."""
        if self._closed:
            return
        self._closed = True
        for child in self._children:
            child.kill()
        for _ in self._children:
            child = await self._free.get()
            await child.stop()

    async def _ask(self, header: Header, pdf: Path) -> bytes:
        child = await self._next_free()
        try:
            self._require_open()
            return await child.ask(header, pdf)
        finally:
            self._free.put_nowait(child)

    async def _next_free(self) -> ChildProcess:
        self._require_open()
        try:
            async with asyncio.timeout(self._limits.wall_s):
                return await self._free.get()
        except TimeoutError as late:
            raise Unavailable("too many documents are being read") from late

    def _require_open(self) -> None:
        if self._closed:
            raise Unavailable("the server is stopping")
