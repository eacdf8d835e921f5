"""Commands that change a relying application's registration."""

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from dss.cli.client_options import (
    Certificate,
    Clear,
    Dpop,
    Grant,
    Introspects,
    Logo,
    Par,
    RedirectUri,
    TlsSubject,
    Wanted,
    keys_of,
    whole,
)
from dss.cli.operators import tell_proposed
from dss.cli.running import OPERATOR, AsJson, leave, run, show
from dss.clients.change import Change, told
from dss.clients.jwks import require_public_keys
from dss.clients.model import OPERATORS, Client, require_acceptable
from dss.kernel import canonical
from dss.kernel.ids import ClientId
from dss.operators.model import Proposal
from dss.settings import TokenName
from dss.wiring import Services

app = typer.Typer()
Id = Annotated[str, typer.Argument(help="The application's id, as `dss client list` shows it.")]


@app.command()
def change(
    id: Id,
    contact: Annotated[str | None, typer.Option(help="An e-mail address of those who run it.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="What it may do; all of it, once or more.")] = None,
    redirect_uri: RedirectUri = None,
    grant: Grant = None,
    par: Par = None,
    dpop: Dpop = None,
    introspects: Introspects = None,
    certificate: Certificate = None,
    tls_subject: TlsSubject = None,
    logo: Logo = None,
    clear: Clear = None,
    as_json: AsJson = False,
) -> None:
    """Change an application's registration: what is given takes the place of all that there was of it."""
    given = Wanted(contact, scope, redirect_uri, grant, par, dpop, introspects, certificate, tls_subject, logo).change(
        *clear or ()
    )
    if given.is_empty:
        raise leave("nothing is given to change; `dss client show` tells what there is")
    done = run(lambda services: _change(services, ClientId(id), given), TokenName.SERVICE)
    _tell(done, whole, as_json=as_json)


@app.command("new-secret")
def new_secret(id: Id, as_json: AsJson = False) -> None:
    """Make another secret and print it once; the one before stays valid until it is dropped."""

    async def rotate(services: Services) -> str | Proposal:
        client = await services.clients.get(ClientId(id))
        proposal = await _second(services, client, "client.secret", f"client:{id}")
        return proposal or await services.clients.rotate_secret(client.id, OPERATOR)

    _tell(run(rotate, TokenName.SERVICE), lambda secret: {"id": id, "secret": secret}, as_json=as_json)


@app.command("drop-old-secret")
def drop_old_secret(id: Id, as_json: AsJson = False) -> None:
    """End the older one of an application's two secrets."""

    def drop(services: Services) -> Awaitable[Client]:
        return services.clients.drop_old_secret(ClientId(id), OPERATOR)

    show(whole(run(drop, TokenName.SERVICE)), as_json=as_json)


@app.command()
def keys(
    id: Id,
    file: Annotated[Path, typer.Argument(help="Its public keys (JWK Set): one, or two while one follows the other.")],
    as_json: AsJson = False,
) -> None:
    """Put public keys in the place of an application's."""
    jwks = keys_of(file)

    async def put(services: Services) -> Client | Proposal:
        client = await services.clients.get(ClientId(id))
        require_public_keys(jwks)
        proposal = await _second(services, client, "client.keys", f"client:{id}/{_digest(jwks)}")
        return proposal or await services.clients.set_keys(client.id, jwks, OPERATOR)

    _tell(run(put, TokenName.SERVICE), whole, as_json=as_json)


@app.command()
def suspend(id: Id, as_json: AsJson = False) -> None:
    """Stop an application: its tokens are refused, what it has open for signers ends, and it gets nothing more."""

    def stop(services: Services) -> Awaitable[Client]:
        return services.suspending.suspend(ClientId(id), OPERATOR)

    show(whole(run(stop, TokenName.SERVICE)), as_json=as_json)


@app.command()
def resume(id: Id, as_json: AsJson = False) -> None:
    """Let an application work again that was suspended; nothing that was ended comes back."""

    async def again(services: Services) -> Client | Proposal:
        client = await services.clients.get(ClientId(id))
        waits = client.profile.suspended and await services.approvals.second("client.resume", f"client:{id}", OPERATOR)
        return waits or await services.suspending.resume(client.id, OPERATOR)

    _tell(run(again, TokenName.SERVICE), whole, as_json=as_json)


async def _change(services: Services, id: ClientId, given: Change) -> Client | Proposal:
    client = await services.clients.get(id)
    new = given.over(client)
    require_acceptable(new)
    as_it_will_be = client if OPERATORS in client.scopes else new
    subject = f"client:{id}/{_digest(told(client, new))}"
    proposal = await _second(services, as_it_will_be, "client.change", subject)
    return proposal or await services.clients.change(id, given, OPERATOR)


async def _second(services: Services, client: Client, action: str, subject: str) -> Proposal | None:
    """Two operators say what an operators' client is, and how it proves itself: who could alone would need no other."""
    return await services.approvals.second(action, subject, OPERATOR) if OPERATORS in client.scopes else None


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical.encode(value)).hexdigest()[:32]


def _tell(done: Any, shown: Callable[[Any], dict[str, Any]], *, as_json: bool) -> None:
    if isinstance(done, Proposal):
        tell_proposed(done, as_json=as_json)
    else:
        show(shown(done), as_json=as_json)
