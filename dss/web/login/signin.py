"""The first factor: login and password, or the certificate that the browser showed."""

from starlette.responses import Response

from dss.kernel.errors import Forbidden, TooMany, Unauthenticated
from dss.login.model import Factor, Signed, Standing
from dss.web.http.peer import certificate_of
from dss.web.login.going import going_of
from dss.web.pages.visit import Visit

LONGEST_LOGIN = 64


async def show(visit: Visit) -> Response:
    """Show the form; who is signed in goes on."""
    if visit.session is not None and visit.session.standing is Standing.FULL and "again" not in visit.query:
        return visit.go(visit.then)
    return await _form(visit)


async def take_password(visit: Visit) -> Response:
    """Take login and password."""
    login, password = visit.form.get("login", ""), visit.form.get("password", "")
    try:
        signed = await visit.services.login.by_password(login.strip().lower(), password, visit.where)
    except Unauthenticated:
        return await _form(visit, Forbidden.status, fault="wrong")
    except TooMany as error:
        return await _form(visit, error.status, fault="closed", wait=error.retry_after)
    return await _half(visit, signed)


async def take_certificate(visit: Visit) -> Response:
    """Take the certificate of the connection."""
    try:
        signed = await visit.services.login.by_certificate(certificate_of(visit.request) or b"", visit.where)
    except Unauthenticated:
        return await _form(visit, Forbidden.status, fault="certificate")
    return await _half(visit, signed)


async def _form(visit: Visit, status: int = 200, fault: str = "", wait: int | None = None) -> Response:
    going = await going_of(visit)
    response = visit.page(
        "login/signin.html",
        status,
        going.target,
        client=going.client,
        login=visit.form.get("login", going.hint)[:LONGEST_LOGIN],
        fault=fault,
        wait=wait,
        has_certificate=certificate_of(visit.request) is not None,
        then=visit.then,
    )
    if wait is not None:
        response.headers["Retry-After"] = str(wait)
    return response


async def _half(visit: Visit, signed: Signed) -> Response:
    """Go on to the second factor; where it is the phone and nothing else, ask it at once."""
    services = visit.services
    ways = await services.login.second_factors(signed.session.user_id)
    if ways == (Factor.PHONE,):
        going = await going_of(visit)
        asked = await services.phone_factor.ask(signed.session, going.client, visit.where)
        response = visit.go("/signin/second", then=visit.then, request=asked.id)
    else:
        response = visit.go("/signin/second", then=visit.then)
    visit.jar.keep_session(response, signed.cookie)
    return response
