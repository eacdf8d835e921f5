"""The log as a monitor reads it.

Source: docs/transparency-log.md section 3; C2SP tlog-tiles, tlog-checkpoint.
"""

import base64
import hashlib

import pytest
import sqlalchemy as sa

from dss.audit.event import Event
from dss.audit.tables import log_checkpoints
from tests.protocol.log_monitor import MANY, Monitor, monitor, more, tree_hash, world
from tests.world.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

__all__ = ["monitor", "world"]


async def test_the_entries_that_are_served_make_the_root_that_is_signed(monitor: Monitor) -> None:
    _, size, root, lines = await monitor.checkpoint()
    assert size >= MANY
    assert len(lines) == 1
    assert tree_hash(await monitor.entries(size)) == root


async def test_tiles_of_hashes_are_those_of_the_entries(monitor: Monitor) -> None:
    _, size, _, _ = await monitor.checkpoint()
    entries = await monitor.entries(size)
    hashes = [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
    assert await monitor.get("/log/tile/0/001") == b"".join(hashes[256:512])
    assert await monitor.get("/log/tile/0/002.p/8") == b"".join(hashes[512:520])
    assert await monitor.get("/log/tile/1/000.p/2") == tree_hash(entries[:256]) + tree_hash(entries[256:512])


async def test_a_checkpoint_is_cached_for_seconds_and_no_event_stands_in_it_unsigned(
    world: World, monitor: Monitor
) -> None:
    answer = await monitor.http.get("/log/checkpoint")
    assert answer.headers["cache-control"] == "public, max-age=2"
    _, before, _, _ = await monitor.checkpoint()
    await more(world)
    _, after, _, _ = await monitor.checkpoint()
    assert after == before + 1
    _, kept, _, _ = await monitor.checkpoint(f"/log/checkpoint/{before}")
    assert kept == before


@pytest.mark.parametrize(
    "path",
    [
        "/log/tile/0/003",
        "/log/tile/0/002",
        "/log/tile/0/000.p/0",
        "/log/tile/0/000.p/256",
        "/log/tile/0/000.p/08",
        "/log/tile/0/0",
        "/log/tile/0/x000/000",
        "/log/tile/00/000",
        "/log/tile/64/000",
        "/log/tile/-1/000",
        "/log/tile/2/000.p/1",
        "/log/tile/entries/004",
        "/log/tile/entries/x001/x234/067",
        "/log/tile/entries/x999/x999/x999/x999/x999/999",
        "/log/checkpoint/1",
        "/log/inclusion?leaf=5&size=5",
        "/log/inclusion?leaf=1&size=9000000000000000",
        "/log/consistency?first=5&second=4",
    ],
)
async def test_what_no_checkpoint_covers_and_what_is_no_tile_is_404(monitor: Monitor, path: str) -> None:
    assert (await monitor.http.get(path)).status_code == 404


@pytest.mark.parametrize("query", ["leaf=-1&size=5", "leaf=a&size=5", "leaf=1", "leaf=1&size=99999999999999999999"])
async def test_a_number_that_is_none_is_told_with_its_limits(monitor: Monitor, query: str) -> None:
    assert (await monitor.http.get(f"/log/inclusion?{query}")).status_code in {400, 422}


async def test_proofs_lead_from_leaf_to_root_and_from_tree_to_tree(monitor: Monitor) -> None:
    """RFC 9162 sections 2.1.3.2 and 2.1.4.2, recomputed from the entries by the definitions."""
    _, size, _, _ = await monitor.checkpoint()
    entries = await monitor.entries(size)
    answer = (await monitor.http.get("/log/inclusion", params={"leaf": 3, "size": 5})).json()
    steps = [base64.urlsafe_b64decode(f"{step}==") for step in answer["path"]]
    assert steps == [tree_hash(entries[2:3]), tree_hash(entries[:2]), tree_hash(entries[4:5])]
    answer = (await monitor.http.get("/log/consistency", params={"first": 4, "second": 7})).json()
    assert [base64.urlsafe_b64decode(f"{step}==") for step in answer["path"]] == [tree_hash(entries[4:7])]


async def test_health_tells_when_events_wait_too_long_for_their_leaves(world: World, monitor: Monitor) -> None:
    async def told() -> str:
        return str((await monitor.http.get("/v1/health")).json()["log"])

    await more(world)
    assert await told() == "sealed"
    async with world.services.database.write() as connection:
        await world.services.audit.record(connection, Event("thing.done", "server", "thing:late"))
    world.clock.move(59)
    assert await told() == "sealed"
    world.clock.move(2)
    assert await told() == "behind"
    await world.seal()
    assert await told() == "sealed"


async def test_t52_a_checkpoint_that_the_log_s_key_did_not_sign_is_served_to_nobody(
    world: World, monitor: Monitor
) -> None:
    """T52: else tiles that no checkpoint covers would lie in caches for a year."""
    await monitor.checkpoint()
    forged = "dss.test/log\n1024\n" + base64.b64encode(b"\0" * 32).decode() + "\n\n"
    forged += f"\N{EM DASH} dss.test/log {base64.b64encode(bytes(68)).decode()}\n"
    row = {"size": 1024, "note": forged, "signed_at": world.clock.now()}
    async with world.services.database.write() as connection:
        await connection.execute(sa.insert(log_checkpoints).values(row))
    for path in ("/log/checkpoint", "/log/checkpoint/1024", "/log/tile/0/000", "/log/inclusion?leaf=1&size=600"):
        assert (await monitor.http.get(path)).status_code == 423, path
    async with world.services.database.write() as connection:
        await connection.execute(sa.delete(log_checkpoints).where(log_checkpoints.c.size == 1024))
    await monitor.checkpoint()
