"""Commands over the authorization server."""

import typer

from dss.cli.running import OPERATOR, AsJson, out, run, show_all
from dss.kernel.clock import timestamp
from dss.oauth.key_rotation import Shown
from dss.oauth.token_key import ONLY
from dss.settings import TokenName

app = typer.Typer(no_args_is_help=True)


@app.command("new-key")
def new_key() -> None:
    """Make the next key that signs access tokens: it is shown at once and signs in an hour."""
    made = run(lambda services: services.key_rotation.make(OPERATOR), TokenName.SERVICE)
    out.print(f"token key {made.number} signs from {timestamp(made.signs_from)}", highlight=False)


@app.command()
def keys(as_json: AsJson = False) -> None:
    """List the keys that sign access tokens: the one in use, the next, and the last until its tokens have ended."""
    found = run(lambda services: services.key_rotation.list(), TokenName.SERVICE)
    show_all([_row(shown) for shown in found], as_json=as_json)


def _row(shown: Shown) -> dict[str, str | int]:
    return {
        "number": shown.key.number,
        "kid": shown.kid or "not in the HSM",
        "signs from": "the beginning" if shown.key in ONLY else timestamp(shown.key.signs_from),
        "use": shown.use,
    }
