"""Running one command: a phone over HTTP, and every failure as a line and an exit code."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from mobile_mock.cli.output import Output
from mobile_mock.errors import PhoneError
from mobile_mock.exits import Exit
from mobile_mock.phone import Phone


@asynccontextmanager
async def open_phone(store: Path) -> AsyncIterator[Phone]:
    """Give the phone of a store, on the network and the time of this machine."""
    async with httpx.AsyncClient() as http:
        yield Phone(store, http)


def run(work: Callable[[Phone, Output], Awaitable[Exit]], store: Path, out: Output) -> Exit:
    """Do the work with the phone of a store, and return how it ended."""
    return asyncio.run(_run(work, store.expanduser(), out))


async def _run(work: Callable[[Phone, Output], Awaitable[Exit]], store: Path, out: Output) -> Exit:
    async with open_phone(store) as phone:
        try:
            return await work(phone, out)
        except PhoneError as fault:
            out.fault(fault)
            return fault.exit
