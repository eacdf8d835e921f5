"""What waits for a second operator."""

from typing import Any

import typer

from dss.cli.running import AsJson, run, show, show_all
from dss.kernel.clock import timestamp
from dss.operators.model import OPEN_FOR, Proposal
from dss.settings import TokenName


def list_open(as_json: AsJson = False) -> None:
    """List what one operator proposed and a second one has not agreed to yet."""
    found = run(lambda services: services.approvals.list_open(), TokenName.SERVICE)
    show_all([_shown(proposal) for proposal in found], as_json=as_json)


def tell_proposed(proposal: Proposal, *, as_json: bool) -> None:
    """Say that nothing is done before a second operator agrees."""
    if as_json:
        show({"proposed": _shown(proposal)}, as_json=True)
        return
    typer.echo(f"proposed: a second operator must run the same command within {OPEN_FOR.total_seconds() / 3600:.0f} h")


def _shown(proposal: Proposal) -> dict[str, Any]:
    return {
        "action": proposal.action,
        "subject": proposal.subject,
        "proposed by": proposal.proposed_by,
        "until": timestamp(proposal.expires_at),
    }
