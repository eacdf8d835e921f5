"""The verbs show, collect and cancel, and the keeping of time."""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.credentials.model import Credential
from dss.devices.items import LISTED, Item
from dss.devices.model import Device
from dss.documents.model import Prepared
from dss.evidence.record import Record
from dss.kernel.digest import SHA256, Digest
from dss.kernel.errors import Conflict, Expired, NotFound, Unavailable
from dss.kernel.ids import BoxKeyId, ClientId, CredentialId, TransactionId
from dss.transactions import entries, leaves, prepared, store
from dss.transactions.asked import of_client, require_asked
from dss.transactions.machine import ENDED, LIVE, State
from dss.transactions.model import Entry, Transaction
from dss.transactions.outcome import Details, ItemState, Outcome
from dss.transactions.parts import WAITING, Parts, inbox, topic

# How many one look takes at most: a sweep of those to end, and a phone of those to answer.
SWEEP = 100
AT_REST = frozenset(State) - {State.CONFIRMED, State.SIGNING}

May = Callable[[Transaction], bool]


@dataclass(frozen=True, slots=True)
class News:
    """What a phone did not know: transactions that await an answer, oldest first, and those that do so no more."""

    new: tuple[Transaction, ...] = ()
    gone: tuple[TransactionId, ...] = ()


@dataclass(frozen=True, slots=True)
class SignedFile:
    """A finished document; name: of the document as it was uploaded."""

    name: str
    digest: Digest


class Transactions:
    """Transactions as relying applications and phones see them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def of_client(self, client_id: ClientId, id: TransactionId, wait_s: float = 0) -> Details:
        """Return a relying application's transaction; with a wait, once it has ended or the wait is over.

        Raises NotFound, also for another's, Tampered.
        """
        transaction = await self._settled(id, _asked_by(client_id), ENDED, wait_s)
        await require_asked(self._parts, client_id, transaction)
        return await self._details(transaction)

    async def credential_of(self, client_id: ClientId, id: CredentialId, wait_s: float = 0) -> Credential | Transaction:
        """Return a credential; until it is certified, the transaction by which this relying application asked for it.

        With a wait, once that has ended or the wait is over. Raises NotFound, also for what another asked.
        """
        p = self._parts
        credential = await p.credentials.find(id)
        if credential is not None and credential.is_certified:
            return credential
        async with p.database.read() as connection:
            made_by = await store.of_credential(connection, id)
        current = (await self.of_client(client_id, made_by.id, wait_s)).transaction
        return await p.credentials.get(id) if current.state is State.SIGNED else current

    async def cancel(self, client_id: ClientId, id: TransactionId) -> Details:
        """Cancel what is not being signed yet; a second time changes nothing. Raises NotFound, Conflict."""
        p = self._parts
        current = (await self.of_client(client_id, id)).transaction
        if current.state is State.EXPIRED:
            raise Conflict("the transaction is expired")
        if current.state is not State.CANCELLED:
            event = Event("transaction.cancelled", f"client:{client_id}", f"transaction:{id}")
            async with p.database.write() as connection:
                await store.cancel(connection, id, p.clock.now())
                await p.audit.record(connection, event)
            await p.bus.wake(topic(id), inbox(current.user_id))
        return await self.of_client(client_id, id)

    async def signed_file(self, client_id: ClientId, id: TransactionId, index: int) -> SignedFile:
        """Return a finished document. Raises NotFound, Conflict before it is signed, Expired once it was deleted."""
        transaction = await of_client(self._parts, client_id, id)
        async with self._parts.database.read() as connection:
            entry = await entries.one(connection, id, index)
        if Outcome.of(transaction).state_of(entry) is not ItemState.SIGNED:
            signed = transaction.state is State.SIGNED
            raise Conflict("the document was declined" if signed else f"the transaction is {transaction.state}")
        if entry.item.document is None:
            raise NotFound
        if entry.signed is None or entry.signed.file_sha256 is None:
            raise Expired(f"results wait {self._parts.limits.collect_within} for collection")
        return SignedFile(entry.item.document.name, Digest(SHA256, entry.signed.file_sha256))

    async def evidence(
        self, client_id: ClientId, id: TransactionId, kept_size: int | None = None, index: int | None = None
    ) -> Record | None:
        """Return the evidence of a relying application's transaction; None until it is sealed.

        kept_size: of a checkpoint that the application kept, to which the log is to be proven consistent.
        index: of one thing of a batch.
        Raises NotFound, also for another's, Conflict where there is none, Invalid, Tampered.
        """
        transaction = await of_client(self._parts, client_id, id)
        return await leaves.evidence_of(self._parts, transaction, kept_size, index)

    async def export_evidence(self, id: TransactionId, actor: str, index: int | None = None) -> Record | None:
        """Return the evidence of any transaction to an operator, as `evidence`; the log tells who took it."""
        p = self._parts
        async with p.database.read() as connection:
            transaction = await store.get(connection, id)
        record = await leaves.evidence_of(p, transaction.as_of(p.clock.now()), None, index)
        if record is not None:
            of = {} if index is None else {"index": str(index)}
            async with p.database.write() as connection:
                await p.audit.record(connection, Event("evidence.exported", actor, f"transaction:{id}", details=of))
        return record

    async def waiting(self, device: Device, known: Collection[TransactionId], wait_s: float) -> News:
        """Return what a phone does not know yet; wait if there is nothing. At most WAITING new ones at a time."""
        p = self._parts

        async def look() -> News | None:
            now = p.clock.now()
            async with p.database.read() as connection:
                new = await store.awaiting_of(connection, device, known, now, WAITING)
                still = await store.still_awaiting(connection, device, known, now)
            gone = tuple(id for id in known if id not in still)
            return News(tuple(new), gone) if new or gone else None

        return await p.bus.until(inbox(device.user_id), look, wait_s) or News()

    async def show(self, device: Device, id: TransactionId, wait_s: float = 0) -> Transaction:
        """Return a transaction of the phone's user; with a wait, once it is no longer on its way. Raises NotFound."""
        return await self._settled(id, _shown_to(device), AT_REST, wait_s)

    async def items(self, device: Device, id: TransactionId, first: int, limit: int) -> tuple[Item, ...]:
        """Return up to `limit` things to sign from an index on, until their transaction has ended. Raises NotFound."""
        async with self._parts.database.read() as connection:
            transaction = await self._visible(connection, id, _shown_to(device))
            if transaction.state not in LIVE:
                raise NotFound
            return tuple(entry.item for entry in await entries.page(connection, id, first, limit))

    async def material(self, device: Device, id: TransactionId, index: int) -> Prepared:
        """Return what a phone needs to check a document, until its transaction has ended. Raises NotFound."""
        async with self._parts.database.read() as connection:
            transaction = await self._visible(connection, id, _shown_to(device))
            made = prepared.of(await entries.one(connection, id, index))
        if transaction.state not in LIVE or made is None:
            raise NotFound
        return made

    async def live_box_keys(self) -> frozenset[BoxKeyId]:
        """Return the box keys that transactions which have not ended may still need."""
        async with self._parts.database.read() as connection:
            return await store.live_box_keys(connection)

    async def expire_overdue(self) -> int:
        """Write down that the time of overdue transactions has passed; return how many."""
        p = self._parts
        now = p.clock.now()
        async with p.database.read() as connection:
            overdue = await store.overdue(connection, now, SWEEP)
        for id in overdue:
            async with p.database.write() as connection:
                whose = await store.expire(connection, id, now)
                if whose is not None:
                    await p.audit.record(connection, Event("transaction.expired", "server", f"transaction:{id}"))
            await p.bus.wake(topic(id), *([] if whose is None else [inbox(whose)]))
        return len(overdue)

    async def forget_uncollected(self) -> int:
        """Delete results and prepared files whose time for collection has passed; return of how many transactions.

        The rows forget first: a file that a crash then leaves behind is named by nothing.
        """
        p = self._parts
        async with p.database.read() as connection:
            stale = await store.uncollected(connection, p.clock.now() - p.limits.collect_within, SWEEP)
        for id in stale:
            async with p.database.write() as connection:
                files = [digest for entry in await entries.of(connection, id) for digest in _files(entry)]
                await entries.forget(connection, id)
                await p.audit.record(connection, Event("transaction.results_deleted", "server", f"transaction:{id}"))
            for digest in files:
                # The rows have forgotten it: what is not deleted now is deleted by nobody, so the others must not wait.
                with suppress(Unavailable):
                    await p.documents.discard(digest)
        return len(stale)

    async def _settled(self, id: TransactionId, may_see: May, states: frozenset[State], wait_s: float) -> Transaction:
        """Return a transaction once it is in one of the states, or as it is when the wait is over."""
        last: Transaction

        async def look() -> Transaction | None:
            nonlocal last
            async with self._parts.database.read() as connection:
                last = await self._visible(connection, id, may_see)
            return last if last.state in states else None

        await self._parts.bus.until(topic(id), look, wait_s)
        return last

    async def _details(self, transaction: Transaction) -> Details:
        async with self._parts.database.read() as connection:
            first = await entries.page(connection, transaction.id, 0, LISTED)
            count, signed = await entries.counts(connection, transaction.id)
            within = transaction.session_id
            answered = transaction if within is None else await store.get(connection, within)
        until = transaction.changed_at + self._parts.limits.collect_within
        return Details(Outcome.of(transaction), Outcome.of(answered), first, count, signed, until)

    async def _visible(self, connection: AsyncConnection, id: TransactionId, may_see: May) -> Transaction:
        """Return a transaction as it is now. Raises NotFound unless there is one and it may be seen."""
        transaction = await store.get(connection, id)
        if not may_see(transaction):
            raise NotFound
        return transaction.as_of(self._parts.clock.now())


def _asked_by(client_id: ClientId) -> May:
    return lambda transaction: transaction.client_id == client_id


def _shown_to(device: Device) -> May:
    return lambda transaction: transaction.is_for(device)


def _files(entry: Entry) -> list[Digest]:
    made = prepared.of(entry)
    files = [] if made is None else [made.prepared.digest]
    if entry.signed is not None and entry.signed.file_sha256 is not None:
        files.append(Digest(SHA256, entry.signed.file_sha256))
    return files
