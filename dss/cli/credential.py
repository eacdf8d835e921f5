"""Commands over signers' credentials."""

from typing import Annotated, Any

import typer

from dss.ca.model import Reason
from dss.cli.operators import tell_proposed
from dss.cli.policy import Biometric, Clear, DeviceLink, Given, Offline, Session, Verification, show_policy
from dss.cli.running import OPERATOR, After, AsJson, Limit, run, show, show_all
from dss.credentials.model import Credential
from dss.kernel.clock import timestamp
from dss.kernel.ids import CredentialId
from dss.kernel.keyspec import KeySpec
from dss.kernel.policy import Policy
from dss.operators.model import Proposal
from dss.settings import TokenName
from dss.transactions.model import OpenCreation
from dss.wiring import Services

app = typer.Typer(no_args_is_help=True)
Login = Annotated[str, typer.Argument(help="The signer's login.")]
Id = Annotated[str, typer.Argument(help="The credential's id, as `dss credential list` shows it.")]


@app.command()
def create(
    login: Login,
    key_type: Annotated[KeySpec, typer.Option(help="The kind of key.")] = KeySpec.P256,
    replaces: Annotated[
        str | None, typer.Option(metavar="ID", help="A credential that is revoked the moment the new one begins.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a signer's phone to confirm a new key and certificate."""
    old = CredentialId(replaces) if replaces else None
    wish = OpenCreation(None, login, key_type, old, operator=OPERATOR)
    opened = run(lambda services: services.opening.open_creation(wish), TokenName.SERVICE)
    shown = {"id": opened.credential_id, "transaction": opened.id, "expires": timestamp(opened.expires_at)}
    show(shown | ({"mode": opened.mode.value, "number": opened.number} if opened.number else {}), as_json=as_json)


@app.command("list")
def list_(login: Login, after: After = None, limit: Limit = 100, as_json: AsJson = False) -> None:
    """List a signer's credentials, oldest first, revoked and destroyed ones too."""

    async def of(services: Services) -> list[Credential]:
        user = await services.users.by_login(login)
        return await services.credentials.page(user.id, CredentialId(after) if after else None, limit)

    show_all([_shown(credential) for credential in run(of, TokenName.SERVICE)], as_json=as_json)


@app.command()
def suspend(id: Id, as_json: AsJson = False) -> None:
    """Block a key at once: what waits for it is cancelled, and only an operator resumes it."""
    _show_state(run(lambda services: services.keys.suspend(CredentialId(id), OPERATOR), TokenName.SERVICE), as_json)


@app.command()
def resume(id: Id, as_json: AsJson = False) -> None:
    """Let a suspended key be used again."""
    done = run(lambda services: services.keys.resume(CredentialId(id), OPERATOR), TokenName.SERVICE)
    if isinstance(done, Proposal):
        tell_proposed(done, as_json=as_json)
        return
    _show_state(done, as_json)


@app.command()
def revoke(
    id: Id,
    reason: Annotated[Reason, typer.Option(help="Why, in the words of RFC 5280 section 5.3.1.")],
    as_json: AsJson = False,
) -> None:
    """Revoke a certificate for good and destroy its key; the worker publishes it within seconds."""
    revoked = run(lambda services: services.keys.revoke(CredentialId(id), reason, OPERATOR), TokenName.SERVICE)
    _show_state(revoked, as_json)


@app.command()
def destroy(id: Id, as_json: AsJson = False) -> None:
    """Destroy a key for good; its certificate stands, for what it signed before."""
    _show_state(run(lambda services: services.keys.destroy(CredentialId(id), OPERATOR), TokenName.SERVICE), as_json)


@app.command()
def policy(
    id: Id,
    verification: Verification = None,
    device_link: DeviceLink = None,
    biometric: Biometric = None,
    offline: Offline = None,
    session: Session = None,
    clear: Clear = False,
    as_json: AsJson = False,
) -> None:
    """Show what is asked of confirmations by which a key is used, or change it; what it does not allow is forbidden."""
    given = Given(verification, device_link, biometric, offline, session, clear)
    done = run(lambda services: _policy(services, CredentialId(id), given), TokenName.SERVICE)
    show_policy(id, done, as_json=as_json)


async def _policy(services: Services, id: CredentialId, given: Given) -> Policy | Proposal:
    old = (await services.credentials.get(id)).policy
    return old if given.is_empty else await services.policies.change_credential(id, given.over(old), OPERATOR)


def _shown(credential: Credential) -> dict[str, Any]:
    return {
        "id": credential.id,
        "key": credential.key_spec.value,
        "state": credential.state.value,
        "suspended by": credential.suspended_by.value if credential.suspended_by else "",
        "valid until": timestamp(credential.not_after) if credential.not_after else "",
    }


def _show_state(credential: Credential, as_json: bool) -> None:
    show({"id": credential.id, "state": credential.state.value}, as_json=as_json)
