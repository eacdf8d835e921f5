"""A node is killed between the parts of a batch, or while something takes its place in a session; another goes on.

Each story ends the same way: each thing has one signature, released once and proven once, and takes one place. T26.
"""

import asyncio
import re
from collections.abc import Iterator

import pytest

from tests.stories.test_crashes import die_at, in_order, rows
from tests.world.crash_ledger import Ledger
from tests.world.crash_process import ROOT
from tests.world.crash_site import Site
from tests.world.crash_wires import BATCHES, IN_SESSIONS, Wire
from tests.world.crash_wishes import Hashes
from tests.world.crashing import PART
from tests.world.world import PIN

__all__ = ["rows"]

COUNT = 2 * PART + 1
PARTS = (0, PART, 2 * PART)
RELEASED = {"B3 part released": 1, "B4 all released, not ended": 3, "B4 batch ended": 3}
ENDED = ("transaction.opened", "transaction.confirmed", *["transaction.part_signed"] * 3, "transaction.signed")


def each(*wires: Wire) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("wire", wires, ids=lambda wire: wire.step)


@pytest.fixture(scope="module")
def batch_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation on SQLite, with a signer; a batch is signed in parts of fifty."""
    home = tmp_path_factory.mktemp("site")
    yield from in_order(Site(home, f"sqlite:///{home}/dss.sqlite"))


@pytest.fixture
def site(batch_site: Site) -> Site:
    """The installation, its server running, whatever the test before left."""
    batch_site.set_right()
    return batch_site


@pytest.fixture(scope="module")
def session(batch_site: Site) -> Iterator[str]:
    """A session that the signer confirmed; it ends with the tests, and its box key is needed no more."""
    batch_site.set_right()
    id = asyncio.run(confirmed_session(batch_site))
    yield id
    batch_site.set_right()
    asyncio.run(end(batch_site, id))


async def confirmed_session(site: Site) -> str:
    key = site.run("allow sessions", site.credential_id)
    async with site.callers() as callers:
        wish = {"credential_id": key, "signatures": 50, "minutes": 60}
        id = (await callers.application.post("/v1/sessions", wish))["id"]
        await callers.phone.confirm(await callers.phone.show(id), PIN)
    return str(id)


async def end(site: Site, session: str) -> None:
    async with site.callers() as callers:
        await callers.application.post(f"/v1/sessions/{session}/end", {}, status=200)


def test_every_lettered_step_of_batches_and_sessions_has_a_wire() -> None:
    told = re.findall(r"^\| ([BS]\d) \|", (ROOT / "docs" / "signing-cycle.md").read_text(), re.MULTILINE)

    assert {wire.step.split()[0] for wire in (*BATCHES, *IN_SESSIONS)} == set(told)


@each(*BATCHES)
async def test_t26_a_node_killed_between_the_parts_of_a_batch_leaves_what_another_brings_to_one_signature_each(
    site: Site, rows: Ledger, wire: Wire
) -> None:
    wish = Hashes(COUNT, site.credential_id)
    await die_at(site, wire, wish)
    left, parts = await rows.find(wish.key), RELEASED.get(wire.step, 0)
    assert (left.state, left.told.count("transaction.part_signed")) == (wire.leaves, parts)
    assert len(left.signatures) == min(parts * PART, COUNT)
    assert await rows.parts(left.id) == PARTS[:parts]

    await rows.lapse_leases()
    site.start()
    async with site.callers() as callers:
        assert (await wish.go(callers))["state"] == "signed"

    found = await rows.find(wish.key)
    assert (found.state, found.told, found.pending) == ("signed", ENDED, frozenset())
    assert found.spent == (True,) * (1 + COUNT)
    assert len(set(found.signatures)) == COUNT
    assert set(left.signatures) <= set(found.signatures), "what was released stays as it was"
    assert await rows.parts(found.id) == PARTS


@each(*IN_SESSIONS)
async def test_t26_t36_a_node_killed_while_one_signs_in_a_session_leaves_one_signature_and_one_place(
    site: Site, rows: Ledger, session: str, wire: Wire
) -> None:
    wish, before = Hashes(1, site.credential_id, session_id=session), await rows.places(session)
    await die_at(site, wire, wish)
    left = await rows.find(wish.key)
    assert (left.state, len(left.signatures)) == (wire.leaves, 0)
    assert await rows.places(session) == before + (1 if left.state else 0)

    await rows.lapse_leases()
    site.start()
    async with site.callers() as callers:
        assert (await wish.go(callers))["state"] == "signed"

    found = await rows.find(wish.key)
    assert found.told == ("transaction.opened", "transaction.confirmed", "transaction.signed")
    assert (found.state, found.spent, found.proven) == ("signed", (True, True), (True, True))
    assert (len(found.signatures), found.pending) == (1, frozenset())
    assert await rows.places(session) == before + 1
