"""Commands over the HSM."""

from typing import Any

import typer

from dss.cli.running import AsJson, run, show
from dss.wiring import Services

app = typer.Typer(no_args_is_help=True)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Ask each token for a small piece of work, and count the box keys."""

    async def ask(services: Services) -> dict[str, Any]:
        for keys in (services.tokens.user, services.tokens.ca, services.tokens.service):
            if keys is not None:
                await keys.check()
        return {"tokens": "in order", "box keys": len(await services.tokens.service.box_key_ids())}

    show(run(ask), as_json=as_json)
