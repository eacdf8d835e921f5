"""Commands over the audit log."""

from typing import Annotated

import typer

from dss.audit.event import Recorded
from dss.cli.running import OPERATOR, AsJson, run, show_all
from dss.kernel.clock import timestamp
from dss.settings import TokenName

app = typer.Typer(no_args_is_help=True)


@app.command("show")
def show_(
    subject: Annotated[str | None, typer.Option(help="Only on this: transaction:ID, user:ID, ...")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10000, help="The newest only, so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show events, newest first; of one subject, oldest first."""
    found = run(lambda s: s.audit.of_subject(subject) if subject else s.audit.newest(limit))
    found = found[-limit:]
    if as_json:
        show_all([_shown(recorded) for recorded in found], as_json=True)
        return
    for recorded in found:
        typer.echo("  ".join(_shown(recorded).values()))


@app.command()
def adopt() -> None:
    """Seal the rows of a version that had no seals, once after its upgrade: as they are now, so look at them before."""
    done = run(lambda s: s.adopting.adopt_all(OPERATOR), TokenName.SERVICE)
    show_all([{"rows": kind, "sealed": count} for kind, count in done.items()], as_json=False)


def _shown(recorded: Recorded) -> dict[str, str]:
    event = recorded.event
    details = " ".join(f"{name}={value}" for name, value in event.details.items())
    return {
        "at": timestamp(recorded.at),
        "event": event.kind,
        "outcome": event.outcome.value,
        "actor": event.actor,
        "subject": event.subject,
        "details": details,
    }
