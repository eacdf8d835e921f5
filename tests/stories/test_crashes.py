"""A node is killed at every numbered step of docs/signing-cycle.md, and another goes on.

Each story ends the same way: one signature, released once, audited once; or none, and an end that says so. Every step
is tried on SQLite and the decisive ones on PostgreSQL; with DSS_SOAK=1 every step on both.
"""

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from mobile_mock.errors import Unreachable
from tests.world.crash_ledger import Found, Ledger, ledger
from tests.world.crash_process import ROOT
from tests.world.crash_site import Site
from tests.world.crash_wires import (
    ANSWER_EXAMINED,
    BOX_KEY_MADE,
    CERTIFICATE_ISSUED,
    CERTIFICATE_WRITTEN,
    CREATION,
    KEY_USED,
    SIGNING,
    Wire,
)
from tests.world.crash_wishes import Creation, Signing, Wish
from tests.world.databases import Cluster
from tests.world.pdfs import simple_pdf

GONE = (httpx.TransportError, Unreachable)
ALL_ON_EACH = os.environ.get("DSS_SOAK") == "1"
SQLITE, POSTGRES = "sqlite", "postgres"
ANOTHER_HOUR_S = 3540
PROVEN, UNPROVEN = (True, True), (False, False)
ISSUED_IN_VAIN = (CERTIFICATE_ISSUED, CERTIFICATE_WRITTEN)


def on_each_database(*wires: Wire) -> list[object]:
    """Every wire on SQLite; on PostgreSQL those that are tried in every run, or all."""
    elsewhere = [wire for wire in wires if wire.brief or ALL_ON_EACH]
    chosen = [(SQLITE, wire) for wire in wires] + [(POSTGRES, wire) for wire in elsewhere]
    return [pytest.param(kind, wire, id=f"{kind} {wire.step}") for kind, wire in chosen]


@pytest.fixture(scope="module")
def sqlite_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation on SQLite, with a signer."""
    home = tmp_path_factory.mktemp("site")
    yield from in_order(Site(home, f"sqlite:///{home}/dss.sqlite"))


@pytest.fixture(scope="module")
def postgres_site(
    tmp_path_factory: pytest.TempPathFactory, postgres: Cluster, postgres_template: str
) -> Iterator[Site]:
    """An installation on PostgreSQL, with a signer."""
    yield from in_order(Site(tmp_path_factory.mktemp("site"), postgres.create("crashes", postgres_template)))


def in_order(site: Site) -> Iterator[Site]:
    """Give an installation; at the end the auditor reads its log, and the worker has no box key left to destroy."""
    try:
        asyncio.run(site.set_up_signer())
        yield site
        site.node.kill()
        assert site.run("audit")["box_keys"] == []
    finally:
        site.close()


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Site:
    """The installation on one kind of database, its server running, whatever the test before left."""
    chosen: Site = request.getfixturevalue(f"{request.param}_site")
    chosen.set_right()
    return chosen


@pytest.fixture
async def rows(site: Site) -> AsyncIterator[Ledger]:
    """The installation's rows."""
    async with ledger(site.database_url) as opened:
        yield opened


async def die_at(site: Site, wire: Wire, wish: Wish) -> None:
    """Let a wish go as far as the wire, where the node is killed."""
    async with site.callers() as callers:
        site.arm(wire)
        with pytest.raises(GONE):
            await wish.go(callers)
    assert site.node.exit_code() == -signal.SIGKILL


@asynccontextmanager
async def stopped_at(site: Site, wire: Wire, wish: Wish) -> AsyncIterator[None]:
    """Let a wish go as far as the wire, where the node stands still until the end."""
    async with site.callers() as callers:
        site.arm(wire, signal.SIGSTOP)
        going = asyncio.create_task(wish.go(callers))
        await asyncio.to_thread(site.node.stand_still)
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
    try:
        yield
    finally:
        site.node.wake()


def require_signed_once(found: Found) -> None:
    """One signature, one event, one activation and one occurrence spent, nothing kept that only an attempt needs.

    One piece of evidence, and one event that tells of it.
    """
    assert (found.state, found.proven) == ("signed", PROVEN)
    assert found.told == ("transaction.opened", "transaction.confirmed", "transaction.signed")
    assert (found.spent, len(found.signatures), found.pending) == ((True, True), 1, frozenset())


def require_valid(signed: bytes, folder: Path) -> None:
    """A foreign program finds one signature in the file, and finds it valid."""
    file = folder / "signed.pdf"
    file.write_bytes(signed)
    told = subprocess.run(["pdfsig", "-nocert", file], capture_output=True, text=True, check=True, timeout=30).stdout
    assert told.count("Signature #") == told.count("Signature is Valid.") == 1, told


def test_every_numbered_step_has_a_wire() -> None:
    numbered = re.findall(r"^\| (\d+) \|", (ROOT / "docs" / "signing-cycle.md").read_text(), re.MULTILINE)

    assert [int(number) for number in numbered] == list(range(1, 16))
    assert {wire.step.split()[0] for wire in SIGNING} == set(numbered)


@pytest.mark.parametrize(("site", "wire"), on_each_database(*SIGNING), indirect=["site"])
async def test_t26_a_node_killed_at_any_step_leaves_what_another_brings_to_one_signature(
    site: Site, rows: Ledger, wire: Wire, tmp_path: Path
) -> None:
    wish = Signing(simple_pdf(), site.credential_id)
    if wire is BOX_KEY_MADE:
        site.node.kill()
        site.start(ANOTHER_HOUR_S)
    await die_at(site, wire, wish)
    left = await rows.find(wish.key)
    assert left.state == wire.leaves
    released = 1 if wire.leaves == "signed" else 0
    assert (left.told.count("transaction.signed"), len(left.signatures)) == (released, released)
    assert left.proven == (PROVEN if released else UNPROVEN)

    await rows.lapse_leases()
    site.start()
    async with site.callers() as callers:
        signed = await wish.go(callers)

    require_signed_once(await rows.find(wish.key))
    require_valid(signed, tmp_path)


@pytest.mark.parametrize(("site", "wire"), on_each_database(*CREATION), indirect=["site"])
async def test_t26_a_node_killed_while_a_key_is_made_leaves_what_another_brings_to_one_credential(
    site: Site, rows: Ledger, wire: Wire
) -> None:
    wish = Creation()
    await die_at(site, wire, wish)
    assert (await rows.find(wish.key)).state == wire.leaves

    await rows.lapse_leases()
    site.start()
    async with site.callers() as callers:
        assert (await wish.go(callers))["state"] == "active"

    found = await rows.find(wish.key)
    assert (found.state, found.spent, found.pending, found.proven) == ("signed", (True,), frozenset(), PROVEN)
    assert found.told == ("transaction.opened", "transaction.confirmed", "transaction.signed")
    told = await rows.told(f"credential:{wish.credential_id}")
    assert (told.count("credential.key_made"), told.count("credential.certified")) == (1, 1)
    issued = await rows.certificates_of(wish.credential_id)
    assert len(issued) == (2 if wire in ISSUED_IN_VAIN else 1)


@pytest.mark.parametrize("site", [SQLITE], indirect=True)
async def test_t26_what_still_awaits_its_answer_after_a_crash_can_be_declined_as_well(site: Site, rows: Ledger) -> None:
    wish = Signing(simple_pdf(), site.credential_id)
    await die_at(site, ANSWER_EXAMINED, wish)

    site.start()
    async with site.callers() as callers:
        id = await wish.ask(callers)
        assert await callers.phone.decline(await callers.phone.show(id), "not any more") == "declined"

    found = await rows.find(wish.key)
    assert found.told == ("transaction.opened", "transaction.declined")
    assert (found.state, found.spent, found.signatures, found.pending) == ("declined", (), (), frozenset())
    assert found.proven == PROVEN


@pytest.mark.parametrize("site", [SQLITE, POSTGRES], indirect=True)
async def test_t25_a_node_that_stood_still_while_it_used_the_key_releases_nothing_when_it_wakes(
    site: Site, rows: Ledger, tmp_path: Path
) -> None:
    wish = Signing(simple_pdf(), site.credential_id)
    async with stopped_at(site, KEY_USED, wish):
        await rows.lapse_leases()
        id = (await rows.find(wish.key)).id
        async with site.another_node() as callers:
            first = await wish.collect(callers.application, id)
        before = await rows.find(wish.key)
        require_signed_once(before)
    await rows.until_told(f"transaction:{id}", "transaction.late_result_discarded")

    after = await rows.find(wish.key)
    assert after.told == (*before.told, "transaction.late_result_discarded")
    assert (after.state, after.spent, after.signatures) == (before.state, before.spent, before.signatures)
    async with site.callers() as callers:
        assert await wish.collect(callers.application, id) == first
    require_valid(first, tmp_path)


@pytest.mark.parametrize("site", [SQLITE, POSTGRES], indirect=True)
async def test_t25_a_node_that_stood_still_while_the_ca_signed_revokes_what_it_got_when_it_wakes(
    site: Site, rows: Ledger
) -> None:
    wish = Creation()
    async with stopped_at(site, CERTIFICATE_ISSUED, wish):
        await rows.lapse_leases()
        async with site.another_node() as callers:
            first = await callers.application.get(f"/v1/credentials/{wish.credential_id}?wait=30")
        found = await rows.find(wish.key)
        assert (first["state"], found.state) == ("active", "signed")
    await rows.until_told(f"transaction:{found.id}", "transaction.late_result_discarded")

    assert (await rows.told(f"credential:{wish.credential_id}")).count("credential.certified") == 1
    assert sorted(await rows.certificates_of(wish.credential_id)) == ["good", "revoked"]
    async with site.callers() as callers:
        assert await callers.application.get(f"/v1/credentials/{wish.credential_id}") == first
