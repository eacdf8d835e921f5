"""The sealer signs nothing but what extends the log that it knows, whatever was written behind its back (T52).

Source: docs/transparency-log.md section 2.
"""

import pytest
import sqlalchemy as sa

from dss.audit import log_store
from dss.audit.sealer import BATCH
from dss.audit.tables import audit_events, log_checkpoints, log_tiles, log_tree
from dss.hsm.servicekeys import KeyName
from dss.infra.db import Database
from dss.kernel.errors import HsmUnavailable, Tampered
from tests.world.clock import HandClock
from tests.world.sealing import Stage, named, stage

__all__ = ["stage"]


@pytest.mark.parametrize(
    "harm",
    [
        sa.update(log_tiles).where(log_tiles.c.level == 0).values(data=b"\x00" * 32 * 3),
        sa.delete(log_tiles).where(log_tiles.c.level == 0),
        sa.update(log_tree).values(root=b"\x00" * 32),
        sa.update(log_tree).values(size=2),
        sa.update(log_checkpoints).values(note="nothing\n\n"),
        sa.delete(log_tiles).where(log_tiles.c.level == log_store.ENTRIES),
    ],
    ids=["hashes", "hashes gone", "root", "size", "checkpoint", "entries gone"],
)
async def test_t52_a_log_that_was_altered_is_signed_no_more_and_alarmed_once(stage: Stage, harm: sa.Executable) -> None:
    """T52: the sealer compares with what it signed, and with what it saw."""
    sealer = stage.sealer()
    await stage.tell(*named(range(3)))
    await sealer.round()
    signed = await stage.head()
    await stage.run(harm)
    for _ in range(3):
        await stage.tell("thing:more")
        with pytest.raises(Tampered):
            await sealer.round()
    told = await stage.audit.newest(kind="alarm.log_altered")
    assert len(told) == 1
    async with stage.database.read() as connection:
        sizes = list((await connection.execute(sa.select(log_checkpoints.c.size))).scalars())
    assert sizes == [signed.size]


async def test_t52_a_log_that_was_rolled_back_under_a_running_sealer_is_not_signed(stage: Stage) -> None:
    """T52: an older state of the whole log fits its checkpoint; the sealer saw a longer one."""
    sealer = stage.sealer()
    await stage.tell("thing:0")
    await sealer.round()
    async with stage.database.read() as connection:
        tables = (log_tree, log_tiles, log_checkpoints)
        older = {t: [dict(row) for row in (await connection.execute(sa.select(t))).mappings()] for t in tables}
    await stage.tell("thing:1")
    await sealer.round()
    await stage.run(sa.delete(audit_events).where(audit_events.c.leaf == 1), *(sa.delete(t) for t in older))
    await stage.run(*(sa.insert(t).values(rows) for t, rows in older.items()))
    await stage.tell("thing:forged")
    with pytest.raises(Tampered):
        await sealer.round()


async def test_a_signature_that_does_not_verify_is_not_published(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wrong(name: KeyName, data: bytes) -> bytes:
        return b"\x00" * 64

    monkeypatch.setattr(stage.keys, "sign_ed25519", wrong)
    await stage.tell("thing:0")
    with pytest.raises(HsmUnavailable):
        await stage.sealer().round()
    assert await stage.log.newest() is None


@pytest.mark.parametrize(
    "spoilt",
    [
        "at = 9223372036854775807",
        "at = -1000000000000000000",
        """details = '{"a"\\: 1.5}'""",
        """details = '{"a"\\: "1", "a"\\: "2"}'""",
        "outcome = 'maybe'",
        "sealed_row = id",
    ],
)
async def test_t52_rows_that_are_no_events_are_left_with_one_alarm_and_keep_no_other_from_being_sealed(
    stage: Stage, spoilt: str
) -> None:
    """T52: a row that cannot be read must not stop the log, and somebody has to be told."""
    await stage.tell(*named(range(4)))
    await stage.run(sa.text(f"UPDATE audit_events SET {spoilt} WHERE subject IN ('thing:0', 'thing:2')"))
    sealer = stage.sealer()
    assert await sealer.round() == 2
    assert await sealer.round() == 1  # the alarm
    assert await sealer.round() == 0
    assert (await stage.subjects())[:2] == ["thing:1", "thing:3"]
    assert len(await stage.audit.newest(kind="alarm.log_altered")) == 1


async def test_more_rows_that_are_no_events_than_a_batch_holds_are_passed_by(stage: Stage) -> None:
    await stage.tell(*named(range(BATCH + 5)))
    await stage.run(sa.text(f"UPDATE audit_events SET outcome = 'maybe' WHERE subject <> 'thing:{BATCH + 4}'"))
    assert await stage.sealer().round() == 1
    assert await stage.subjects() == [f"thing:{BATCH + 4}"]


async def test_t52_text_that_is_no_utf8_is_found_in_the_log_and_is_no_outage(sqlite_url: str, clock: HandClock) -> None:
    """T52: SQLite keeps any bytes as text."""
    database = Database(sqlite_url)
    stage = Stage(database, clock)
    await stage.tell(*named(range(3)))
    await stage.run(sa.text("UPDATE audit_events SET details = CAST(x'ff' AS TEXT) WHERE subject = 'thing:1'"))
    assert await stage.sealer().round() == 2
    assert await stage.subjects() == ["thing:0", "thing:2"]
    assert len(await stage.audit.newest(kind="alarm.")) == 1
    await database.close()
