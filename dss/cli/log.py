"""Commands over the log as a whole: verify it, export it, check what was exported."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dss.audit import exported
from dss.audit.exported import Period, Summary
from dss.audit.note import LONGEST_NOTE
from dss.cli import given
from dss.cli.running import OPERATOR, AsJson, leave, run, show, show_all
from dss.kernel.clock import timestamp
from dss.kernel.errors import DssError
from dss.settings import TokenName
from dss.transactions.auditing import Report

LONGEST_LINE = 1024 * 1024

LogKey = Annotated[str, typer.Option(help="The log's key, as `dss audit log-key` prints it, or a file with it.")]
Since = Annotated[datetime, typer.Option("--from", parser=given.moment, metavar="TIME", help="From this time on.")]
Until = Annotated[datetime, typer.Option("--to", parser=given.moment, metavar="TIME", help="Before this time.")]


def verify(
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint of the log that you kept.")] = None,
    log_key: Annotated[
        str | None, typer.Option(help="The log's key, or a file with it; by default the HSM's is asked for.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read the whole log, and show what is not as it was written; ends with 1 when there is anything.

    Events are held against the tree, the tree against its checkpoints, sealed rows and evidence against the events.
    """
    kept = None if checkpoint is None else given.text_of(checkpoint, LONGEST_NOTE)
    key = None if log_key is None else given.log_key(log_key)
    needs = [TokenName.SERVICE] if key is None else []
    report = run(lambda s: s.auditing.verify(key, kept), *needs)
    if as_json:
        show(_read(report) | {"findings": [asdict(finding) for finding in report.findings]}, as_json=True)
    elif report.findings:
        show_all([asdict(finding) for finding in report.findings], as_json=False)
    else:
        show(_read(report) | {"witnesses": _witnesses(report)}, as_json=False)
    if report.findings:
        raise leave(f"findings: {len(report.findings)}" + (", and the reading ended there" if report.cut else ""))


def log_key() -> None:
    """Print the log's public key: take it from here, not from the server that is to be checked."""
    typer.echo(run(lambda s: s.auditing.log_key(), TokenName.SERVICE).text)


def export(
    since: Since,
    until: Until,
    out: Annotated[Path, typer.Option(help="The new file; its signed note is written beside it, as FILE.note.")],
    as_json: AsJson = False,
) -> None:
    """Write the sealed events of a period to a file, one a line, with a note signed by the log's key."""
    try:
        period = Period(since, until)
    except DssError as fault:
        raise leave(fault.detail) from fault
    with given.new_file(out) as file:
        done = run(lambda s: s.exporting.export(period, file.write, OPERATOR), TokenName.SERVICE)
        with given.new_file(_note(out)) as note:
            note.write(done.note.encode())
    show(_told(done.summary), as_json=as_json)


def check_export(
    file: Annotated[Path, typer.Argument(help="The exported file; FILE.note is beside it.")],
    log_key: LogKey,
    as_json: AsJson = False,
) -> None:
    """Check an exported file offline: its note's signature, its hash, the form of each line."""
    key, note = given.log_key(log_key), given.text_of(_note(file), LONGEST_NOTE)
    try:
        with file.open("rb") as lines:
            summary = exported.check(iter(lambda: lines.readline(LONGEST_LINE), b""), note, key)
    except OSError as fault:
        raise leave(f"{file} cannot be read: {fault.strerror}") from fault
    except DssError as fault:
        raise leave(f"{fault.title}: {fault.detail}") from fault
    show(_told(summary), as_json=as_json)


def _note(file: Path) -> Path:
    return file.with_name(f"{file.name}.note")


def _read(report: Report) -> dict[str, Any]:
    seen = report.seen
    return {
        "events": report.events,
        "leaves": seen.leaves,
        "deleted": seen.deleted,
        "checkpoint": seen.newest,
        "witnesses": seen.cosigned,
        "sealed rows": report.rows,
        "evidence": report.evidence,
    }


def _witnesses(report: Report) -> str:
    """Return how far each witness cosigned the log."""
    return ", ".join(f"{name} ({size})" for name, size in report.seen.cosigned.items()) or "none"


def _told(summary: Summary) -> dict[str, Any]:
    return {
        "log": summary.origin,
        "from": timestamp(summary.period.since),
        "to": timestamp(summary.period.until),
        "events": summary.lines,
        "sha256": summary.sha256.hex(),
    }
