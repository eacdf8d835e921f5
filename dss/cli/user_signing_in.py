"""Commands over how a signer signs in: the letter for the password, sessions, certificates."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dss.cli.given import bytes_of
from dss.cli.running import OPERATOR, AsJson, leave, run, show, show_all
from dss.clients.model import Client
from dss.kernel.clock import timestamp
from dss.kernel.errors import NotFound
from dss.kernel.ids import GrantId, UserId
from dss.login.certificates import LARGEST
from dss.login.held_factors import Held
from dss.login.model import Session, SignerCertificate
from dss.oauth.grant import Grant
from dss.settings import TokenName
from dss.wiring import Services

Login = Annotated[str, typer.Argument(help="The signer's login.")]


def letter_password(login: Login, as_json: AsJson = False) -> None:
    """Send a signer the letter by which they set a password; it ends any earlier one."""
    expires = run(lambda services: services.login.send_letter(login, OPERATOR), TokenName.SERVICE)
    show({"login": login, "expires": timestamp(expires)}, as_json=as_json)


def sessions(login: Login, as_json: AsJson = False) -> None:
    """List where a signer is signed in."""

    async def of(services: Services) -> list[Session]:
        return await services.login.sessions_of((await services.users.by_login(login)).id)

    show_all([_shown_session(session) for session in run(of, TokenName.SERVICE)], as_json=as_json)


def sign_out(login: Login, as_json: AsJson = False) -> None:
    """End all sessions of a signer, also those that are being signed in to, and what applications were allowed."""

    async def end(services: Services) -> int:
        user = await services.users.by_login(login)
        why = "ended by an operator"
        await services.grants.end_all_of(user.id, why, OPERATOR)
        return await services.login.end_all(user.id, why, OPERATOR)

    show({"login": login, "ended": run(end, TokenName.SERVICE)}, as_json=as_json)


def certificate(
    login: Login,
    file: Annotated[
        Path | None, typer.Argument(help="The certificate in PEM or DER; without it those that there are are listed.")
    ] = None,
    remove: Annotated[str | None, typer.Option(metavar="SHA256", help="The one that opens nothing any more.")] = None,
    as_json: AsJson = False,
) -> None:
    """Register, list or remove the certificates by which a signer signs in."""
    if file is not None and remove is not None:
        raise leave("either a certificate is registered, or one is removed")
    content = bytes_of(file, LARGEST) if file is not None else None

    async def do(services: Services) -> list[SignerCertificate]:
        user, kept = await services.users.by_login(login), services.login.certificates
        if content is not None:
            return [await kept.add(user.id, content, OPERATOR)]
        if remove is not None:
            return [await kept.remove(user.id, remove, OPERATOR)]
        return await kept.of_user(user.id)

    show_all([_shown_certificate(one) for one in run(do, TokenName.SERVICE)], as_json=as_json)


def factors(
    login: Login,
    remove: Annotated[
        str | None, typer.Option(metavar="ID", help="Remove a passkey by its id, or `totp`, the authenticator app.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what completes a signer's sign-ins beside the phone, or remove one: the signer is written to."""

    async def do(services: Services) -> tuple[Held, ...]:
        user, kept = await services.users.by_login(login), services.held_factors
        if remove is not None:
            await kept.take_away(user.id, remove, OPERATOR)
        return await kept.of(user.id)

    show_all([_shown_factor(one) for one in run(do, TokenName.SERVICE)], as_json=as_json)


def applications(
    login: Login,
    end: Annotated[str | None, typer.Option(metavar="ID", help="End this one, with all its tokens.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what a signer allows applications, each time they were asked, or end one of it."""

    async def do(services: Services) -> list[dict[str, Any]]:
        user = await services.users.by_login(login)
        if end is not None:
            await _end(services, user.id, GrantId(end))
        living = await services.grants.living(user.id)
        return [_shown_grant(one, await services.clients.get(one.client_id)) for one in living]

    show_all(run(do, TokenName.SERVICE), as_json=as_json)


async def _end(services: Services, user_id: UserId, id: GrantId) -> None:
    if id not in {one.id for one in await services.grants.living(user_id)}:
        raise NotFound("the signer allows no application anything by this id")
    await services.grants.end(id, "ended by an operator", OPERATOR)


def _shown_factor(held: Held) -> dict[str, Any]:
    return {"id": held.id, "kind": held.kind.value, "name": held.name, "added": timestamp(held.added_at)}


def _shown_grant(grant: Grant, client: Client) -> dict[str, Any]:
    return {
        "id": grant.id,
        "application": client.name,
        "scopes": " ".join(grant.scopes),
        "since": timestamp(grant.created_at),
        "until": timestamp(grant.expires_at),
    }


def _shown_session(session: Session) -> dict[str, Any]:
    second = session.second.value if session.second else ""
    return {
        "id": session.id,
        "by": f"{session.first} {second}",
        "since": timestamp(session.created_at),
        "used": timestamp(session.used_at),
        "address": session.address,
        "browser": session.agent,
    }


def _shown_certificate(certificate: SignerCertificate) -> dict[str, Any]:
    state = "removed" if certificate.removed_at else "registered"
    return {"sha256": certificate.sha256, "subject": certificate.subject, "state": state}
