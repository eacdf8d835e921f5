"""What an auditor finds of the evidence of batches, which is kept part by part.

Source: docs/transparency-log.md section 5, docs/evidence.md section 1b; T52.
"""

import pytest

from dss.audit.tables import audit_events
from dss.evidence.pieces import Piece
from dss.evidence.record import Core
from dss.evidence.service import KeptPart
from dss.evidence.tables import evidence_parts
from dss.kernel.ids import TransactionId
from tests.world.clock import START
from tests.world.log_site import Site, site

__all__ = ["site"]

BATCH, OTHER = TransactionId("0" * 25 + "8"), TransactionId("0" * 25 + "9")
SUBJECT = f"transaction:{BATCH}"
CORE = Core("request", "answer", "enrolment", "receipt", "channel key")


def part(first: int, value: bytes = b"a signature", of: TransactionId = BATCH) -> KeptPart:
    return KeptPart.of(of, CORE, [Piece(first, b"", value), Piece(first + 1, b"", value)])


async def keep(site: Site, *parts: KeptPart) -> None:
    for one in parts:
        row = {"transaction_id": one.transaction, "first": one.first, "core": one.core, "pieces": one.pieces}
        await site.intruder.add(evidence_parts, row | {"made_at": START})


async def tell(site: Site, *parts: KeptPart) -> None:
    for one in parts:
        await site.write(kind="transaction.part_signed", subject=f"transaction:{one.transaction}", details=one.details)


async def found(site: Site) -> list[tuple[str, str]]:
    return [(one.kind, one.where) for one in (await site.verify()).findings]


@pytest.fixture
async def batch(site: Site) -> Site:
    """A log that tells of a batch of three parts, and what is kept of them."""
    parts = [part(first) for first in (0, 100, 200)]
    await keep(site, *parts)
    await tell(site, *parts)
    return site


async def test_parts_that_the_log_tells_of_are_no_finding(batch: Site) -> None:
    report = await batch.verify()
    assert (report.findings, report.evidence) == ((), 3)


async def test_t52_a_lost_part_is_found_while_the_others_are_there(batch: Site) -> None:
    rows = await batch.intruder.rows(evidence_parts)
    await batch.intruder.delete(evidence_parts, BATCH)
    for row in rows:
        if row["first"] != 100:
            await batch.intruder.add(evidence_parts, row)

    (finding,) = (await batch.verify()).findings

    assert (finding.kind, finding.where) == ("evidence_missing", SUBJECT)
    assert "begins with 100," in finding.told


async def test_t52_all_parts_that_are_lost_are_found_one_by_one(batch: Site) -> None:
    await batch.intruder.delete(evidence_parts, BATCH)
    assert await found(batch) == [("evidence_missing", SUBJECT)] * 3


async def test_t52_another_core_than_the_log_tells_of_is_found(site: Site) -> None:
    await keep(site, part(0, b"another signature"))
    await tell(site, part(0))
    assert await found(site) == [("evidence_differs", SUBJECT)]


@pytest.mark.parametrize("pieces", [part(0, b"another signature").pieces, part(1).pieces, b"[]", b"{}", b"\xff", b""])
async def test_t52_other_signatures_beside_the_right_core_are_found(site: Site, pieces: bytes) -> None:
    """The log tells of the core alone, and the core of the root over the signatures."""
    await keep(site, part(0))
    await tell(site, part(0))
    await site.intruder.edit(evidence_parts, BATCH, pieces=pieces)
    assert await found(site) == [("evidence_differs", SUBJECT)]


async def test_t52_a_part_in_another_s_place_is_found_where_it_is_and_where_it_was(site: Site) -> None:
    await keep(site, part(0))
    await tell(site, part(0))
    await site.intruder.edit(evidence_parts, BATCH, first=7)
    assert await found(site) == [("evidence_missing", SUBJECT), ("evidence_untold", SUBJECT)]


async def test_t52_a_part_that_no_event_tells_of_is_found_beside_those_that_are_told_of(batch: Site) -> None:
    await keep(batch, part(300), part(0, of=OTHER))
    assert await found(batch) == [("evidence_untold", SUBJECT), ("evidence_untold", f"transaction:{OTHER}")]


async def test_the_end_of_a_batch_tells_of_no_part(site: Site) -> None:
    """An end has the form of a part's event, and is none."""
    await keep(site, part(0))
    await site.write(kind="transaction.declined", subject=SUBJECT, details=part(0).details)
    assert await found(site) == [("evidence_missing", SUBJECT), ("evidence_untold", SUBJECT)]


async def test_t52_a_part_s_event_that_says_nothing_is_found_with_the_part(site: Site) -> None:
    await keep(site, part(0))
    await tell(site, part(0))
    leaf = (await site.intruder.rows(audit_events))[-1]["leaf"]
    await site.edit(leaf, details={})
    kinds = {kind for kind, _ in await found(site)}
    assert kinds == {"event_changed", "evidence_missing", "evidence_untold"}


async def test_parts_are_read_page_by_page(batch: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dss.transactions.auditing.PAGE", 1)
    await keep(batch, part(0, of=OTHER))
    await tell(batch, part(0, of=OTHER))
    report = await batch.verify()
    assert (report.findings, report.evidence) == ((), 4)
    await batch.intruder.delete(evidence_parts, OTHER)
    assert await found(batch) == [("evidence_missing", f"transaction:{OTHER}")]
