"""Leaves without events: which of them were deleted as docs/transparency-log.md section 6 says, and which are lost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from dss.audit.deletions import SLACK, Deletion
from dss.audit.findings import Finding
from dss.audit.log_pages import Found
from dss.audit.note import VerifierKey
from dss.kernel.errors import Invalid

SHORTEST_YEAR = timedelta(days=365)
LOST = Finding("event_missing", "", "the event is gone, and no deletion names it")
YOUNG = Finding("event_young", "", "the deletion that names it says that it was older than an event before it")


@dataclass(frozen=True, slots=True)
class Lost:
    """A leaf without its event; latest: the time of the youngest event that stands before it."""

    leaf: int
    latest: datetime | None


@dataclass(frozen=True, slots=True)
class Deletions:
    """The deletions that the log tells of; findings: what is told as one and is none."""

    good: Sequence[Deletion]
    findings: Sequence[Finding]

    @classmethod
    def of(cls, found: Sequence[Found], key: VerifierKey, years: int, now: datetime) -> "Deletions":
        """Read deletions: one that the log's key did not sign, or of what was to be kept, excuses nothing."""
        good, findings = [], []
        for one in found:
            try:
                good.append(_read(one, key, years, now))
            except Invalid as fault:
                where = f"event {one.id}" if one.leaf is None else f"leaf {one.leaf}"
                findings.append(Finding("deletion_refused", where, f"event {one.id} is no deletion: {fault.detail}"))
        return cls(good, findings)

    def within(self, first: int, end: int) -> dict[int, datetime]:
        """Return the leaves of a page that deletions name, each with the time before which its event was written."""
        named: dict[int, datetime] = {}
        for deletion in self.good:
            if deletion.first < end and deletion.last >= first:
                leaves = deletion.within(first, end)
                named |= {leaf: max(deletion.before, named.get(leaf, deletion.before)) for leaf in leaves}
        return named


def judge(lost: Sequence[Lost], named: Mapping[int, datetime]) -> Iterator[Finding]:
    """Give a finding for each run of leaves that lack their events without a good deletion."""
    judged = [(one.leaf, _verdict(one, named.get(one.leaf))) for one in lost]
    for (finding, _), run in groupby(enumerate(judged), lambda placed: (placed[1][1], placed[1][0] - placed[0])):
        if finding is not None:
            leaves = [leaf for _, (leaf, _) in run]
            where = f"leaf {leaves[0]}" if len(leaves) == 1 else f"leaves {leaves[0]}-{leaves[-1]}"
            yield Finding(finding.kind, where, finding.told)


def _verdict(one: Lost, before: datetime | None) -> Finding | None:
    if before is None or one.latest is None:  # the first event is never deleted
        return LOST
    return YOUNG if one.latest > before + SLACK else None


def _read(found: Found, key: VerifierKey, years: int, now: datetime) -> Deletion:
    """Read a deletion. Raises Invalid for none, and for one of what was younger than records are kept."""
    if found.event is None:
        raise Invalid("it cannot be read")
    deletion = Deletion.of(found.event, key)
    if deletion.before > min(deletion.at, now) - years * SHORTEST_YEAR + SLACK:
        raise Invalid(f"what it names was to be kept for {years} years")
    return deletion
