"""The owner's sessions as a phone sees them, and ending one at once."""

import msgspec
from starlette.requests import Request

from dss.kernel.clock import timestamp
from dss.kernel.errors import Locked, NotFound
from dss.kernel.ids import TransactionId
from dss.transactions.machine import State
from dss.transactions.sessions import Standing
from dss.web.device.authenticating import device_of
from dss.web.http.fields import Id, Time
from dss.web.http.op import op
from dss.web.http.services import services_of


class Asker(msgspec.Struct):
    """Who may ask for signatures in a session, by the registered name."""

    id: Id
    name: str


class OwnSession(msgspec.Struct):
    """A session that goes on; used: how many of its signatures were asked for."""

    id: Id
    relying_application: Asker
    credential: Id
    signatures: int
    used: int
    started: Time
    expires: Time


class OwnSessions(msgspec.Struct):
    """The owner's sessions that go on, oldest first."""

    sessions: list[OwnSession]


class SessionState(msgspec.Struct):
    """Where a session stands now."""

    state: State


@op("GET", "/device/v1/sessions", errors=(Locked,))
async def list_own_sessions(request: Request) -> OwnSessions:
    """List the owner's sessions that go on."""
    found = await services_of(request).sessions.list_own(device_of(request))
    return OwnSessions([told for one in found if (told := _told(one)) is not None])


@op("POST", "/device/v1/sessions/{id}/end", errors=(Locked, NotFound))
async def end_own_session(request: Request, id: Id) -> SessionState:
    """End a session at once, without a PIN; a second time changes nothing."""
    return SessionState(await services_of(request).sessions.end_own(device_of(request), TransactionId(id)))


def _told(standing: Standing) -> OwnSession | None:
    transaction, known = standing.transaction, standing.known
    if known is None or transaction.client_id is None:
        return None
    return OwnSession(
        id=transaction.id,
        relying_application=Asker(transaction.client_id, standing.application),
        credential=transaction.key,
        signatures=known.signatures,
        used=known.used,
        started=timestamp(known.started_at),
        expires=timestamp(known.ends_at),
    )
