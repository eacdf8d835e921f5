"""What the authorization endpoint asks for signatures, with a phone that does what a test says."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta

from dss.devices.request import Kind
from dss.documents.model import Document
from dss.infra.bus import Bus
from dss.kernel.errors import Conflict, DssError, NotFound, Tampered
from dss.kernel.ids import BoxKeyId, ClientId, CredentialId, DocumentId, TransactionId, UserId
from dss.oauth.rar import Detail
from dss.oauth.signers_keys import Key
from dss.transactions.machine import State
from dss.transactions.model import OpenSigning, Transaction
from dss.transactions.outcome import Details, Outcome
from dss.transactions.parts import topic
from dss.transactions.waiting import WaitView
from tests.protocol.oauth_world import ALICE, Server
from tests.world.clock import START

KEY, OTHER_KEY = CredentialId("01KAJ9T8VX3N5Q7R9S1T2V4W70"), CredentialId("01KAJ9T8VX3N5Q7R9S1T2V4W71")


@dataclass
class Shelf:
    """The documents that clients have uploaded."""

    held: list[Document] = field(default_factory=list)

    async def among(self, client_id: ClientId, ids: Collection[DocumentId]) -> dict[DocumentId, Document]:
        return {one.id: one for one in self.held if one.client_id == client_id and one.id in ids}


@dataclass
class Desk:
    """Asks for signatures as the real one does, of a phone that does what a test says.

    refusal: raised by the next wish. is_confirmed: whether sealed records say so where the state does.
    """

    server: Server
    bus: Bus
    asked: dict[TransactionId, Transaction] = field(default_factory=dict)
    wishes: list[OpenSigning] = field(default_factory=list)
    refusal: DssError | None = None
    is_confirmed: bool = True

    async def open(self, wish: OpenSigning) -> Details:
        if self.refusal is not None:
            raise self.refusal
        for earlier, id in zip(self.wishes, self.asked, strict=True):
            if wish.idempotency is not None and earlier.idempotency == wish.idempotency:
                return self._details(id)
        self.wishes.append(wish)
        now = self.server.clock.now()
        id = TransactionId(self.server.ids.new())
        self.asked[id] = Transaction(
            id=id,
            kind=Kind.SIGN,
            state=State.AWAITING,
            client_id=wish.client_id,
            user_id=ALICE,
            credential_id=wish.credential_id,
            request=b"",
            request_jws="",
            box_key_id=BoxKeyId(""),
            opened_at=now,
            expires_at=now + timedelta(minutes=5),
            changed_at=now,
        )
        return self._details(id)

    async def of_client(self, client_id: ClientId, id: TransactionId) -> Details:
        if id not in self.asked or self.asked[id].client_id != client_id:
            raise NotFound
        return self._details(id)

    async def require_confirmed(self, client_id: ClientId, user_id: UserId, id: TransactionId) -> None:
        if (self.asked[id].client_id, self.asked[id].user_id) != (client_id, user_id) or not self.is_confirmed:
            raise Tampered

    async def cancel(self, client_id: ClientId, id: TransactionId) -> Details:
        if self.asked[id].state is not State.AWAITING:
            raise Conflict
        await self.comes_to(State.CANCELLED)
        return self._details(id)

    async def comes_to(self, state: State) -> None:
        """Let the newest signature come to a state."""
        id = max(self.asked)
        self.asked[id] = replace(self.asked[id], state=state)
        await self.bus.wake(topic(id))

    def _details(self, id: TransactionId) -> Details:
        now = self.asked[id].as_of(self.server.clock.now())
        return Details(Outcome(now, None), Outcome(now, None), (), 1, 0, now.expires_at)


@dataclass
class Window:
    """Shows what waits, as the real one does."""

    desk: Desk

    async def of_client(self, client_id: ClientId, id: TransactionId) -> WaitView:
        found = (await self.desk.of_client(client_id, id)).transaction
        return WaitView(found.kind, found.state, "Shop", "", 1, "en")


@dataclass
class Ring:
    """The signer's keys."""

    keys: tuple[CredentialId, ...] = (KEY,)

    async def of(self, user_id: UserId, detail: Detail) -> tuple[Key, ...]:
        mine = self.keys if user_id == ALICE else ()
        return tuple(Key(id, "CN=Alice", START) for id in mine if detail.credential_id in {None, id})
