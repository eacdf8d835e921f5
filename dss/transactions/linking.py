"""The verbs of the device link: a code of the requester's page, scanned by a phone of its signer, opens a transaction.

Source: docs/device-protocol.md section 10.
"""

from dataclasses import dataclass, field
from datetime import datetime

from dss.audit.event import Event, Outcome
from dss.devices import links
from dss.devices.enrolment import binding
from dss.devices.links import Linked, LinkSecrets
from dss.devices.model import Device
from dss.devices.request import REQUEST_LABEL
from dss.kernel.errors import Conflict, DssError, Expired, NotFound, TooMany
from dss.kernel.ids import ClientId, TransactionId
from dss.transactions import linking_store, store
from dss.transactions.asked import of_client
from dss.transactions.linking_store import SCANS
from dss.transactions.machine import State
from dss.transactions.model import Transaction
from dss.transactions.parts import Parts, inbox, topic


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a phone read from a QR; time: whole seconds since 1970."""

    transaction: TransactionId
    time: int
    code: str


@dataclass(frozen=True, slots=True)
class DeviceLink:
    """What is shown to be scanned now, and what its codes are made of.

    text:   of the QR. issued: when its code was made. page: the URL of the page that shows it.
    secret, binding: 32 bytes each, for who draws the codes of later seconds.
    """

    text: str
    issued: datetime
    page: str
    binding: bytes
    secret: bytes = field(repr=False)


class Linking:
    """Tells relying applications what to show, and opens what phones scan."""

    def __init__(self, parts: Parts, secrets: LinkSecrets) -> None:
        self._parts = parts
        self._secrets = secrets

    async def of_client(self, client_id: ClientId, id: TransactionId) -> DeviceLink:
        """Return the link of a relying application's transaction.

        Raises NotFound, also for another's, Conflict while it is prepared and when there is nothing left to open.
        """
        return await self.current(await of_client(self._parts, client_id, id))

    async def current(self, transaction: Transaction) -> DeviceLink:
        """Return the link of a transaction now. Raises Conflict when there is nothing left to open."""
        now = self._parts.clock.now()
        _require_open(transaction.as_of(now))
        server, linked, time = self._parts.server, _linked(transaction), int(now.timestamp())
        secret = await self._secrets.of(transaction.id)
        return DeviceLink(
            text=links.text(server, transaction.id, time, linked.code(secret, time)),
            issued=now.replace(microsecond=0),
            page=links.page(server, transaction.id, secret),
            binding=linked.binding,
            secret=secret,
        )

    async def page(self, id: TransactionId) -> str:
        """Return the URL of the page that a browser is shown while a transaction goes on. Raises HsmUnavailable."""
        return links.page(self._parts.server, id, await self._secrets.of(id))

    async def open_by_link(self, device: Device, scanned: Scanned) -> None:
        """Let a phone's owner be shown a transaction whose code the phone scanned; the same scan again changes nothing.

        Raises TooMany, NotFound for a code that is not right and for what is another's or absent alike, Expired for a
        code that is too old or ahead, Conflict when another scan was first or the transaction has ended.
        """
        await self._require_few(device)
        found = await self._find(scanned.transaction)
        transaction = found if found is not None and found.is_of(device) else None
        try:
            await self._require_right(transaction, scanned)
            if transaction is not None:
                await self._open(device, transaction, scanned)
        except (Expired, Conflict, NotFound) as fault:
            if transaction is not None:
                await self._tell_refused(device, transaction, fault)
            raise

    async def _require_few(self, device: Device) -> None:
        p = self._parts
        async with p.database.write() as connection:
            if not await linking_store.count_scan(connection, device.id, p.clock.now()):
                raise TooMany(f"a phone scans at most {SCANS} codes in a minute", retry_after=60)

    async def _require_right(self, transaction: Transaction | None, scanned: Scanned) -> None:
        """Raise NotFound or Expired; that there is no such transaction is found out by no less work."""
        secret = await self._secrets.of(scanned.transaction)
        linked = Linked(scanned.transaction, "", b"") if transaction is None else _linked(transaction)
        if not linked.is_right(secret, scanned.time, scanned.code) or transaction is None:
            raise NotFound
        links.require_fresh(scanned.time, self._parts.clock.now())

    async def _open(self, device: Device, transaction: Transaction, scanned: Scanned) -> None:
        p, now = self._parts, self._parts.clock.now()
        event = Event("transaction.linked", f"device:{device.id}", f"transaction:{transaction.id}")
        async with p.database.write() as connection:
            if await linking_store.link(connection, transaction.id, device.id, scanned.time, now):
                await p.audit.record(connection, event)
            else:
                current = await store.get(connection, transaction.id)
                if (current.linked_by, current.linked_time) != (device.id, scanned.time):
                    _require_open(current.as_of(now))
        await p.bus.wake(topic(transaction.id), inbox(transaction.user_id))

    async def _tell_refused(self, device: Device, transaction: Transaction, fault: DssError) -> None:
        details = {"why": fault.code}
        subject, actor = f"transaction:{transaction.id}", f"device:{device.id}"
        async with self._parts.database.write() as connection:
            event = Event("transaction.link_refused", actor, subject, Outcome.REFUSED, details)
            await self._parts.audit.record(connection, event)
        fault.audited = True

    async def _find(self, id: TransactionId) -> Transaction | None:
        try:
            async with self._parts.database.read() as connection:
                return await store.get(connection, id)
        except NotFound:
            return None


def _linked(transaction: Transaction) -> Linked:
    return Linked(transaction.id, transaction.client_id or "", binding(REQUEST_LABEL, transaction.request))


def _require_open(transaction: Transaction) -> None:
    if transaction.linked_by is not None:
        raise Conflict("the transaction was opened by a link already")
    if transaction.state is not State.AWAITING:
        raise Conflict(f"the transaction is {transaction.state}")
