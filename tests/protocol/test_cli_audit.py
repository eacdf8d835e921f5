"""The operator's commands over the log: verify, log-key, export, check-export, search."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result

from dss.audit.note import VerifierKey
from dss.audit.tables import audit_events
from dss.settings import TokenName
from tests.protocol.cli_world import Command, dss
from tests.protocol.test_cli_verbs import rows
from tests.world.pdfs import simple_pdf
from tests.world.world import PIN, World

__all__ = ["dss"]


@pytest.fixture
async def quiet(world: World, dss: Command) -> World:
    """A world with little in its log, all of it sealed."""
    dss.environment.setenv("DSS_LOG_ORIGIN", world.services.settings.log_origin)
    await world.user()
    await world.services.sealer.round()
    return world


@pytest.fixture
async def log(quiet: World) -> World:
    """A world with a signature in its log, all of it sealed."""
    application = await quiet.application()
    signer = await quiet.signer(application, "bob")
    asked = await application.ask(signer, simple_pdf())
    await signer.phone.confirm(await signer.phone.show(asked["id"]), PIN)
    await quiet.settle()
    await quiet.services.sealer.round()
    return quiet


async def run(dss: Command, *arguments: str, pins: tuple[TokenName, ...] = ()) -> Result:
    return await asyncio.to_thread(dss, "audit", *arguments, pins=pins)


async def tell(dss: Command, *arguments: str, pins: tuple[TokenName, ...] = ()) -> list[dict[str, Any]]:
    """Run a command that must succeed; return the JSON that it prints."""
    done = await run(dss, *arguments, "--json", pins=pins)
    assert done.exit_code == 0, done.stderr
    return rows(done.stdout)


@asynccontextmanager
async def edited(world: World) -> AsyncIterator[None]:
    """An event says something else for a while: the world's own auditor reads the log at the end."""
    third, was = sa.update(audit_events).where(audit_events.c.leaf == 3), None
    async with world.services.database.write() as connection:
        was = (await connection.execute(sa.select(audit_events.c.actor).where(audit_events.c.leaf == 3))).scalar_one()
        await connection.execute(third.values(actor="somebody"))
    yield
    async with world.services.database.write() as connection:
        await connection.execute(third.values(actor=was))


async def log_key(dss: Command) -> str:
    done = await run(dss, "log-key", pins=(TokenName.SERVICE,))
    assert done.exit_code == 0, done.stderr
    return done.stdout.strip()


# --- verify ---


async def test_verify_tells_what_it_read_and_ends_well(log: World, dss: Command):
    (read,) = await tell(dss, "verify", pins=(TokenName.SERVICE,))
    newest = await log.services.log.newest()
    assert newest is not None
    size = newest.head.size
    assert read == {
        "events": size,
        "leaves": size,
        "deleted": 0,
        "checkpoint": size,
        "witnesses": {},
        "sealed rows": read["sealed rows"],
        "evidence": 2,
        "findings": [],
    }
    assert read["sealed rows"] > 5
    told = await run(dss, "verify", pins=(TokenName.SERVICE,))
    assert (told.exit_code, f"leaves: {size}" in told.stdout) == (0, True)
    assert "witnesses: none" in told.stdout


async def test_verify_needs_no_token_where_the_key_is_given(quiet: World, dss: Command, tmp_path: Path):
    key, file, kept = await log_key(dss), tmp_path / "log.key", tmp_path / "kept"
    file.write_text(key + "\n")
    kept.write_text(await quiet.services.log.checkpoint())
    for given in (key, str(file)):
        assert (await tell(dss, "verify", "--log-key", given, "--checkpoint", str(kept)))[0]["findings"] == []
    refused = await run(dss, "verify")
    assert (refused.exit_code, "DSS_SERVICE_PIN" in refused.stderr) == (1, True)


async def test_t52_verify_shows_what_it_found_and_ends_with_1(log: World, dss: Command):
    async with edited(log):
        done = await run(dss, "verify", pins=(TokenName.SERVICE,))
        as_json = await run(dss, "verify", "--json", pins=(TokenName.SERVICE,))
    assert done.exit_code == as_json.exit_code == 1
    assert "event_changed" in done.stdout
    assert "findings: 1" in done.stderr
    assert [one["where"] for one in json.loads(as_json.stdout)["findings"]] == ["leaf 3"]


async def test_t52_verify_holds_the_log_against_a_checkpoint_that_was_kept(quiet: World, dss: Command, tmp_path: Path):
    kept = tmp_path / "kept"
    origin, size, *rest = (await quiet.services.log.checkpoint()).split("\n")
    kept.write_text("\n".join([origin, f"9{size}", *rest]))
    done = await run(dss, "verify", "--checkpoint", str(kept), pins=(TokenName.SERVICE,))
    assert (done.exit_code, "checkpoint_refused" in done.stdout) == (1, True)


@pytest.mark.parametrize("key", ["nonsense+key", "witness.example+9c1fa0e9+BAAA", "/no/such/file"])
async def test_verify_says_why_a_key_cannot_be_used(quiet: World, dss: Command, key: str):
    done = await run(dss, "verify", "--log-key", key)
    assert done.exit_code == 1
    assert "cannot be" in done.stderr


async def test_verify_says_why_a_checkpoint_cannot_be_read(quiet: World, dss: Command, tmp_path: Path):
    large, binary = tmp_path / "large", tmp_path / "binary"
    large.write_bytes(b"x" * 70_000)
    binary.write_bytes(b"\xff")
    for file, why in ((large, "more than"), (binary, "UTF-8"), (tmp_path, "cannot be read")):
        done = await run(dss, "verify", "--checkpoint", str(file), pins=(TokenName.SERVICE,))
        assert (done.exit_code, why in done.stderr) == (1, True)


async def test_log_key_prints_the_key_by_which_the_checkpoints_verify(quiet: World, dss: Command):
    key = VerifierKey.read(await log_key(dss))
    assert key.name == quiet.services.settings.log_origin
    assert (await quiet.services.auditing.verify(key)).findings == ()


# --- export ---

DAY = ("--from", "2026-03-02", "--to", "2026-03-03T00:00:00Z")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "export.jsonl"


async def test_an_export_is_checked_offline(log: World, dss: Command, out: Path, monkeypatch: pytest.MonkeyPatch):
    (done,) = await tell(dss, "export", *DAY, "--out", str(out), pins=(TokenName.SERVICE,))
    note, key = Path(f"{out}.note"), await log_key(dss)
    assert [stat.S_IMODE(file.stat().st_mode) for file in (out, note)] == [0o600, 0o600]
    assert len(out.read_bytes().splitlines()) == done["events"] > 10
    monkeypatch.setenv("DSS_DATABASE_URL", "sqlite:////no/such/file")
    assert (await tell(dss, "check-export", str(out), "--log-key", key)) == [done]

    out.write_bytes(out.read_bytes().replace(b"device.enrolled", b"device.enrolleD"))
    refused = await run(dss, "check-export", str(out), "--log-key", key)
    assert (refused.exit_code, "The export is not good" in refused.stderr) == (1, True)


async def test_an_export_overwrites_nothing(quiet: World, dss: Command, out: Path):
    out.write_text("mine")
    done = await run(dss, "export", *DAY, "--out", str(out), pins=(TokenName.SERVICE,))
    assert (done.exit_code, out.read_text()) == (1, "mine")
    out.unlink()
    note = Path(f"{out}.note")
    note.write_text("mine")
    done = await run(dss, "export", *DAY, "--out", str(out), pins=(TokenName.SERVICE,))
    assert (done.exit_code, out.exists(), note.read_text()) == (1, False, "mine")


async def test_t52_an_export_of_a_changed_log_leaves_no_file(log: World, dss: Command, out: Path):
    async with edited(log):
        done = await run(dss, "export", *DAY, "--out", str(out), pins=(TokenName.SERVICE,))
    assert (done.exit_code, out.exists()) == (1, False)
    assert "not what was sealed" in done.stderr


async def test_an_export_of_no_time_is_refused(quiet: World, dss: Command, out: Path):
    turned = ("--from", "2026-03-03", "--to", "2026-03-02")
    assert (await run(dss, "export", *turned, "--out", str(out), pins=(TokenName.SERVICE,))).exit_code == 1
    nonsense = ("--from", "yesterday", "--to", "2026-03-02")
    assert (await run(dss, "export", *nonsense, "--out", str(out), pins=(TokenName.SERVICE,))).exit_code == 2
    assert not out.exists()


# --- search ---


async def test_search_combines_what_it_is_given(log: World, dss: Command):
    found = await tell(dss, "search", "--signer", "bob", "--kind", "transaction.signed")
    assert [one["event"] for one in found] == ["transaction.signed"] * 2
    (newest,) = await tell(
        dss, "search", "--client", "Contracts Ltd", "--kind", "transaction.signed", "--after", found[0]["id"]
    )
    assert newest == found[1]
    of_it = await tell(dss, "search", "--transaction", newest["subject"].partition(":")[2])
    assert {one["subject"] for one in of_it} == {newest["subject"]}
    assert await tell(dss, "search", "--signer", "bob", "--from", "2026-03-04") == []
    assert len(await tell(dss, "search", "--signer", "bob", "--to", "2026-03-04", "--limit", "3")) == 3


async def test_search_shows_an_event_a_line_with_its_number_and_its_id(log: World, dss: Command):
    (told,) = await tell(dss, "search", "--kind", "device.enrolled")
    done = await run(dss, "search", "--kind", "device.enrolled")
    assert done.exit_code == 0
    assert done.stdout.split() == [word for text in told.values() for word in text.split()]


async def test_search_for_who_is_not_known_is_refused(quiet: World, dss: Command):
    done = await run(dss, "search", "--signer", "nobody")
    assert (done.exit_code, "there is no such signer" in done.stderr) == (1, True)
