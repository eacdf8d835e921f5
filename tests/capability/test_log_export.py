"""Exports: the sealed events of a period in a file, and a signed note beside it.

Source: docs/transparency-log.md section 7.
"""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dss.audit import exported
from dss.audit.event import Event, commitment
from dss.audit.exported import ExportRefused, Period, Summary
from dss.audit.exporting import Exported, Exporting
from dss.audit.note import VerifierKey
from dss.audit.policy import Policy
from dss.audit.store import recorded
from dss.audit.tables import log_checkpoints, log_tiles
from dss.kernel import b64, canonical
from dss.kernel.errors import Tampered
from tests.world.clock import START
from tests.world.log_site import ORIGIN, YEARS, Site, site

__all__ = ["site"]

WHOLE = Period(START, START + timedelta(days=1))


class File(list[bytes]):
    """What was written, with the note beside it."""

    note = ""

    def check(self, key: VerifierKey) -> Summary:
        return exported.check(self, self.note, key)


def exporting(site: Site) -> Exporting:
    return Exporting(site.database, site.keys, site.audit, site.clock, Policy(ORIGIN, YEARS))


async def export(site: Site, period: Period = WHOLE) -> tuple[File, Exported]:
    file = File()
    done = await exporting(site).export(period, file.append, "operator:test")
    file.note = done.note
    return file, done


async def test_an_export_has_the_sealed_events_in_the_order_of_leaves_and_passes_its_check(site: Site):
    await site.add_row()
    await site.write(5, details={"text": "é\n\u2028"})
    file, done = await export(site)
    assert [json.loads(line)["leaf"] for line in file] == list(range(6))
    assert file.check(await site.auditing.log_key()) == done.summary == Summary(ORIGIN, WHOLE, 6, done.summary.sha256)


async def test_each_line_holds_what_its_entry_is_made_of(site: Site):
    await site.write(3)
    (bundle,) = [row["data"] for row in await site.intruder.rows(log_tiles) if row["level"] == -1]
    file, _ = await export(site)
    for leaf, line in enumerate(file):
        told = canonical.decode(line[:-1])
        entry = commitment(b64.url_decode(told["salt"]), canonical.encode(told["event"]))
        assert entry == bundle[leaf * 32 : leaf * 32 + 32]


async def test_an_export_of_many_pages_has_each_event_once(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dss.audit.exporting.PAGE", 3)
    await site.write(10)
    file, _ = await export(site)
    assert [json.loads(line)["leaf"] for line in file] == list(range(10))


async def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(site: Site):
    await site.write(5)  # a second after START, and so on
    file, done = await export(site, Period(START + timedelta(seconds=2), START + timedelta(seconds=4)))
    assert [json.loads(line)["event"]["at"][-10:] for line in file] == ["02.000000Z", "03.000000Z"]
    assert done.summary.lines == 2


async def test_an_empty_period_gives_an_empty_file_with_a_note(site: Site):
    await site.write(1)
    later = Period(START + timedelta(days=1), START + timedelta(days=2))
    file, _ = await export(site, later)
    assert file == []
    assert file.check(await site.auditing.log_key()).lines == 0


async def test_events_that_wait_for_their_numbers_are_not_exported(site: Site):
    await site.write(1)
    async with site.database.write() as connection:
        await site.audit.record(connection, Event("thing.done", "server", "thing:1"))
    file, _ = await export(site)
    assert len(file) == 1


async def test_t52_an_event_that_is_not_what_was_sealed_is_not_signed_as_if_it_were(site: Site):
    await site.write(3)
    await site.edit(1, kind="thing.undone")
    with pytest.raises(Tampered, match="dss audit verify"):
        await export(site)
    await site.edit(1, details=["no", "event"])
    with pytest.raises(Tampered, match="dss audit verify"):
        await export(site)


async def test_t52_events_forged_with_their_entries_are_not_signed(site: Site):
    """Who rules the database changes an event and its entry alike, and another is gone: the tree is not over these."""
    await site.write(4)
    await site.edit(1, subject="thing:forged")
    forged = recorded((await site.leaves())[1]).entry()
    async with site.database.write() as connection:
        bundle = log_tiles.c.level == -1
        data = (await connection.execute(sa.select(log_tiles.c.data).where(bundle))).scalar_one()
        await connection.execute(sa.update(log_tiles).where(bundle).values(data=data[:32] + forged + data[64:]))
    file = File()
    with pytest.raises(Tampered, match="the log is not as it was sealed"):
        await exporting(site).export(WHOLE, file.append, "operator:test")
    await site.rewrite(None)
    with pytest.raises(Tampered, match="the newest checkpoint"):
        await exporting(site).export(WHOLE, file.append, "operator:test")
    await site.rewrite(Ed25519PrivateKey.generate())
    with pytest.raises(Tampered, match="the newest checkpoint"):
        await exporting(site).export(WHOLE, file.append, "operator:test")
    assert file == []


async def test_t52_a_log_that_lacks_an_event_is_not_exported(site: Site):
    await site.write(4)
    await site.delete(2)
    with pytest.raises(Tampered, match="leaf 2: the event is gone"):
        await export(site)


async def test_what_no_checkpoint_is_over_is_not_exported(site: Site):
    """Until it is, the database's word is all there is for it."""
    await site.write(2)
    signed = await site.intruder.rows(log_checkpoints)
    await site.write(3)
    async with site.database.write() as connection:
        await connection.execute(sa.delete(log_checkpoints).where(log_checkpoints.c.size > signed[0]["size"]))
    file, done = await export(site)
    assert [json.loads(line)["leaf"] for line in file] == [0, 1]
    assert done.summary.lines == 2


def test_a_period_is_of_whole_seconds_and_ends_after_it_begins():
    for since, until in ((START, START), (START, START + timedelta(milliseconds=1500))):
        with pytest.raises(ExportRefused):
            Period(since, until)


async def test_the_log_tells_who_exported_what(site: Site):
    await site.write(3)
    await export(site)
    (told,) = await site.audit.newest(kind="audit.exported")
    assert (told.event.actor, told.event.details["lines"]) == ("operator:test", "3")
