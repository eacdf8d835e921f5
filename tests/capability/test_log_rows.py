"""What an auditor finds of sealed rows and of evidence that are not what the log tells of.

Source: docs/transparency-log.md section 5; T18, T19, T52.
"""

import pytest
import sqlalchemy as sa

from dss.audit.event import Event
from dss.audit.policy import Policy
from dss.audit.tables import audit_events
from dss.devices.tables import enrolments
from dss.evidence.record import Core
from dss.evidence.tables import evidence
from dss.kernel import b64
from dss.kernel.errors import Conflict
from dss.transactions.auditing import Auditing
from dss.transactions.tables import entries, transactions
from dss.wiring.kinds import KINDS
from tests.world.clock import START
from tests.world.log_site import ROW, Site, site

__all__ = ["site"]

SIGNING = "0" * 25 + "9"
CORE = Core("request", "answer", "enrolment", "receipt", "channel key")


@pytest.fixture
async def log(site: Site) -> Site:
    """A log with a row that was sealed three times."""
    await site.add_row()
    await site.change_row()
    await site.change_row()
    await site.write()
    return site


async def test_a_row_as_its_newest_event_left_it_is_no_finding(log: Site):
    report = await log.verify()
    assert (report.findings, report.rows) == ((), 1)


async def test_t52_a_row_rolled_back_under_its_old_seal_is_found(log: Site):
    before = await log.intruder.row(enrolments, ROW)
    await log.change_row()
    await log.sealer.round()
    await log.intruder.edit(enrolments, ROW, **before)
    found = (await log.verify()).findings
    assert [(one.kind, one.where) for one in found] == [("row_rolled_back", f"enrolment:{ROW}")]


async def test_t52_a_row_rolled_back_with_its_events_is_found(log: Site):
    before = await log.intruder.row(enrolments, ROW)
    await log.change_row()
    await log.sealer.round()
    await log.intruder.edit(enrolments, ROW, **before)
    await log.intruder.cut_log("enrolment", ROW, before["version"])
    assert await log.kinds() == ["event_missing"]


async def test_t52_a_deleted_row_is_found(log: Site):
    await log.intruder.delete(enrolments, ROW)
    found = (await log.verify()).findings
    assert [(one.kind, one.where) for one in found] == [("row_missing", f"enrolment:{ROW}")]


async def test_t52_a_row_put_in_without_an_event_is_found(log: Site):
    row = await log.intruder.row(enrolments, ROW)
    await log.intruder.add(enrolments, row | {"id": "0" * 25 + "2"})
    assert await log.kinds() == ["row_rolled_back"]


async def test_t52_a_row_that_lost_its_seal_is_found(log: Site):
    await log.intruder.edit(enrolments, ROW, seal=None)
    assert await log.kinds() == ["row_rolled_back"]


async def test_t52_a_newest_event_that_seals_another_row_is_found_twice(log: Site):
    async with log.database.write() as connection:
        newest = audit_events.c.sealed_version == 3
        await connection.execute(sa.update(audit_events).where(newest).values(sealed_row="enrolment:" + "0" * 26))
    assert await log.kinds() == ["event_changed", "row_rolled_back", "row_missing"]


async def signed(log: Site, *, told: Core | None = CORE, kept: Core | None = CORE) -> None:
    """The end of a transaction, with the evidence that the log tells of, and the evidence that is kept."""
    details = {} if told is None else {"evidence": b64.url_encode(told.digest())}
    if kept is not None:
        await log.intruder.add(evidence, {"transaction_id": SIGNING, "core": kept.encoded(), "made_at": START})
    await log.write(kind="transaction.signed", subject=f"transaction:{SIGNING}", details=details)


async def test_evidence_that_the_log_tells_of_is_no_finding(log: Site):
    await signed(log)
    report = await log.verify()
    assert (report.findings, report.evidence) == ((), 1)


async def test_a_transaction_of_a_version_that_kept_no_evidence_is_no_finding(log: Site):
    await signed(log, told=None, kept=None)
    assert await log.kinds() == []


async def test_t52_lost_evidence_is_found(log: Site):
    await signed(log, kept=None)
    assert await log.kinds() == ["evidence_missing"]


async def test_t52_other_evidence_than_the_log_tells_of_is_found(log: Site):
    await signed(log, kept=Core("request", "another answer", "enrolment", "receipt", "channel key"))
    assert await log.kinds() == ["evidence_differs"]


async def test_t52_evidence_that_no_event_tells_of_is_found(log: Site):
    await log.intruder.add(evidence, {"transaction_id": SIGNING, "core": CORE.encoded(), "made_at": START})
    assert await log.kinds() == ["evidence_untold"]


async def test_evidence_of_an_event_that_waits_for_its_number_is_held_against_it_too(log: Site):
    details = {"evidence": b64.url_encode(CORE.digest())}
    async with log.database.write() as connection:
        event = Event("transaction.declined", "device:1", f"transaction:{SIGNING}", details=details)
        await log.audit.record(connection, event)
    assert await log.kinds() == ["evidence_missing"]


async def opened(log: Site, items: int, *, kept: int) -> None:
    """A transaction that is there, and the event of its opening; kept: how many things to sign it has."""
    row = {
        "id": SIGNING, "kind": "sign", "state": "awaiting", "user_id": "3" * 26, "text": "", "request": b"r",
        "request_jws": "j", "box_key_id": "4" * 26, "opened_at": START, "expires_at": START, "changed_at": START,
        "lease": 0, "why": "", "body_sha256": b"",
    }  # fmt: skip
    await log.intruder.add(transactions, row)
    for index in range(kept):
        await log.intruder.add(entries, {"transaction_id": SIGNING, "index": index, "item": {}})
    details = {"kind": "sign", "items": str(items)}
    await log.write(kind="transaction.opened", subject=f"transaction:{SIGNING}", details=details)


@pytest.mark.parametrize("items", [0, 3])
async def test_a_transaction_with_all_that_it_was_opened_with_is_no_finding(log: Site, items: int):
    await opened(log, items, kept=items)
    assert await log.kinds() == []


async def test_t52_a_transaction_that_is_gone_is_found(log: Site):
    await opened(log, 2, kept=2)
    await log.intruder.delete(entries, SIGNING)
    await log.intruder.delete(transactions, SIGNING)
    found = (await log.verify()).findings
    assert [(one.kind, one.where) for one in found] == [("transaction_missing", f"transaction:{SIGNING}")]


@pytest.mark.parametrize("kept", [0, 1, 3])
async def test_t52_a_transaction_with_more_or_less_to_sign_than_the_log_tells_of_is_found(log: Site, kept: int):
    await opened(log, 2, kept=kept)
    found = (await log.verify()).findings
    assert [(one.kind, one.where) for one in found] == [("items_differ", f"transaction:{SIGNING}")]


async def test_rows_and_evidence_are_read_page_by_page(log: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dss.transactions.auditing.PAGE", 1)
    for number in range(3):
        await log.write(kind="transaction.opened", subject=f"transaction:{number:026}")
        await log.write(kind="transaction.declined", subject=f"transaction:{number:026}", details={"evidence": "x"})
    assert await log.kinds() == ["transaction_missing"] * 3 + ["evidence_missing"] * 3


async def test_a_key_of_another_name_than_the_log_s_is_told_to_nobody(log: Site) -> None:
    """A wrong name would look like a break-in to whoever verifies with it."""
    renamed = Auditing(log.database, log.keys, log.clock, Policy("moved.test/log", 7, ()), KINDS)
    with pytest.raises(Conflict, match="DSS_LOG_ORIGIN"):
        await renamed.verify()
