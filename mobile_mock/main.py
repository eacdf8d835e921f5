"""The command line of the phone."""

import typer

from mobile_mock.cli import answer, change, enrol, history, look, owned, scan, watch
from mobile_mock.exits import MEANING

ENDS = "\n\n".join(f"{int(code)}  {meaning}" for code, meaning in MEANING.items())

app = typer.Typer(
    name="mobile-mock",
    help="The phone in a terminal: enrols, shows what is to be signed or changed, confirms or declines it.",
    epilog=f"Exit codes:\n\n{ENDS}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for commands in (enrol, look, answer, watch, scan, owned, change, history):
    app.add_typer(commands.app)
