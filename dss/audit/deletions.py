"""What an event `audit.deleted` says: which leaves lost their events when these were old enough.

Source: docs/transparency-log.md section 6.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dss.audit.event import Event, Recorded
from dss.audit.note import VerifierKey
from dss.kernel import b64
from dss.kernel.clock import read_timestamp, timestamp
from dss.kernel.errors import BadRequest, Invalid

KIND, FORMAT = "audit.deleted", "dss-audit-deleted/v1"
MOST = 1000  # events that one deletion names
SLACK = timedelta(days=1)  # clocks were set, and events commit late
MEMBERS = frozenset({"leaves", "count", "before", "signature"})
# Numbers of a leaf are below 2**53, as everywhere in the log.
RUN = re.compile(r"(0|[1-9][0-9]{0,15})(?:-([1-9][0-9]{0,15}))?")
NUMBER = re.compile(r"[1-9][0-9]{0,3}")

Run = tuple[int, int]  # the first leaf, and the last


@dataclass(frozen=True, slots=True)
class Deletion:
    """Events that were deleted at once.

    leaves: their numbers as text, `0-811,813`. before: all were written before this time.
    at:     when it was done. leaf: of the event that tells of it; None until it is sealed.
    """

    leaves: str
    before: datetime
    at: datetime
    leaf: int | None
    first: int
    last: int

    @classmethod
    def of(cls, told: Recorded, key: VerifierKey) -> "Deletion":
        """Read a deletion from its event. Raises Invalid on what no deletion writes, or the log's key did not sign."""
        details = told.event.details
        if details.keys() != MEMBERS or told.event.actor != "server":
            raise Invalid("it has other members than a deletion, or another actor")
        runs = read_leaves(details["leaves"])
        count = sum(last - first + 1 for first, last in runs)
        if not NUMBER.fullmatch(details["count"]) or int(details["count"]) != count or count > MOST:
            raise Invalid(f"its count is not that of its leaves, or more than {MOST}")
        first, last = runs[0][0], runs[-1][1]
        if told.leaf is not None and last >= told.leaf:
            raise Invalid("it names leaves that are newer than itself")
        before = _time(details["before"])
        _require_signed(details, key)
        return cls(details["leaves"], before, told.at, told.leaf, first, last)

    def within(self, first: int, end: int) -> Iterator[int]:
        """Give the leaves that it names of those from `first` on and before `end`."""
        for begin, last in read_leaves(self.leaves):
            yield from range(max(begin, first), min(last + 1, end))


def text(origin: str, leaves: Iterable[int], before: datetime) -> bytes:
    """Return what the log's key signs before a deletion. leaves: rising. before: in whole seconds."""
    return _text(origin, write_leaves(leaves), timestamp(before))


def event(origin: str, leaves: Sequence[int], before: datetime, signature: bytes) -> Event:
    """Return the event that tells of a deletion; signature: over `text` of the same."""
    details = {
        "leaves": write_leaves(leaves),
        "count": str(len(leaves)),
        "before": timestamp(before),
        "signature": b64.url_encode(signature),
    }
    return Event(KIND, "server", subject(origin), details=details)


def subject(origin: str) -> str:
    """Return the log as events name it."""
    return f"log:{origin}"


def write_leaves(numbers: Iterable[int]) -> str:
    """Write numbers that rise as runs: `0-811,813`."""
    runs: list[Run] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def read_leaves(text: str) -> list[Run]:
    """Read what `write_leaves` wrote. Raises Invalid on any other text, and on none."""
    runs: list[Run] = []
    for part in text.split(","):
        found = RUN.fullmatch(part)
        if found is None:
            raise Invalid("its leaves are not numbers and runs of numbers")
        run = (int(found[1]), int(found[2] or found[1]))
        joins = bool(runs) and run[0] <= runs[-1][1] + 1
        if joins or run[1] < run[0] or (found[2] is not None and run[0] == run[1]):
            raise Invalid("its leaves are not runs that rise and do not touch")
        runs.append(run)
    return runs


def _time(text: str) -> datetime:
    try:
        moment = read_timestamp(text)
    except ValueError as fault:
        raise Invalid("its time is not one in UTC and whole seconds") from fault
    if timestamp(moment) != text:
        raise Invalid("its time is not one in UTC and whole seconds")
    return moment


def _text(origin: str, leaves: str, before: str) -> bytes:
    return f"{FORMAT}\n{origin}\n{leaves}\n{before}\n".encode()


def _require_signed(details: Mapping[str, str], key: VerifierKey) -> None:
    try:
        key.require_signed(_text(key.name, details["leaves"], details["before"]), b64.url_decode(details["signature"]))
    except BadRequest as fault:
        raise Invalid("the log's key did not sign it") from fault
