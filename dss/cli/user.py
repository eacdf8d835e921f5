"""Commands over signers and their phones."""

from typing import Annotated, Any

import typer

from dss.cli import user_signing_in
from dss.cli.device import show_phones
from dss.cli.operators import tell_proposed
from dss.cli.running import OPERATOR, After, AsJson, Limit, run, show, show_all
from dss.kernel.clock import timestamp
from dss.kernel.ids import ClientId, UserId
from dss.operators.model import Proposal
from dss.settings import TokenName
from dss.transactions.asking import Block
from dss.users.model import User
from dss.users.service import NewUser
from dss.wiring import Services

app = typer.Typer(no_args_is_help=True)
app.command("letter-password")(user_signing_in.letter_password)
app.command("sessions")(user_signing_in.sessions)
app.command("sign-out")(user_signing_in.sign_out)
app.command("certificate")(user_signing_in.certificate)
app.command("factors")(user_signing_in.factors)
app.command("applications")(user_signing_in.applications)
Login = Annotated[str, typer.Argument(help="The signer's login.")]


@app.command()
def register(
    login: Annotated[str, typer.Option(help="A short name, unique here; it never changes.")],
    email: Annotated[str, typer.Option(help="Where letters go.")],
    given_name: Annotated[str, typer.Option(help="As certificates name the person.")],
    surname: Annotated[str, typer.Option(help="As certificates name the person.")],
    country: Annotated[str, typer.Option(help="ISO 3166-1 alpha-2.")],
    locale: Annotated[str, typer.Option(help="The language of letters: en, ru, uk or ro.")] = "en",
    serial_number: Annotated[str | None, typer.Option(help="EN 319 412-1, as PNOUA-3012345678.")] = None,
    organization: Annotated[str | None, typer.Option(help="Where certificates name one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Register a signer."""
    new = NewUser(
        login=login,
        email=email,
        given_name=given_name,
        surname=surname,
        country=country,
        serial_number=serial_number,
        organization=organization,
        locale=locale,
    )
    registered = run(lambda services: services.users.register(new, OPERATOR), TokenName.SERVICE)
    show(_shown(registered), as_json=as_json)


@app.command()
def enrol(login: Login, as_json: AsJson = False) -> None:
    """Send a signer the two letters that bind a phone; they end any earlier ones."""

    async def invite(services: Services) -> dict[str, Any]:
        invitation = await services.inviting.invite(await services.users.by_login(login), OPERATOR)
        return {"enrolment": invitation.enrolment_id, "expires": timestamp(invitation.expires_at)}

    show(run(invite, TokenName.SERVICE), as_json=as_json)


@app.command()
def phones(login: Login, as_json: AsJson = False) -> None:
    """List a signer's phones."""
    show_phones(login, as_json=as_json)


@app.command()
def blocks(login: Login, as_json: AsJson = False) -> None:
    """List the relying applications that may not ask a signer: the signer said that a request was not theirs."""

    async def of(services: Services) -> list[Block]:
        return await services.blocking.standing((await services.users.by_login(login)).id)

    show_all([_shown_block(block) for block in run(of, TokenName.SERVICE)], as_json=as_json)


@app.command()
def allow(
    login: Login,
    client: Annotated[str, typer.Argument(metavar="CLIENT_ID", help="The application's id, as `blocks` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Let a relying application ask a signer again who had stopped it; the signer is written to."""

    async def lift(services: Services) -> Block | Proposal:
        user = await services.users.by_login(login)
        return await services.blocking.allow(user.id, ClientId(client), OPERATOR)

    done = run(lift, TokenName.SERVICE)
    if isinstance(done, Proposal):
        tell_proposed(done, as_json=as_json)
        return
    show({"login": login, "application": done.name, "state": "allowed"}, as_json=as_json)


@app.command("list")
def list_(
    after: After = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the signers."""
    found = run(lambda services: services.users.list(UserId(after) if after else None, limit), TokenName.SERVICE)
    show_all([_shown(user) for user in found], as_json=as_json)


def _shown_block(block: Block) -> dict[str, Any]:
    return {"id": block.pair.client_id, "application": block.name, "since": timestamp(block.blocked_at)}


def _shown(user: User) -> dict[str, Any]:
    return {"id": user.id, "login": user.login, "name": user.name, "email": user.email}
