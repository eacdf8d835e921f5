"""The verbs over a grant that waits for the phone: show it, follow it, stop it, and take its end to the client.

Source: docs/authorization.md section 8.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from dss.audit.service import Audit
from dss.clients.model import Client
from dss.clients.redirect_uris import matches
from dss.clients.service import Clients
from dss.devices.items import Shown
from dss.infra.bus import Bus
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.digest import Digest
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import GrantId, Ids, TransactionId
from dss.login.model import Session, Standing
from dss.oauth.asked_at import AskedAt
from dss.oauth.authorization_errors import PageFault, Refused
from dss.oauth.grant import Grant, Stage
from dss.oauth.grants import Grants
from dss.oauth.issuer import Issuer
from dss.oauth.pushed import PushedRequests
from dss.oauth.reading import Reading
from dss.oauth.redirects import WayBack
from dss.oauth.signers_keys import SignersKeys
from dss.transactions.linking import Linking
from dss.transactions.machine import State
from dss.transactions.offline import OfflineAnswers
from dss.transactions.outcome import Details
from dss.transactions.parts import topic
from dss.transactions.preparation import Stage as Preparing
from dss.transactions.signatures import Asked, Signatures
from dss.transactions.waiting import Waiting, WaitView

CANCELLED = (Refused.ACCESS_DENIED, "the request was cancelled")
FAILED = (Refused.SERVER_ERROR, "the signature could not be made")
ENDS: dict[State | Preparing, tuple[Refused, str]] = {
    State.DECLINED: (Refused.ACCESS_DENIED, "the signer declined"),
    State.CANCELLED: CANCELLED,
    State.EXPIRED: (Refused.ACCESS_DENIED, "the time to confirm has passed"),
    State.FAILED: FAILED,
    Preparing.CANCELLED: CANCELLED,
    Preparing.FAILED: FAILED,
}


@dataclass(frozen=True, slots=True)
class Signing:
    """What asks for signatures, and follows them."""

    signatures: Signatures
    waiting: Waiting
    linking: Linking
    offline: OfflineAnswers


@dataclass(frozen=True, slots=True)
class Parts:
    """What the authorization endpoint is made of."""

    issuer: Issuer
    database: Database
    audit: Audit
    clients: Clients
    keys: SignersKeys
    signing: Signing
    grants: Grants
    pushed: PushedRequests
    asked_at: AskedAt
    reading: Reading
    bus: Bus
    clock: Clock
    ids: Ids


@dataclass(frozen=True, slots=True)
class WaitingView:
    """What the page of a grant tells.

    client:     who asks.
    shown:      the state, the text, the count, the number and its mode, and by what else it can be answered.
    documents:  the first 100, with name and size; none while they are prepared.
    hashes:     the first 100 whose content the server has not seen.
    expires_at: when the time to answer is over; None while the signer was not asked.
    is_over:    whether the answer went to the client already, or there is none any more.
    redirect_uri: where a form of the page may lead to, once the signature is made.
    mark:       names what this tells: `await_change` waits until it is another.
    """

    grant_id: GrantId
    client: Client
    shown: WaitView
    documents: tuple[Shown, ...]
    hashes: tuple[Digest, ...]
    expires_at: datetime | None
    is_over: bool
    redirect_uri: str
    mark: str


class Awaiting:
    """Grants that wait, as the browser of their signer sees them: to all others there is no such thing."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def waiting(self, grant_id: GrantId, session: Session) -> WaitingView:
        """Return what the page tells. Raises NotFound, also for another's, Tampered."""
        grant, id = await self._own(grant_id, session)
        asked, p = await self._asked(grant, id), self._parts
        details = asked if isinstance(asked, Details) else None
        items = () if details is None else tuple(entry.item for entry in details.entries)
        return WaitingView(
            grant_id=grant.id,
            client=await p.clients.get(grant.client_id),
            shown=await p.signing.waiting.of_client(grant.client_id, id),
            documents=tuple(item.document for item in items if item.document is not None),
            hashes=tuple(item.to_sign for item in items if item.document is None),
            expires_at=None if details is None else details.transaction.expires_at,
            is_over=grant.stage is not Stage.PENDING or not grant.lives(p.clock.now()),
            redirect_uri=grant.redirect_uri,
            mark=_mark(asked),
        )

    async def await_change(self, grant_id: GrantId, session: Session, seconds: float, since: str = "") -> bool:
        """Wait until the page would tell something else, or the time is over; return whether it would.

        since: the mark of what it tells, by default of what is now. Raises NotFound, Tampered.
        """
        grant, id = await self._own(grant_id, session)
        known = since or _mark(await self._asked(grant, id))

        async def look() -> bool | None:
            return _mark(await self._asked(grant, id)) != known or None

        return await self._parts.bus.until(topic(id), look, seconds) is not None

    async def finish(self, grant_id: GrantId, session: Session) -> str | None:
        """Return where the browser goes now: to the client, with the code or with why there is none; None to wait.

        None as well where the client got the code already and used it. Raises NotFound, PageFault where the client is
        registered to be answered elsewhere now, Tampered also for a signature that only its row tells of,
        HsmUnavailable.
        """
        grant, id = await self._own(grant_id, session)
        asked, p = await self._asked(grant, id), self._parts
        if isinstance(asked, Details) and asked.transaction.state is State.SIGNED:
            return await self._with_code(grant, id)
        end = ENDS.get(_state(asked))
        if end is None:
            return None
        await p.grants.end(grant.id, f"the signature is {_state(asked)}", "server")
        return (await self._back(grant)).with_error(*end)

    async def stop(self, grant_id: GrantId, session: Session) -> str:
        """Cancel what waits for the phone, and return where the browser goes.

        What is confirmed meanwhile goes on, and then that is the page that waits. Raises as `finish`.
        """
        grant, id = await self._own(grant_id, session)
        with suppress(Conflict):
            await self._parts.signing.signatures.cancel(grant.client_id, id)
        return await self.finish(grant_id, session) or waiting_at(grant_id)

    async def link(self, grant_id: GrantId, session: Session) -> str:
        """Return the text of the QR that is shown this second. Raises NotFound, Conflict where none is to be."""
        grant, id = await self._own(grant_id, session)
        return (await self._parts.signing.linking.of_client(grant.client_id, id)).text

    async def offline_text(self, grant_id: GrantId, session: Session) -> str:
        """Return the text of the QR for a phone without a connection. Raises NotFound, Conflict, Expired."""
        grant, id = await self._own(grant_id, session)
        return await self._parts.signing.offline.qr_text(grant.client_id, id)

    async def answer(self, grant_id: GrantId, session: Session, typed: str) -> None:
        """Take what such a phone showed and a person typed. Raises NotFound, and as `OfflineAnswers.answer` does."""
        grant, id = await self._own(grant_id, session)
        await self._parts.signing.offline.answer(grant.client_id, id, typed)

    async def _with_code(self, grant: Grant, id: TransactionId) -> str | None:
        p, back = self._parts, await self._back(grant)
        await p.signing.signatures.require_confirmed(grant.client_id, grant.user_id, id)
        try:
            return back.with_code(await p.grants.issue_pending(grant.id))
        except Conflict:
            return None

    async def _own(self, id: GrantId, session: Session) -> tuple[Grant, TransactionId]:
        """Return a grant of the session's signer, and the signature that it waits for. Raises NotFound."""
        grant = await self._parts.grants.get(id)
        mine = session.standing is Standing.FULL and grant.user_id == session.user_id
        if not mine or grant.signature_id is None:
            raise NotFound("there is no such grant")
        return grant, grant.signature_id

    async def _asked(self, grant: Grant, id: TransactionId) -> Asked:
        """Return the signature as it stands. Raises NotFound unless it is the grant's client's and signer's."""
        asked = await self._parts.signing.signatures.of_client(grant.client_id, id)
        if isinstance(asked, Details) and asked.transaction.user_id != grant.user_id:
            raise NotFound("there is no such signature")
        return asked

    async def _back(self, grant: Grant) -> WayBack:
        """Return the way to the client. Raises PageFault where it is registered no more, which ends the grant."""
        p = self._parts
        client = await p.clients.get(grant.client_id)
        if matches(client.profile.redirect_uris, grant.redirect_uri):
            return WayBack(p.issuer.url, grant.redirect_uri, grant.client_state)
        await p.grants.end(grant.id, "its redirect URI is registered no more", "server")
        raise PageFault("the application is not registered any more where it wanted to be answered")


def waiting_at(id: GrantId) -> str:
    """Return the path of the page that waits."""
    return f"/oauth/waiting/{id}"


def _state(asked: Asked) -> State | Preparing:
    return asked.transaction.state if isinstance(asked, Details) else asked.stage


def _mark(asked: Asked) -> str:
    linked = isinstance(asked, Details) and asked.transaction.linked_by is not None
    return f"{_state(asked)}{'-linked' if linked else ''}"
