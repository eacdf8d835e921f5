"""The second factor: the phone, a code of an authenticator app, or a passkey."""

import re

from starlette.responses import Response

from dss.devices.model import Device
from dss.kernel.errors import Forbidden, NotFound, TooMany
from dss.kernel.ids import TransactionId, is_id
from dss.login.model import Factor, Session, Standing
from dss.transactions.machine import State
from dss.web.login.going import going_of
from dss.web.pages import standing
from dss.web.pages.streams import changes
from dss.web.pages.visit import SignedOut, Visit

BETWEEN = re.compile(r"\s")
OPEN = frozenset({State.AWAITING, State.CONFIRMED, State.SIGNING})


async def show(visit: Visit) -> Response:
    """Show a way to go, and links to the others; who has come to the end goes on."""
    session = _half(visit)
    if session.standing is Standing.FULL:
        return visit.go(visit.then)
    if visit.query.get("request"):
        return await _phone(visit, session, _request(visit))
    return await _form(visit, session)


async def ask_phone(visit: Visit) -> Response:
    """Ask the phone, and wait for it on the page after this one."""
    session, going = _half(visit), await going_of(visit)
    asked = await visit.services.phone_factor.ask(session, going.client, visit.where)
    return visit.go("/signin/second", then=visit.then, request=asked.id)


async def events(visit: Visit) -> Response:
    """Tell once the phone has answered."""
    session, id = _half(visit), _request(visit)

    async def seen(wait_s: float) -> str:
        asked = await visit.services.phone_factor.standing(session, id, wait_s)
        return "open" if asked.state in OPEN else asked.state

    return changes(visit, session, "open", seen)


async def take_code(visit: Visit) -> Response:
    """Take a code of the authenticator app."""
    session = _half(visit)
    code = BETWEEN.sub("", visit.form.get("code", ""))
    try:
        right = await visit.services.authenticators.check(session.user_id, code, visit.where)
    except TooMany as error:
        return await _form(visit, session, error.status, fault="closed", wait=error.retry_after)
    return await _judged(visit, session, Factor.TOTP, right=right)


async def take_passkey(visit: Visit) -> Response:
    """Take what a passkey signed."""
    session = _half(visit)
    right = await visit.services.passkeys.check(session, visit.form.get("passkey", ""))
    return await _judged(visit, session, Factor.PASSKEY, right=right)


async def _judged(visit: Visit, session: Session, factor: Factor, *, right: bool) -> Response:
    if not right:
        return await _form(visit, session, Forbidden.status, fault="wrong")
    if Factor.PHONE in await _ways(visit, session):
        await visit.services.phone_factor.give_up(session)
    return await _full(visit, session, factor)


async def _full(visit: Visit, session: Session, factor: Factor) -> Response:
    cookie = await visit.services.login.complete(session, factor, visit.where)
    response = visit.go(visit.then)
    visit.jar.keep_session(response, cookie)
    return response


async def _phone(visit: Visit, session: Session, id: TransactionId) -> Response:
    """Wait for the phone, go on by its confirmation, or tell why there is none."""
    if await visit.services.phone_factor.proven(session, id):
        return await _full(visit, session, Factor.PHONE)
    asked = await visit.services.phone_factor.standing(session, id)
    going = await going_of(visit)
    return visit.page(
        "login/phone.html",
        reload=standing.RELOAD_S,
        target=going.target,
        client=going.client,
        asked=asked,
        waits=asked.state in OPEN,
        request=id,
        ways=await _ways(visit, session),
        then=visit.then,
    )


async def _form(
    visit: Visit, session: Session, status: int = 200, fault: str = "", wait: int | None = None
) -> Response:
    ways, going = await _ways(visit, session), await going_of(visit)
    chosen = visit.query.get("way", "")
    way = Factor(chosen) if chosen in ways else next(iter(ways), None)
    options = await visit.services.passkeys.challenge(session) if way is Factor.PASSKEY else ""
    response = visit.page(
        "login/second.html",
        status,
        going.target,
        client=going.client,
        way=way,
        ways=ways,
        options=options,
        phones=[] if Factor.PHONE in ways else await _phones(visit, session),
        fault=fault,
        wait=wait,
        then=visit.then,
    )
    if wait is not None:
        response.headers["Retry-After"] = str(wait)
    return response


async def _phones(visit: Visit, session: Session) -> list[Device]:
    """Return the signer's phones that may not answer now: locked ones, and new ones that wait their time."""
    now = visit.now
    return [phone for phone in await visit.services.devices.of_user(session.user_id) if not phone.may_answer(now)]


async def _ways(visit: Visit, session: Session) -> tuple[Factor, ...]:
    return await visit.services.login.second_factors(session.user_id)


def _half(visit: Visit) -> Session:
    """Return the session that is begun. Raises SignedOut."""
    if visit.session is None:
        raise SignedOut
    return visit.session


def _request(visit: Visit) -> TransactionId:
    """Return what the phone was asked. What cannot be an id is not looked up: databases refuse some texts."""
    id = visit.query.get("request", "")
    if not is_id(id):
        raise NotFound
    return TransactionId(id)
