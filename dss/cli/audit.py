"""Commands over the audit log."""

from dataclasses import asdict
from typing import Annotated

import typer

from dss.audit.event import Recorded
from dss.cli import log
from dss.cli.given import Since, Until
from dss.cli.operators import tell_proposed
from dss.cli.running import OPERATOR, After, AsJson, Limit, leave, run, show, show_all
from dss.kernel.clock import timestamp
from dss.kernel.ids import EventId
from dss.settings import TokenName
from dss.transactions.searching import Wish

app = typer.Typer(no_args_is_help=True)
ALARM = "alarm."
app.command()(log.verify)
app.command("log-key")(log.log_key)
app.command()(log.export)
app.command("check-export")(log.check_export)


@app.command("show")
def show_(
    subject: Annotated[str | None, typer.Option(help="Only on this: transaction:ID, user:ID, ...")] = None,
    kind: Annotated[str, typer.Option(help="Only events that begin so: credential., device.locked, ...")] = "",
    *,
    alarms: Annotated[bool, typer.Option("--alarms", help="Only alarms: the same as --kind alarm.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10000, help="The newest only, so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show events, newest first; of one subject, oldest first."""
    begin = ALARM if alarms else kind
    found = run(lambda s: s.audit.of_subject(subject) if subject else s.audit.newest(limit, begin))
    found = [recorded for recorded in found if recorded.event.kind.startswith(begin)][-limit:]
    _show([_shown(recorded) for recorded in found], as_json=as_json)


@app.command()
def search(
    signer: Annotated[str | None, typer.Option(metavar="LOGIN|ID", help="On or by what is this signer's.")] = None,
    client: Annotated[str | None, typer.Option(metavar="NAME|ID", help="On or by what is this application's.")] = None,
    transaction: Annotated[str | None, typer.Option(metavar="ID", help="On this transaction.")] = None,
    kind: Annotated[str, typer.Option(help="Only events that begin so: credential., device.locked, ...")] = "",
    since: Since = None,
    until: Until = None,
    after: After = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Find events to which all of this applies, oldest first."""
    wish = Wish(signer, client, transaction, kind, since, until)
    found = run(lambda s: s.searching.search(wish, EventId(after) if after else None, limit))
    _show([_found(recorded) for recorded in found], as_json=as_json)


@app.command()
def check(as_json: AsJson = False) -> None:
    """Look at every sealed row and show those that do not prove, without an alarm; ends with 1 when there are any."""
    found = run(lambda s: s.mending.check(), TokenName.SERVICE)
    show_all([asdict(finding) for finding in found], as_json=as_json)
    if found:
        raise leave(f"rows that cannot be proven: {len(found)}")


@app.command()
def end(
    kind: Annotated[str, typer.Argument(help="The row's kind, as an alarm's subject begins: device, credential, ...")],
    id: Annotated[str, typer.Argument(help="The row's id, as an alarm's subject ends.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """End a row that cannot be proven, for good: a phone is removed, a key destroyed and its certificate revoked."""
    if not yes:
        typer.confirm(f"End {kind}:{id}, for good? A backup may still have the row.", abort=True, err=True)
    proposal = run(lambda s: s.mending.end(kind, id, OPERATOR), TokenName.SERVICE)
    if proposal is not None:
        tell_proposed(proposal, as_json=as_json)
        return
    show({"ended": f"{kind}:{id}"}, as_json=as_json)


@app.command()
def adopt() -> None:
    """Seal rows of a kind that had no seals before an upgrade, once after it: as they are, so look at them before."""
    done = run(lambda s: s.adopting.adopt_all(OPERATOR), TokenName.SERVICE)
    show_all([{"rows": kind, "sealed": count} for kind, count in done.items()], as_json=False)


def _show(told: list[dict[str, str]], *, as_json: bool) -> None:
    """Print events, one a line."""
    if as_json:
        show_all([*told], as_json=True)
        return
    for one in told:
        typer.echo("  ".join(one.values()))


def _found(recorded: Recorded) -> dict[str, str]:
    leaf = "" if recorded.leaf is None else str(recorded.leaf)
    return {"id": recorded.id, "leaf": leaf, **_shown(recorded)}


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
