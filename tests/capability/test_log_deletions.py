"""What an auditor finds of deletions that are none: forged, of what is too young, or in another form.

Source: docs/transparency-log.md section 6; T52.
"""

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dss.audit import deletions
from dss.audit.event import Event
from dss.audit.tables import audit_events
from dss.hsm.servicekeys import KeyName
from dss.kernel import b64
from dss.kernel.clock import timestamp
from dss.kernel.errors import Tampered
from tests.world.log_site import ORIGIN, YEARS, Site, site

__all__ = ["site"]

YEAR = timedelta(days=366)
SURROGATE = {"leaves": "1", "count": "1", "before": "\ud800", "signature": ""}


async def signed(site: Site, details: dict[str, str], origin: str = ORIGIN) -> Event:
    """A deletion that says anything, signed by the log's key."""
    text = f"dss-audit-deleted/v1\n{origin}\n{details['leaves']}\n{details['before']}\n"
    signature = b64.url_encode(await site.keys.sign_ed25519(KeyName.LOG, text.encode()))
    return Event("audit.deleted", "server", f"log:{ORIGIN}", details={"signature": signature} | details)


async def aged(site: Site) -> Site:
    """Ten events that are old enough to be deleted, and two young ones."""
    await site.write(10)
    site.clock.move((YEARS * YEAR + timedelta(days=10)).total_seconds())
    await site.write(2)
    return site


async def test_leaves_that_a_deletion_names_are_no_finding(site: Site):
    log = await aged(site)
    await log.delete(1, 2, 5)
    await log.tell_deletion([1, 2, 5], log.clock.now() - YEARS * YEAR)
    report = await log.verify()
    assert (report.findings, report.seen.deleted) == ((), 3)


async def test_a_leaf_that_the_deletion_does_not_name_is_found(site: Site):
    log = await aged(site)
    await log.delete(1, 2, 5)
    await log.tell_deletion([1, 5], log.clock.now() - YEARS * YEAR)
    assert [(one.kind, one.where) for one in (await log.verify()).findings] == [("event_missing", "leaf 2")]


async def test_t52_a_forged_deletion_of_young_events_is_found_by_the_older_ones_before_it(site: Site):
    """It says that they were old, and an event that stands before them is younger."""
    log = await aged(site)
    await log.delete(11)
    await log.tell_deletion([11], log.clock.now() - YEARS * YEAR)
    assert await log.kinds() == ["event_young"]


@pytest.mark.parametrize("before", [timedelta(days=YEARS * 365 - 1), YEARS * YEAR, timedelta(days=50 * 365)])
async def test_t52_on_a_log_younger_than_the_years_no_deletion_excuses_anything(site: Site, before: timedelta):
    """The first event tells how old the log is, and stands before all others, whatever time a deletion names."""
    await site.write(10)
    site.clock.move(timedelta(days=(YEARS - 1) * 365).total_seconds())
    await site.write(2)
    await site.delete(*range(1, 12))
    await site.tell_deletion(range(1, 12), site.clock.now() - before)
    assert [(one.kind, one.where) for one in (await site.verify()).findings] == [("event_young", "leaves 1-11")]


async def test_t52_a_deletion_of_the_whole_beginning_is_found(site: Site):
    """No event is left that could be younger than it says: but the first is never deleted."""
    log = await aged(site)
    await log.delete(*range(12))
    await log.tell_deletion(range(12), log.clock.now() - YEARS * YEAR)
    assert [(one.kind, one.where) for one in (await log.verify()).findings] == [("event_missing", "leaves 0-11")]


async def test_t52_a_deletion_that_names_the_first_event_too_is_found(site: Site):
    """What stands behind it is held against what is left."""
    log = await aged(site)
    await log.delete(0, 2)
    await log.tell_deletion([0, 2], log.clock.now() - YEARS * YEAR)
    assert [(one.kind, one.where) for one in (await log.verify()).findings] == [("event_missing", "leaf 0")]


async def test_t52_a_forged_deletion_that_says_it_is_of_young_events_is_found(site: Site):
    log = await aged(site)
    await log.delete(11)
    await log.tell_deletion([11], log.clock.now())
    assert await log.kinds() == ["deletion_refused", "event_missing"]


async def test_t52_a_forged_deletion_from_the_future_is_found(site: Site):
    """As if it were made when the events are old enough."""
    log = await aged(site)
    await log.delete(11)
    log.clock.move((YEARS * YEAR).total_seconds())
    await log.tell_deletion([11], log.clock.now() - YEARS * YEAR)
    log.clock.move(-(YEARS * YEAR).total_seconds())
    assert await log.kinds() == ["deletion_refused", "event_missing"]


@pytest.mark.parametrize(
    "change",
    [
        {"leaves": "1-2,3"},
        {"leaves": "2,1"},
        {"leaves": "1-1,2-2"},
        {"leaves": "1,02"},
        {"leaves": "1,+2"},
        {"leaves": ""},
        {"leaves": "1-9999999999999999"},
        {"leaves": "1,99"},
        {"count": "3"},
        {"count": "02"},
        {"before": "2026-03-02"},
        {"why": "because"},
        {"signature": ""},
        {"signature": "A" * 86 + "=="},
    ],
)
async def test_t52_a_deletion_in_any_other_form_excuses_nothing(site: Site, change: dict[str, str]):
    log = await aged(site)
    await log.delete(1, 2)
    before = timestamp(log.clock.now() - YEARS * YEAR)
    await log.tell(await signed(log, {"leaves": "1-2", "count": "2", "before": before} | change))
    assert await log.kinds() == ["deletion_refused", "event_missing"]


@pytest.mark.parametrize("details", [["a"], {"leaves": 1}, [["leaves", "1"]], "text", 5, None, SURROGATE])
async def test_t52_a_deletion_whose_details_are_no_texts_is_a_finding_and_ends_nothing(site: Site, details: Any):
    log = await aged(site)
    await log.tell(Event("audit.deleted", "server", f"log:{ORIGIN}"))
    await log.edit(12, details=details)
    assert await log.kinds() == ["deletion_refused", "event_changed"]


async def test_t52_a_deletion_by_anybody_but_the_server_excuses_nothing(site: Site):
    log = await aged(site)
    await log.delete(1)
    good = await signed(log, {"leaves": "1", "count": "1", "before": timestamp(log.clock.now() - YEARS * YEAR)})
    await log.tell(good)
    assert await log.kinds() == []
    await log.delete(2)
    other = await signed(log, {"leaves": "2", "count": "1", "before": timestamp(log.clock.now() - YEARS * YEAR)})
    await log.tell(replace(other, actor="operator:mallory"))
    assert await log.kinds() == ["deletion_refused", "event_missing"]


# --- forged: by somebody who rules the database, and has no key of the HSM ---


async def test_t52_a_deletion_that_the_hsm_did_not_sign_excuses_nothing(site: Site):
    """All events but the first are gone, on a log that is older than the years: no event tells of their age."""
    await site.write()
    site.clock.move((YEARS * YEAR + YEAR).total_seconds())
    await site.write(50)
    kept = await site.kept()
    await site.delete(*range(1, 51))
    before = site.clock.now() - YEARS * YEAR
    own = Ed25519PrivateKey.generate()
    for signature in (secrets.token_bytes(64), b"", own.sign(deletions.text(ORIGIN, range(1, 51), before))):
        await site.tell(deletions.event(ORIGIN, range(1, 51), before, signature))
    found = (await site.verify(kept)).findings
    assert [one.kind for one in found] == ["deletion_refused"] * 3 + ["event_missing"]
    assert found[-1].where == "leaves 1-50"


async def test_t52_a_deletion_that_was_signed_for_others_excuses_nothing(site: Site):
    log = await aged(site)
    await log.delete(1, 2)
    before = timestamp(log.clock.now() - YEARS * YEAR)
    good = await signed(log, {"leaves": "1", "count": "1", "before": before})
    await log.tell(good)
    for change in ({"leaves": "1-2", "count": "2"}, {"before": timestamp(log.clock.now() - YEARS * YEAR - YEAR)}):
        await log.tell(replace(good, details={**good.details, **change}))
    await log.tell(await signed(log, {"leaves": "2", "count": "1", "before": before}, origin="other.example.org"))
    await log.tell(replace(good, details={**good.details, "leaves": "2"}))
    found = (await log.verify()).findings
    assert [one.kind for one in found] == ["deletion_refused"] * 4 + ["event_missing"]
    assert found[-1].where == "leaf 2"


async def test_t52_a_log_told_anew_after_its_events_were_deleted_is_found(site: Site):
    """The newest seals are copied into events of now: every row fits, and yet the history is gone."""
    await site.add_row()
    await site.change_row()
    await site.sealer.round()
    site.clock.move((YEARS * YEAR + YEAR).total_seconds())
    rows = await site.leaves()
    newest = max(rows, key=lambda row: row["sealed_version"])
    told = {"id": "7" + "Z" * 25, "at": site.clock.now(), "leaf": None, "kind": "row.kept", "details": {}}
    await site.delete(*(row["leaf"] for row in rows))
    await site.intruder.add(audit_events, newest | told)
    before = site.clock.now() - YEARS * YEAR
    await site.tell(deletions.event(ORIGIN, range(len(rows)), before, secrets.token_bytes(64)))
    assert await site.kinds() == ["deletion_refused", "event_missing"]


async def test_t52_a_young_event_that_was_made_to_look_old_is_not_signed_away(site: Site):
    """The HSM signs what is proven to be what was sealed, not what the database says."""
    await site.write(10)
    site.clock.move((YEARS * YEAR + timedelta(days=10)).total_seconds())
    await site.write(5)
    at = (await site.leaves())[2]["at"]
    await site.edit(12, at=at)
    async with site.database.write() as connection:
        await connection.execute(sa.update(audit_events).where(audit_events.c.leaf.in_([10, 11])).values(at=at))
    signatures = site.keys.signatures_made
    with pytest.raises(Tampered, match="not what was sealed"):
        await site.retention.round()
    assert site.keys.signatures_made == signatures
    assert len(await site.leaves()) == 15


async def test_t52_a_forged_tree_does_not_prove_what_is_to_be_deleted(site: Site):
    """Events, entries and tree are written anew, as old: only the checkpoint cannot be."""
    await site.write(3)
    site.clock.move((YEARS * YEAR + timedelta(days=10)).total_seconds())
    await site.write(2)
    await site.edit(3, at=(await site.leaves())[2]["at"])
    await site.rewrite(None)
    with pytest.raises(Tampered, match="not what was sealed"):
        await site.retention.round()
    await site.rewrite(Ed25519PrivateKey.generate())
    with pytest.raises(Tampered, match="the newest checkpoint"):
        await site.retention.round()
    assert len(await site.leaves()) == 5
