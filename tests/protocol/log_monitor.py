"""A monitor of the log, who knows C2SP tlog-tiles and nothing of this server."""

import base64
import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from dss.audit.event import Event
from dss.hsm.servicekeys import KeyName
from tests.world.softhsm import SoftHsm
from tests.world.world import World, new_world

MANY = 600


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    softhsm: SoftHsm, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A world with a log of more than two tiles."""
    folder = tmp_path_factory.mktemp("log")
    path = folder / "dss.db"
    shutil.copyfile(sqlite_template, path)
    async with new_world(softhsm, f"sqlite:///{path}", folder) as made:
        await more(made, MANY)
        yield made


async def more(world: World, count: int = 1) -> None:
    """Add events, and let them be sealed."""
    async with world.services.database.write() as connection:
        for number in range(count):
            await world.services.audit.record(connection, Event("thing.done", "server", f"thing:{number}"))
    await world.seal()


class Monitor:
    """Reads a log by its URL prefix, origin and key, and believes only what it computed."""

    def __init__(self, http: httpx.AsyncClient, key: bytes) -> None:
        self.http = http
        self.key = key

    async def checkpoint(self, path: str = "/log/checkpoint") -> tuple[str, int, bytes, list[str]]:
        """The newest checkpoint: its text, size and root, and its lines; the log's signature is checked."""
        answer = await self.http.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        text, _, signed = answer.text.rpartition("\n\n")
        origin, size, root = text.split("\n")
        lines = signed.splitlines()
        _, name, value = lines[0].split(" ")
        raw = base64.b64decode(value)
        assert name == origin == "dss.test/log"
        assert raw[:4] == hashlib.sha256(f"{name}\n".encode() + b"\x01" + self.key).digest()[:4]
        Ed25519PublicKey.from_public_bytes(self.key).verify(raw[4:], f"{text}\n".encode())
        return f"{text}\n", int(size), base64.b64decode(root), lines

    async def entries(self, size: int) -> list[bytes]:
        """All entries of a tree, bundle by bundle."""
        found = []
        for index in range(-(-size // 256)):
            width = min(256, size - 256 * index)
            data = await self.get(f"/log/tile/entries/{index:03}" + ("" if width == 256 else f".p/{width}"))
            for _ in range(width):
                length = int.from_bytes(data[:2])
                found.append(data[2 : 2 + length])
                data = data[2 + length :]
            assert data == b""
        return found

    async def get(self, path: str) -> bytes:
        """A tile, which may be kept for ever."""
        answer = await self.http.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        return answer.content


def tree_hash(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, as it is written there."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    half = 1 << (len(entries) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + tree_hash(entries[:half]) + tree_hash(entries[half:])).digest()


@pytest_asyncio.fixture(loop_scope="module")
async def monitor(world: World) -> Monitor:
    return Monitor(world.http(), await world.services.tokens.service.ed25519_public_key(KeyName.LOG))
