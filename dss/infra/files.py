"""A folder of files that never change, each named by the SHA-256 of its content."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from dss.kernel.digest import SHA256, Digest
from dss.kernel.errors import Invalid, NotFound, TooLarge, Unavailable

CHUNK = 1024 * 1024  # bytes a thread writes or reads at a time


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the folder.

    digest: its name: SHA-256 of the content.
    size:   in bytes.
    """

    digest: Digest
    size: int


class FolderStore:
    """Keeps files under a folder: written once, whole or not at all.

    root: made if it is absent; nobody else may read it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def put(self, chunks: AsyncIterator[bytes], limit: int) -> StoredFile:
        """Store what comes, without holding it in memory; the same content twice is one file.

        limit: the greatest size, in bytes.
        Raises TooLarge as soon as more has come, Invalid if nothing comes, Unavailable if the disk does not take it.
        """
        try:
            name, out = await asyncio.to_thread(self._open)
            try:
                stored = await _receive(chunks, out, limit)
                await asyncio.to_thread(self._keep, name, out, stored.digest)
            finally:
                await asyncio.to_thread(_drop, name, out)
        except OSError as fault:
            raise Unavailable("the file store does not take the file") from fault
        return stored

    def path(self, digest: Digest) -> Path:
        """Return where a file lies. Raises NotFound unless it is there."""
        path = self._place(digest)
        if not path.is_file():
            raise NotFound("the file store has no such file")
        return path

    async def discard(self, digest: Digest) -> None:
        """Delete a file, unless it is gone already. Raises Unavailable if the disk does not let it go."""
        try:
            await asyncio.to_thread(self._place(digest).unlink, missing_ok=True)
        except OSError as fault:
            raise Unavailable("the file store does not let the file go") from fault

    async def sweep(self, before: datetime) -> int:
        """Delete the files that were last stored before a time; return how many. Raises Unavailable."""
        try:
            return await asyncio.to_thread(self._sweep, before.timestamp())
        except OSError as fault:
            raise Unavailable("the file store does not let its files go") from fault

    def _sweep(self, before: float) -> int:
        old = [path for path in self._root.rglob("*") if path.is_file() and path.stat().st_mtime < before]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _place(self, digest: Digest) -> Path:
        if digest.algorithm != SHA256:
            raise NotFound("files are named by their SHA-256")
        return self._root / digest.hex[:2] / digest.hex

    def _open(self) -> tuple[Path, BinaryIO]:
        handle, name = tempfile.mkstemp(prefix="incoming-", dir=self._root)
        return Path(name), os.fdopen(handle, "wb")

    def _keep(self, name: Path, out: BinaryIO, digest: Digest) -> None:
        out.flush()
        os.fsync(out.fileno())
        place = self._place(digest)
        place.parent.mkdir(mode=0o700, exist_ok=True)
        name.replace(place)
        # A rename outlives a power cut only once the folders that tell of it are on the disk.
        _sync_folder(place.parent)
        _sync_folder(self._root)


async def read(path: Path, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
    """Read a file piece by piece, from offset `first` to before `last`. Raises Unavailable if the disk fails."""
    try:
        with await asyncio.to_thread(path.open, "rb") as source:
            source.seek(first)
            while chunk := await asyncio.to_thread(source.read, _step(source, last)):
                yield chunk
    except OSError as fault:
        raise Unavailable("the file store does not give the file") from fault


def _step(source: BinaryIO, last: int | None) -> int:
    return CHUNK if last is None else min(CHUNK, last - source.tell())


async def _receive(chunks: AsyncIterator[bytes], out: BinaryIO, limit: int) -> StoredFile:
    seen, size, waiting = hashlib.sha256(), 0, bytearray()
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"the file is larger than the limit of {limit} bytes")
        waiting += chunk
        if len(waiting) >= CHUNK:
            await asyncio.to_thread(_write, waiting, seen, out)
    if not size:
        raise Invalid("the file is empty")
    await asyncio.to_thread(_write, waiting, seen, out)
    return StoredFile(Digest(SHA256, seen.digest()), size)


def _write(waiting: bytearray, seen: "hashlib._Hash", out: BinaryIO) -> None:
    seen.update(waiting)
    out.write(waiting)
    waiting.clear()


def _drop(name: Path, out: BinaryIO) -> None:
    with suppress(OSError):
        out.close()
    name.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
