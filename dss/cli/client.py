"""Commands over relying applications."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dss.cli import client_change
from dss.cli.client_change import Id
from dss.cli.client_options import (
    Certificate,
    Dpop,
    Grant,
    Introspects,
    Logo,
    Par,
    RedirectUri,
    TlsSubject,
    Wanted,
    keys_of,
    summary,
    whole,
)
from dss.cli.operators import tell_proposed
from dss.cli.policy import Biometric, Clear, DeviceLink, Given, Offline, Session, Verification, lines, show_policy
from dss.cli.running import OPERATOR, After, AsJson, Limit, run, show, show_all
from dss.clients.model import OPERATORS, RELYING
from dss.clients.profile import Profile
from dss.clients.service import NewClient, Registered
from dss.kernel.ids import ClientId
from dss.kernel.policy import Policy
from dss.operators.model import Proposal
from dss.settings import TokenName
from dss.wiring import Services

app = typer.Typer(no_args_is_help=True)
app.add_typer(client_change.app)


@app.command()
def register(
    name: Annotated[str, typer.Option(help="What phones show of this application.")],
    scope: Annotated[list[str], typer.Option(help="What it may do; once or more.")] = list(RELYING),  # noqa: B006
    jwks: Annotated[Path | None, typer.Option(help="Its public keys (JWK Set), for private_key_jwt.")] = None,
    contact: Annotated[str, typer.Option(help="An e-mail address of those who run it.")] = "",
    secret: Annotated[bool, typer.Option("--secret", help="Make a client secret and print it once.")] = False,
    redirect_uri: RedirectUri = None,
    grant: Grant = None,
    public: Annotated[bool, typer.Option("--public", help="It cannot keep a secret, as apps of people's own.")] = False,
    par: Par = None,
    dpop: Dpop = None,
    introspects: Introspects = None,
    certificate: Certificate = None,
    tls_subject: TlsSubject = None,
    logo: Logo = None,
    as_json: AsJson = False,
) -> None:
    """Register a relying application."""
    wanted = Wanted(
        redirect_uri=redirect_uri,
        grant=grant,
        par=par,
        dpop=dpop,
        introspects=introspects,
        certificate=certificate,
        tls_subject=tls_subject,
        logo=logo,
    ).change()
    keys = None if jwks is None else keys_of(jwks)
    profile = wanted.profile_over(Profile(public=public))
    new = NewClient(name, tuple(scope), keys, secret, contact, profile, wanted.logo)
    registered = run(lambda services: _register(services, new), TokenName.SERVICE)
    if isinstance(registered, Proposal):
        tell_proposed(registered, as_json=as_json)
        return
    shown = summary(registered.client)
    show(shown if registered.secret is None else shown | {"secret": registered.secret}, as_json=as_json)


@app.command("show")
def show_one(id: Id, as_json: AsJson = False) -> None:
    """Show an application's registration, what is asked of confirmations for it, and how much signers allow it now."""

    async def all_of(services: Services) -> dict[str, Any]:
        client = await services.clients.get(ClientId(id))
        policy = await services.policies.of_client(client.id)
        living = await services.grants.living_of_client(client.id)
        told = {"policy": policy.member()} if as_json else lines(policy)
        return whole(client) | told | {"living grants": len(living)}

    show(run(all_of, TokenName.SERVICE), as_json=as_json)


@app.command("list")
def list_(
    after: After = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the relying applications."""
    found = run(lambda services: services.clients.list(ClientId(after) if after else None, limit), TokenName.SERVICE)
    show_all([summary(client) for client in found], as_json=as_json)


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
    """Show what is asked of confirmations for an application, at least, or change it; keys' policies hold besides."""
    given = Given(verification, device_link, biometric, offline, session, clear)
    done = run(lambda services: _policy(services, ClientId(id), given), TokenName.SERVICE)
    show_policy(id, done, as_json=as_json)


async def _policy(services: Services, id: ClientId, given: Given) -> Policy | Proposal:
    old = await services.policies.of_client(id)
    return old if given.is_empty else await services.policies.change_client(id, given.over(old), OPERATOR)


async def _register(services: Services, new: NewClient) -> Registered | Proposal:
    # Who may make operators' clients alone is two operators.
    if OPERATORS in new.scopes and (
        proposal := await services.approvals.second("client.register", f"client-name:{new.name}", OPERATOR)
    ):
        return proposal
    return await services.clients.register(new, OPERATOR)
