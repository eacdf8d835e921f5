"""Commands over signers' credentials."""

from typing import Annotated, Any

import typer

from dss.cli.running import AsJson, run, show, show_all
from dss.credentials.model import Credential
from dss.kernel.clock import timestamp
from dss.kernel.keyspec import KeySpec
from dss.settings import TokenName
from dss.transactions.model import OpenCreation
from dss.wiring import Services

app = typer.Typer(no_args_is_help=True)
Login = Annotated[str, typer.Argument(help="The signer's login.")]


@app.command()
def create(
    login: Login,
    key_type: Annotated[KeySpec, typer.Option(help="The kind of key.")] = KeySpec.P256,
    as_json: AsJson = False,
) -> None:
    """Ask a signer's phone to confirm a new key and certificate."""
    wish = OpenCreation(None, login, key_type)
    opened = run(lambda services: services.opening.open_creation(wish), TokenName.SERVICE)
    shown = {"id": opened.credential_id, "transaction": opened.id, "expires": timestamp(opened.expires_at)}
    show(shown, as_json=as_json)


@app.command("list")
def list_(login: Login, as_json: AsJson = False) -> None:
    """List a signer's active credentials."""

    async def of(services: Services) -> list[Credential]:
        user = await services.users.by_login(login)
        return await services.credentials.page(user.id, None, 100)

    show_all([_shown(credential) for credential in run(of)], as_json=as_json)


def _shown(credential: Credential) -> dict[str, Any]:
    until = timestamp(credential.not_after) if credential.not_after else ""
    return {"id": credential.id, "key": credential.key_spec.value, "valid until": until}
