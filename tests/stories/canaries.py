"""Canaries: secrets that are planted, and looked for everywhere.

Looked through: every row, the database's file with what was deleted from it, every file of the server, every letter,
and every line of a log that tells everything, each as it is and decoded from base64 and hexadecimal, three layers deep.
"""

import base64
import email
import email.policy
import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog

from dss.infra import logs
from dss.infra.schema import metadata
from tests.world.world import World

ENCODED = re.compile(rb"[A-Za-z0-9_+/=-]{12,}")
LAYERS = 3


@dataclass
class Canaries:
    """The secrets by name, and what knows where to look for them."""

    world: World
    log: io.StringIO
    secrets: dict[str, bytes] = field(default_factory=dict)
    home: dict[str, set[str]] = field(default_factory=dict)

    def plant(self, name: str, secret: bytes | str, *places: str) -> None:
        """Remember a secret, and all the places where it must be."""
        assert len(secret) >= 12, f"{name} is found by chance"
        self.secrets[name] = secret if isinstance(secret, bytes) else secret.encode()
        self.home[name] = set(places)

    async def look(self) -> dict[str, set[str]]:
        """Where each is found."""
        found: dict[str, set[str]] = {name: set() for name in self.secrets}
        async for place, content in self._everything():
            whole = b"\n".join(layers(content))
            for name, secret in self.secrets.items():
                if secret in whole:
                    found[name].add(place)
        return found

    async def _everything(self) -> Any:
        async with self.world.services.database.read() as connection:
            for table in metadata.sorted_tables:
                for row in await connection.execute(sa.select(table)):
                    yield f"table {table.name}", b"\n".join(map(as_bytes, row))
        for path in self.world.folder.rglob("*"):
            if path.is_file() and not path.relative_to(self.world.folder).parts[0].startswith("phone-"):
                yield place_of(path, self.world.folder), readable(path)
        for line in self.log.getvalue().splitlines():
            yield "log", line.encode()


def place_of(path: Path, folder: Path) -> str:
    """A file's place: letters each by their name, others by their folder."""
    if path.name.startswith("dss.db"):
        return "database"
    return path.name if path.suffix == ".eml" else path.relative_to(folder).parts[0]


def readable(path: Path) -> bytes:
    """A file's content; of a letter also its parts."""
    content = path.read_bytes()
    if path.suffix != ".eml":
        return content
    letter = email.message_from_bytes(content, policy=email.policy.default)
    parts = [part.get_payload(decode=True) or b"" for part in letter.walk() if not part.is_multipart()]
    return b"\n".join([content, *(bytes(part) for part in parts)])  # type: ignore[arg-type]


def as_bytes(value: Any) -> bytes:
    """A column's value."""
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)).encode()


def layers(content: bytes, depth: int = LAYERS) -> Iterator[bytes]:
    """Content, and what is encoded in it."""
    yield content
    if depth:
        for run in ENCODED.findall(content):
            for inner in decoded(run):
                yield from layers(inner, depth - 1)


def decoded(run: bytes) -> Iterator[bytes]:
    """What a run of characters may stand for."""
    plain = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    yield base64.b64decode(plain[: len(plain) - (len(plain) % 4 == 1)] + b"==")
    try:
        yield bytes.fromhex(run.decode())
    except ValueError:
        return


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """A log at the level that tells everything; the phones' and applications' own HTTP client is not the server."""
    root, taken = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers, root.level
    root.handlers = []
    logs.configure("debug", taken)
    root.handlers[0].addFilter(lambda record: not record.name.startswith("httpx"))
    yield taken
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers = handlers
    root.setLevel(level)
