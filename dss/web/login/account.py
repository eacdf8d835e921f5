"""A signer's own account: what signs in as them, and what may act for them."""

from collections.abc import Mapping

from starlette.responses import Response

from dss.clients.model import Client
from dss.kernel.errors import Forbidden, Invalid, NotFound, Tampered, Unauthenticated
from dss.kernel.ids import ClientId, GrantId, LoginId, is_id
from dss.login.model import Factor, Standing
from dss.oauth.grant import Grant, Stage
from dss.web.pages.local import ACCOUNT, local
from dss.web.pages.visit import Visit


async def show(visit: Visit) -> Response:
    """Show the account whole."""
    services, session = visit.services, visit.signed_in()
    grants = [one for one in await services.grants.living(session.user_id) if one.stage is Stage.REDEEMED]
    now = services.clock.now()
    return visit.page(
        "login/account.html",
        session=session,
        sessions=await services.login.sessions_of(session.user_id),
        passkeys=await services.passkeys.list(session.user_id),
        has_authenticator=await services.authenticators.is_there(session.user_id),
        grants=grants,
        clients=await _clients(visit, grants),
        phones=[(phone, phone.standing(now)) for phone in await services.devices.of_user(session.user_id)],
        done=visit.query.get("done", ""),
    )


async def end_session(visit: Visit) -> Response:
    """End another session of the signer."""
    await visit.services.login.end_one(visit.signed_in(), LoginId(_id(visit)))
    return visit.go(ACCOUNT, done="session")


async def end_others(visit: Visit) -> Response:
    """End all sessions of the signer but this one."""
    await visit.services.login.end_others(visit.signed_in())
    return visit.go(ACCOUNT, done="sessions")


async def revoke(visit: Visit) -> Response:
    """Take back all that an application was allowed; the button names one of its grants."""
    session, id, grants = visit.signed_in(), _id(visit), visit.services.grants
    client_id = {grant.id: grant.client_id for grant in await grants.living(session.user_id)}.get(GrantId(id))
    if client_id is None:
        raise NotFound
    await grants.end_all_between(session.user_id, client_id, "taken back by the signer", session.actor)
    return visit.go(ACCOUNT, done="application")


async def show_password(visit: Visit) -> Response:
    """Show the form by which the password is changed."""
    visit.signed_in()
    return visit.page("login/change_password.html", fault="")


async def take_password(visit: Visit) -> Response:
    """Change the password; all other sessions end."""
    session, old, new = visit.signed_in(), visit.form.get("old", ""), visit.form.get("password", "")
    if new != visit.form.get("repeated", ""):
        return visit.page("login/change_password.html", Invalid.status, fault="differs")
    try:
        await visit.services.login.change(session, old, new, visit.where)
    except Unauthenticated:
        return visit.page("login/change_password.html", Forbidden.status, fault="wrong")
    except Invalid as error:
        return visit.page("login/change_password.html", error.status, fault="weak")
    return visit.go(ACCOUNT, done="password")


async def sign_out(visit: Visit) -> Response:
    """End this session, a half one too, and go on to signing in."""
    services, session = visit.services, visit.session
    if session is not None:
        if session.standing is Standing.HALF and Factor.PHONE in await services.login.second_factors(session.user_id):
            await services.phone_factor.give_up(session)
        await services.login.end(session)
    response = visit.go("/signin", then=local(visit.form.get("then", ACCOUNT)))
    visit.jar.drop_session(response)
    return response


async def _clients(visit: Visit, grants: list[Grant]) -> Mapping[ClientId, Client | None]:
    return {id: await _client(visit, id) for id in {grant.client_id for grant in grants}}


async def _client(visit: Visit, id: ClientId) -> Client | None:
    """Return an application; None for one that was altered: what it was allowed can be taken back all the same."""
    try:
        return await visit.services.clients.get(id)
    except (NotFound, Tampered):
        return None


def _id(visit: Visit) -> str:
    """Return what a button names. What cannot be an id is not looked up: databases refuse some texts."""
    id = visit.form.get("id", "")
    if not is_id(id):
        raise NotFound
    return id
