"""The folder store keeps a file whole or not at all, under the hash of its content."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dss.infra.files import CHUNK, FolderStore, read
from dss.kernel.digest import SHA512, Digest
from dss.kernel.errors import Invalid, NotFound, TooLarge, Unavailable

LIMIT = 10 * CHUNK


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def leftovers(store: Path) -> list[Path]:
    return [path for path in store.rglob("*") if path.is_file()]


async def test_a_file_is_named_by_the_sha_256_of_its_content(tmp_path):
    stored = await FolderStore(tmp_path).put(pieces(b"con", b"", b"tract"), LIMIT)

    assert stored.digest.hex == hashlib.sha256(b"contract").hexdigest()
    assert stored.size == 8
    assert FolderStore(tmp_path).path(stored.digest).read_bytes() == b"contract"


async def test_the_same_content_twice_is_one_file(tmp_path):
    store = FolderStore(tmp_path)

    assert await store.put(pieces(b"same"), LIMIT) == await store.put(pieces(b"sa", b"me"), LIMIT)
    assert len(leftovers(tmp_path)) == 1


async def test_many_may_store_the_same_content_at_the_same_time(tmp_path):
    store = FolderStore(tmp_path)

    stored = await asyncio.gather(*(store.put(pieces(b"x" * CHUNK), LIMIT) for _ in range(20)))

    assert len(set(stored)) == len(leftovers(tmp_path)) == 1


async def test_a_file_of_exactly_the_limit_is_taken(tmp_path):
    assert (await FolderStore(tmp_path).put(pieces(b"x" * 10), 10)).size == 10


async def test_more_than_the_limit_is_refused_as_soon_as_it_comes_and_leaves_nothing(tmp_path):
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * CHUNK

    with pytest.raises(TooLarge, match=f"the limit of {LIMIT} bytes"):
        await FolderStore(tmp_path).put(endless(), LIMIT)

    assert leftovers(tmp_path) == []


async def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(Invalid, match="the file is empty"):
        await FolderStore(tmp_path).put(pieces(b"", b""), LIMIT)

    assert leftovers(tmp_path) == []


async def test_a_sender_that_breaks_off_leaves_nothing(tmp_path):
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * (2 * CHUNK)
        raise ConnectionAbortedError

    with pytest.raises(Unavailable):
        await FolderStore(tmp_path).put(broken(), LIMIT)

    assert leftovers(tmp_path) == []


async def test_a_disk_that_takes_nothing_is_told_as_unavailable(tmp_path):
    store = FolderStore(tmp_path / "store")
    (tmp_path / "store").rmdir()

    with pytest.raises(Unavailable):
        await store.put(pieces(b"contract"), LIMIT)


async def test_an_absent_file_is_not_found(tmp_path):
    store = FolderStore(tmp_path)

    for absent in (Digest.of(b"absent"), Digest.of(b"absent", SHA512)):
        with pytest.raises(NotFound):
            store.path(absent)


async def test_others_on_the_machine_cannot_read_it(tmp_path):
    store = FolderStore(tmp_path / "store")
    stored = await store.put(pieces(b"contract"), LIMIT)

    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "store", store.path(stored.digest))} == {0}


@pytest.mark.parametrize(
    ("first", "last"), [(0, None), (0, 1), (5, CHUNK + 5), (CHUNK, None), (3, 3), (3 * CHUNK, None)]
)
async def test_any_part_of_a_file_can_be_read(tmp_path, first, last):
    content = bytes(range(256)) * (2 * CHUNK // 256) + b"end"
    stored = await FolderStore(tmp_path).put(pieces(content), LIMIT)

    path = FolderStore(tmp_path).path(stored.digest)
    assert b"".join([chunk async for chunk in read(path, first, last)]) == content[first:last]


async def test_a_file_that_cannot_be_read_is_told_as_unavailable(tmp_path):
    with pytest.raises(Unavailable):
        await anext(read(tmp_path / "absent"))
