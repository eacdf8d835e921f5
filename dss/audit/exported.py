"""The form of an exported stretch of the log, and how it is checked offline.

Source: docs/transparency-log.md section 7.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from dss.audit.event import SALT_BYTES, Outcome, Recorded
from dss.audit.note import Note, VerifierKey
from dss.kernel import b64, canonical
from dss.kernel.clock import read_precise_timestamp, read_timestamp, timestamp
from dss.kernel.errors import BadRequest, DssError
from dss.kernel.ids import is_id

FORMAT = "dss-audit-export/v1"
TEXTS = ("actor", "at", "id", "kind", "outcome", "subject")
MEMBERS = frozenset({*TEXTS, "details"})
SEALED = frozenset({"row", "seal", "version"})
COUNT = re.compile(r"0|[1-9][0-9]{0,15}")


class ExportRefused(BadRequest):
    """A file that is not what the log exported; the detail names what is wrong."""

    code, title = "export_refused", "The export is not good"


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, in whole seconds: since its first moment, and before `until`. Raises ExportRefused."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.until <= self.since or self.since.microsecond or self.until.microsecond:
            raise ExportRefused("a period ends after it begins, and both are whole seconds")


@dataclass(frozen=True, slots=True)
class Summary:
    """What the note beside an export says. sha256: of the file, 32 bytes."""

    origin: str
    period: Period
    lines: int
    sha256: bytes

    @property
    def text(self) -> str:
        """The text of the note."""
        period = f"{timestamp(self.period.since)} {timestamp(self.period.until)}"
        return f"{FORMAT}\n{self.origin}\n{period}\n{self.lines}\n{b64.encode(self.sha256)}\n"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `text` gives. Raises ExportRefused on any other text."""
        try:
            form, origin, period, lines, digest, _ = text.split("\n")
            since, until = (read_timestamp(part) for part in period.split(" "))
            summary = cls(origin, Period(since, until), int(lines), b64.decode(digest))
        except (ValueError, BadRequest) as fault:
            raise ExportRefused("the note is not one of an export") from fault
        if form != FORMAT or not COUNT.fullmatch(lines) or summary.text != text:
            raise ExportRefused("the note is not one of an export")
        return summary


def line(event: Recorded) -> bytes:
    """Return a line of the file. Raises ValueError for an event that is not sealed."""
    if event.leaf is None or event.salt is None:
        raise ValueError("only sealed events are exported")
    member = {"event": event.members(), "leaf": event.leaf, "salt": b64.url_encode(event.salt)}
    return canonical.encode(member) + b"\n"


def check(lines: Iterable[bytes], note: str, key: VerifierKey) -> Summary:
    """Check an export against its note and the log's key, and return what the note says. Opens nothing.

    lines: of the file, each with its newline. Raises ExportRefused, naming the line.
    """
    try:
        signed = Note.read(note)
        signed.require_signed_by(key)
    except BadRequest as fault:
        raise ExportRefused(f"the note: {fault.detail}") from fault
    summary = Summary.read(signed.text)
    if summary.origin != key.name:
        raise ExportRefused("the note is of another log than the key")
    digest, count, last = hashlib.sha256(), 0, -1
    for count, text in enumerate(lines, 1):
        digest.update(text)
        last = _checked(text, count, last, summary.period)
    if (count, digest.digest()) != (summary.lines, summary.sha256):
        raise ExportRefused("the file is not the one that the note was signed for")
    return summary


def _checked(text: bytes, number: int, last: int, period: Period) -> int:
    """Check one line; return its leaf number."""
    try:
        if not text.endswith(b"\n"):
            raise BadRequest("it does not end with a newline")
        found = canonical.decode(text[:-1])
        at = _require_form(found)
    except (DssError, ValueError) as fault:
        raise ExportRefused(f"line {number}: {fault}") from fault
    if not period.since <= at < period.until:
        raise ExportRefused(f"line {number}: the event is not of the period")
    if found["leaf"] <= last:
        raise ExportRefused(f"line {number}: the leaf numbers do not rise")
    return int(found["leaf"])


def _require_form(found: Any) -> datetime:
    """Return when the event of a line happened. Raises BadRequest and ValueError for what is no line."""
    if not isinstance(found, dict) or found.keys() != {"event", "leaf", "salt"}:
        raise BadRequest("it does not have the members event, leaf and salt")
    if type(found["leaf"]) is not int or found["leaf"] < 0:
        raise BadRequest("its leaf is no number from 0")
    if not isinstance(found["salt"], str) or len(b64.url_decode(found["salt"])) != SALT_BYTES:
        raise BadRequest(f"its salt is not {SALT_BYTES} bytes")
    return _require_event(found["event"])


def _require_event(event: Any) -> datetime:
    if not isinstance(event, dict) or event.keys() - {"sealed"} != MEMBERS:
        raise BadRequest("its event has other members than an event")
    details = event["details"]
    texts = [event[name] for name in TEXTS] + (list(details.values()) if isinstance(details, dict) else [None])
    if not all(isinstance(text, str) for text in texts) or not is_id(event["id"]):
        raise BadRequest("a member of its event has another form")
    Outcome(event["outcome"])
    if "sealed" in event:
        _require_sealed(event["sealed"])
    return read_precise_timestamp(event["at"])


def _require_sealed(sealed: Any) -> None:
    if not isinstance(sealed, dict) or sealed.keys() != SEALED:
        raise BadRequest("its event's member sealed has other members")
    if not isinstance(sealed["row"], str) or type(sealed["version"]) is not int or not isinstance(sealed["seal"], str):
        raise BadRequest("its event's member sealed has another form")
    b64.url_decode(sealed["seal"])
