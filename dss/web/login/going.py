"""For whom somebody signs in: the application that sent them here, if one did."""

from dataclasses import dataclass

from dss.clients.model import Client
from dss.kernel.errors import DssError
from dss.kernel.ids import GrantId
from dss.web.pages.local import AUTHORIZE, WAITING
from dss.web.pages.visit import Visit


@dataclass(frozen=True, slots=True)
class Going:
    """Where signing in leads; client: None where it is the account. target: the address that may come next, or empty.

    hint: the login that the application knows, or empty.
    """

    client: Client | None = None
    target: str = ""
    hint: str = ""


async def going_of(visit: Visit) -> Going:
    """Return where signing in leads. A request that is not acceptable is told so after signing in."""
    waiting = WAITING.fullmatch(visit.then)
    try:
        if waiting is not None:
            return await _back_to(visit, GrantId(waiting[1]))
        if not visit.then.startswith(AUTHORIZE):
            return Going()
        wish = await visit.services.authorizing.read_query(visit.then.removeprefix(AUTHORIZE).encode())
    except DssError:
        return Going()
    return Going(wish.client, wish.request.redirect_uri, wish.request.login_hint)


async def _back_to(visit: Visit, id: GrantId) -> Going:
    """Return what waits for the phone already, to its own signer only; its page may lead on to the application."""
    if visit.session is None:
        return Going()
    grant = await visit.services.grants.get(id)
    if grant.user_id != visit.session.user_id:
        return Going()
    return Going(await visit.services.clients.get(grant.client_id), grant.redirect_uri)
