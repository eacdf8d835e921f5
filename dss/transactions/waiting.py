"""The page that a browser is shown while a transaction goes on: who has its code may see it, and show it to a phone."""

import hmac
from dataclasses import dataclass

from dss.devices import links, request
from dss.devices.links import LinkSecrets
from dss.devices.request import Asked, Kind
from dss.kernel.errors import Conflict, Expired, NotFound
from dss.kernel.ids import ClientId, TransactionId
from dss.kernel.policy import Mode
from dss.transactions import preparing_store, store
from dss.transactions.asked import require_asked
from dss.transactions.asking import WRONG_NUMBER
from dss.transactions.linking import Linking
from dss.transactions.machine import State
from dss.transactions.model import Reach, Transaction
from dss.transactions.offline import OfflineAnswers
from dss.transactions.parts import Parts
from dss.transactions.preparation import Preparation, Stage
from dss.transactions.sessions import standing_of


@dataclass(frozen=True, slots=True)
class WaitView:
    """What the page of a transaction tells; of documents their names only.

    state:       of the transaction, or of what is prepared for it.
    application: the registered name. text: what it says itself, or empty.
    count:       of what is to be signed, in a session how much at most; names: of up to 100 documents.
    locale:      the language of the person who is asked.
    number:      what the person is to find on the phone, by the mode; empty once it was answered.
    is_pushed:   whether the phones are told of it. is_linked: whether a scan opened it.
    takes_code:  whether a phone without a connection can answer it.
    has_run:     whether it is a session that was confirmed, and may have ended since.
    reason:      why it was declined, in the person's words; cause: in the phone's.
    """

    kind: Kind
    state: State | Stage
    application: str
    text: str
    count: int
    locale: str
    names: tuple[str, ...] = ()
    mode: Mode = Mode.NONE
    number: str = ""
    is_pushed: bool = False
    is_linked: bool = False
    takes_code: bool = False
    has_run: bool = False
    wrong_number: bool = False
    reason: str = ""
    cause: str = ""

    @property
    def shows_link(self) -> bool:
        """True while there is something to be scanned."""
        return self.state is State.AWAITING and not self.is_linked


class Waiting:
    """Shows transactions to browsers."""

    def __init__(self, parts: Parts, secrets: LinkSecrets, linking: Linking, offline: OfflineAnswers) -> None:
        self._parts = parts
        self._offline = offline
        self._secrets = secrets
        self._linking = linking

    async def view(self, id: TransactionId, code: str) -> WaitView:
        """Return what the page tells. Raises NotFound, for a wrong code and an absent transaction alike."""
        await self._require_right(id, code)
        preparation = await self._preparation(id)
        if preparation is not None:
            return await self._of_preparation(preparation)
        return await self._of_transaction(await self._current(id))

    async def of_client(self, client_id: ClientId, id: TransactionId) -> WaitView:
        """Return what the page tells of a relying application's transaction, to who has shown that they may see it.

        Raises NotFound, also for another's, Tampered.
        """
        preparation = await self._preparation(id)
        if preparation is not None and preparation.wish.client_id == client_id:
            return await self._of_preparation(preparation)
        transaction = await self._current(id)
        await require_asked(self._parts, client_id, transaction)
        return await self._of_transaction(transaction)

    async def _preparation(self, id: TransactionId) -> Preparation | None:
        """Return a preparation, if there is one; looked for first, for what becomes a transaction meanwhile."""
        async with self._parts.database.read() as connection:
            return await preparing_store.find(connection, id)

    async def _of_preparation(self, preparation: Preparation) -> WaitView:
        p, wish = self._parts, preparation.wish
        application, credential = await p.clients.get(wish.client_id), await p.credentials.get(wish.credential_id)
        return WaitView(
            kind=Kind.SIGN,
            state=preparation.stage,
            application=application.name,
            text=wish.text,
            count=preparation.count,
            locale=(await p.users.get(credential.user_id)).locale,
        )

    async def _of_transaction(self, transaction: Transaction) -> WaitView:
        p = self._parts
        application, user = await p.clients.get(_asker(transaction)), await p.users.get(transaction.user_id)
        asked = request.read(transaction.request)
        waits = transaction.state is State.AWAITING
        session = await standing_of(p, transaction) if transaction.kind is Kind.SESSION else None
        return WaitView(
            kind=transaction.kind,
            state=transaction.state if session is None else session.transaction.state,
            application=application.name,
            text=transaction.text,
            count=_count(asked),
            names=tuple(item.document.name for item in asked.items if item.document is not None),
            mode=asked.verification.mode,
            number=transaction.number if waits else "",
            is_pushed=transaction.reach is Reach.PHONES,
            is_linked=transaction.linked_by is not None,
            takes_code=waits and await self._takes_code(transaction),
            has_run=session is not None and session.known is not None,
            wrong_number=transaction.why == WRONG_NUMBER,
            reason=transaction.why if transaction.state is State.DECLINED else "",
            cause=transaction.cause,
            locale=user.locale,
        )

    async def link(self, id: TransactionId, code: str) -> str:
        """Return the text of the QR that is shown now. Raises NotFound, Conflict when there is nothing to be opened."""
        return (await self._linking.current(await self._visible(id, code))).text

    async def offline_text(self, id: TransactionId, code: str) -> str:
        """Return the text of the QR for a phone without a connection. Raises NotFound, Conflict, Expired."""
        transaction = await self._visible(id, code)
        return await self._offline.qr_text(_asker(transaction), id)

    async def answer(self, id: TransactionId, code: str, typed: str) -> None:
        """Take what such a phone showed and a person typed. Raises NotFound, and as `OfflineAnswers.answer` does."""
        transaction = await self._visible(id, code)
        await self._offline.answer(_asker(transaction), id, typed)

    async def _takes_code(self, transaction: Transaction) -> bool:
        try:
            await self._offline.qr_text(_asker(transaction), transaction.id)
        except (Conflict, Expired):
            return False
        return True

    async def _visible(self, id: TransactionId, code: str) -> Transaction:
        await self._require_right(id, code)
        return await self._current(id)

    async def _require_right(self, id: TransactionId, code: str) -> None:
        right = links.page_code(await self._secrets.of(id), id)
        if not hmac.compare_digest(right.encode(), code.encode()):
            raise NotFound

    async def _current(self, id: TransactionId) -> Transaction:
        async with self._parts.database.read() as connection:
            transaction = await store.get(connection, id)
        return transaction.as_of(self._parts.clock.now())


def _asker(transaction: Transaction) -> ClientId:
    """Return the relying application. Raises NotFound where none asked: who did has no page."""
    if transaction.client_id is None:
        raise NotFound
    return transaction.client_id


def _count(asked: Asked) -> int:
    return int(asked.session["signatures"]) if asked.kind is Kind.SESSION else asked.count
