"""The verbs show, collect and cancel, and the keeping of time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from dss.audit.event import Event
from dss.devices.model import Device
from dss.documents.model import Prepared
from dss.infra.files import StoredFile
from dss.kernel.digest import SHA256, Digest
from dss.kernel.errors import Conflict, Expired, NotFound
from dss.kernel.ids import BoxKeyId, ClientId, CredentialId, TransactionId
from dss.transactions import entries, prepared, store
from dss.transactions.machine import ENDED, State, as_of
from dss.transactions.model import Entry, Transaction
from dss.transactions.parts import Parts, inbox, topic

SWEEP = 100


@dataclass(frozen=True, slots=True)
class Details:
    """A transaction with the things to sign in it.

    collect_until: when its results are deleted, once it has ended.
    """

    transaction: Transaction
    entries: tuple[Entry, ...]
    collect_until: datetime


class Transactions:
    """Transactions as relying applications and phones see them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def of_client(self, client_id: ClientId, id: TransactionId, wait_s: float = 0) -> Details:
        """Return a relying application's transaction; with a wait, once it has ended or the wait is over.

        Raises NotFound, also for another's.
        """
        details = await self._details(id, lambda t: t.client_id == client_id)

        async def ended() -> Details | None:
            current = await self._details(id, lambda t: t.client_id == client_id)
            return current if current.transaction.state in ENDED else None

        if wait_s == 0 or details.transaction.state in ENDED:
            return details
        return await self._parts.bus.until(topic(id), ended, wait_s) or await self._details(id, lambda _: True)

    async def page(self, client_id: ClientId, after: TransactionId | None, limit: int) -> list[Transaction]:
        """Return up to `limit` of a relying application's signing transactions, newest first, older than `after`."""
        now = self._parts.clock.now()
        async with self._parts.database.read() as connection:
            found = await store.page_of_client(connection, client_id, after, limit)
        return [replace(t, state=as_of(t.state, t.expires_at, now)) for t in found]

    async def creation_of(self, credential_id: CredentialId, client_id: ClientId, wait_s: float = 0) -> Transaction:
        """Return the transaction by which a relying application asked for a credential. Raises NotFound."""
        async with self._parts.database.read() as connection:
            found = await store.of_credential(connection, credential_id)
        return (await self.of_client(client_id, found.id, wait_s)).transaction

    async def cancel(self, client_id: ClientId, id: TransactionId) -> Details:
        """Cancel what is not being signed yet; a second time changes nothing. Raises NotFound, Conflict."""
        p = self._parts
        current = (await self.of_client(client_id, id)).transaction
        if current.state is State.EXPIRED:
            raise Conflict("the transaction is expired")
        if current.state is not State.CANCELLED:
            event = Event("transaction.cancelled", f"client:{client_id}", f"transaction:{id}")
            async with p.database.write() as connection:
                await store.end(connection, id, State.CANCELLED, p.clock.now())
                await p.audit.record(connection, event)
            await p.bus.wake(topic(id), inbox(current.user_id))
        return await self.of_client(client_id, id)

    async def signed_file(self, client_id: ClientId, id: TransactionId, index: int) -> tuple[Entry, StoredFile]:
        """Return a finished document. Raises NotFound, Conflict before it is signed, Expired once it was deleted."""
        details = await self.of_client(client_id, id)
        if details.transaction.state is not State.SIGNED:
            raise Conflict(f"the transaction is {details.transaction.state}")
        entry = next((entry for entry in details.entries if entry.item.index == index), None)
        if entry is None or entry.item.document is None:
            raise NotFound
        if entry.signed is None or entry.signed.file_sha256 is None:
            raise Expired(f"results wait {self._parts.limits.collect_within} for collection")
        return entry, StoredFile(Digest(SHA256, entry.signed.file_sha256), entry.signed.file_size)

    async def waiting(self, device: Device, after: TransactionId | None, wait_s: float) -> list[Transaction]:
        """Return what awaits a person's answer, newer than `after`; wait for it if there is none."""
        p = self._parts

        async def look() -> list[Transaction] | None:
            async with p.database.read() as connection:
                return await store.awaiting_of(connection, device.user_id, after, p.clock.now()) or None

        return await p.bus.until(inbox(device.user_id), look, wait_s) or []

    async def show(self, device: Device, id: TransactionId, wait_s: float = 0) -> Transaction:
        """Return a transaction of the phone's user; with a wait, once it is no longer on its way. Raises NotFound."""

        def mine(transaction: Transaction) -> bool:
            return transaction.user_id == device.user_id

        async def settled() -> Transaction | None:
            current = (await self._details(id, mine)).transaction
            return None if current.state in {State.CONFIRMED, State.SIGNING} else current

        return await self._parts.bus.until(topic(id), settled, wait_s) or (await self._details(id, mine)).transaction

    async def material(self, device: Device, id: TransactionId, index: int) -> tuple[Entry, Prepared]:
        """Return what a phone needs to check a document that awaits its answer. Raises NotFound."""
        details = await self._details(id, lambda t: t.user_id == device.user_id)
        entry = next((entry for entry in details.entries if entry.item.index == index), None)
        made = None if entry is None else prepared.of(entry)
        if entry is None or made is None:
            raise NotFound
        return entry, made

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
                if await store.expire(connection, id, now):
                    await p.audit.record(connection, Event("transaction.expired", "server", f"transaction:{id}"))
            await p.bus.wake(topic(id))
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
                await p.documents.discard(digest)
        return len(stale)

    async def _details(self, id: TransactionId, may_see: Callable[[Transaction], bool]) -> Details:
        p = self._parts
        async with p.database.read() as connection:
            transaction = await store.get(connection, id)
            if not may_see(transaction):
                raise NotFound
            asked = await entries.of(connection, id)
        state = as_of(transaction.state, transaction.expires_at, p.clock.now())
        current = replace(transaction, state=state)
        return Details(current, asked, transaction.changed_at + p.limits.collect_within)


def _files(entry: Entry) -> list[Digest]:
    made = prepared.of(entry)
    files = [] if made is None else [made.prepared.digest]
    if entry.signed is not None and entry.signed.file_sha256 is not None:
        files.append(Digest(SHA256, entry.signed.file_sha256))
    return files
