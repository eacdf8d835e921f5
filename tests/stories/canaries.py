"""Canaries: secrets that are planted, and looked for in all that is written, in every form that text and bytes take.

Looked through: each column of each table, the database's file with what was deleted from it, every file of the server,
every letter, every line of a log that tells everything, and what a test noted beside: answers, output, exports.
"""

import base64
import email
import email.policy
import hashlib
import html
import io
import json
import logging
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest
import sqlalchemy as sa
import structlog

from dss.infra import logs
from dss.infra.schema import metadata
from tests.world.world import World

SHORTEST = 12
ENCODED = re.compile(rb"[A-Za-z0-9_+/-]{%d,}" % SHORTEST)
STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
LAYERS = 3
URL_SAFE = bytes.maketrans(b"+/", b"-_")
# The HTTP client of the phones and the applications is not the server's.
NOT_OURS = ("httpx", "httpcore")


@dataclass
class Canaries:
    """The secrets by name, and what knows where to look for them; home: the places where each must be."""

    world: World
    log: io.StringIO
    secrets: dict[str, frozenset[bytes]] = field(default_factory=dict)
    home: dict[str, set[str]] = field(default_factory=dict)
    noted: list[tuple[str, bytes]] = field(default_factory=list)

    def plant(self, name: str, secret: bytes | str, *places: str) -> None:
        """Remember a secret with all that it may be written as, and all the places where it must be."""
        self.secrets[name] = forms(secret)
        self.home[name] = set(places)

    def plant_all(self, name: str, secret: str) -> None:
        """Remember one more of many secrets, which must be nowhere: as it is, as there are hundreds of them."""
        self.secrets[name] = self.secrets.get(name, frozenset()) | {secret.encode()}
        self.home[name] = set()

    def note(self, place: str, content: bytes | str) -> None:
        """Keep what was written elsewhere, to be looked through."""
        self.noted.append((place, content if isinstance(content, bytes) else content.encode()))

    async def look(self) -> dict[str, set[str]]:
        """Where each is found."""
        found: dict[str, set[str]] = {name: set() for name in self.secrets}
        for place, content in (await self.everything()).items():
            for name in names_in(content, self.secrets):
                found[name].add(place)
        return found

    async def misplaced(self) -> dict[str, set[str]]:
        """The secrets that are where they must not be."""
        found = await self.look()
        strays = {name: found[name] - self.home[name] for name in found}
        return {name: places for name, places in strays.items() if places}

    async def everything(self) -> dict[str, bytes]:
        """All that is written, by its place."""
        places: dict[str, list[bytes]] = {}
        for place, content in await self._written():
            places.setdefault(place, []).append(content)
        return {place: b"\n".join(contents) for place, contents in places.items()}

    async def _written(self) -> list[tuple[str, bytes]]:
        async with self.world.services.database.read() as connection:
            kept = [
                (f"{table.name}.{column}", as_bytes(value))
                for table in metadata.sorted_tables
                for row in (await connection.execute(sa.select(table))).mappings()
                for column, value in row.items()
            ]
        return [*kept, *files_of(self.world.folder), ("log", self.log.getvalue().encode()), *self.noted]


def names_in(content: bytes, secrets: dict[str, frozenset[bytes]]) -> list[str]:
    """The names of the secrets that some content tells."""
    whole = b"\n".join(layers(content))
    return [name for name, written in secrets.items() if any(form in whole for form in written)]


# --- what a secret is written as ---


def forms(secret: bytes | str) -> frozenset[bytes]:
    """All that a secret may be written as: as it is, encoded, escaped, and as what a guess can be compared with."""
    raw = secret if isinstance(secret, bytes) else secret.encode()
    assert len(raw) >= SHORTEST, "it is found by chance"
    written = {raw, raw.hex().encode(), raw.hex().upper().encode(), repr(raw)[2:-1].encode()}
    written |= {str(list(raw))[1:-1].encode(), raw.hex(" ").encode(), raw.hex(":").encode()}
    for skipped in range(3):
        inside = _base64_inside(raw, skipped)
        written |= {inside, inside.translate(URL_SAFE)}
    return frozenset(written | (_of_text(secret) if isinstance(secret, str) else set()))


def _base64_inside(raw: bytes, skipped: int) -> bytes:
    """The characters that depend on nothing else, where so many bytes of another text come before (modulo 3)."""
    encoded = base64.b64encode(bytes(skipped) + raw).rstrip(b"=")
    first, last = (0, 2, 3)[skipped], -1 if (skipped + len(raw)) % 3 else None
    return encoded[first:last]


def _of_text(secret: str) -> set[bytes]:
    """In other alphabets and escapes; and its plain hash, by which a PIN or a code is soon found."""
    encodings = ("latin-1", "utf-16-le", "utf-16-be")
    written = {secret.encode(encoding, "replace") for encoding in encodings}
    escaped = {json.dumps(secret)[1:-1], quote(secret, safe=""), html.escape(secret), repr(secret)[1:-1]}
    return written | {text.encode() for text in escaped} | {hashlib.sha256(secret.encode()).digest()}


# --- what content tells, once it is decoded ---


def layers(content: bytes, depth: int = LAYERS) -> Iterator[bytes]:
    """Content, and what is encoded in it."""
    yield content
    if not depth:
        return
    if b"%" in content:
        yield unquote_to_bytes(content)
    if b"\\\\" in content:  # escaped, and written into JSON
        yield content.replace(b"\\\\", b"\\")
    for packed in STREAM.findall(content):
        with suppress(zlib.error):
            yield from layers(zlib.decompressobj().decompress(packed), depth - 1)
    for run in ENCODED.findall(content):
        for inner in decoded(run):
            yield from layers(inner, depth - 1)


def decoded(run: bytes) -> Iterator[bytes]:
    """What a run of characters may stand for."""
    plain = run.translate(bytes.maketrans(b"-_", b"+/"))
    yield base64.b64decode(plain[: len(plain) - (len(plain) % 4 == 1)] + b"==")
    with suppress(ValueError):
        yield bytes.fromhex(run.decode())


# --- what is looked through ---


def files_of(folder: Path) -> list[tuple[str, bytes]]:
    """The server's files with their places; what phones keep is theirs."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    own = [path for path in files if not path.relative_to(folder).parts[0].startswith("phone-")]
    return [(place_of(path, folder), readable(path)) for path in own]


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


@contextmanager
def taken_log() -> Iterator[io.StringIO]:
    """A log at the level that tells everything, of our own events and of every library's."""
    root, sql, taken = logging.getLogger(), logging.getLogger("sqlalchemy"), io.StringIO()
    handlers, levels = root.handlers, (root.level, sql.level)
    root.handlers = []
    logs.configure("debug", taken)
    # Every statement. At debug it would repeat every row: no setting of the server's goes so far.
    sql.setLevel(logging.INFO)
    root.handlers[0].addFilter(lambda record: not record.name.startswith(NOT_OURS))
    try:
        yield taken
    finally:
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
        root.handlers = handlers
        root.setLevel(levels[0])
        sql.setLevel(levels[1])


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """Such a log for one test."""
    with taken_log() as taken:
        yield taken
