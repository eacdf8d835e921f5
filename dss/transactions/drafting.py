"""How every kind of transaction is opened: the request is written and signed, the row committed, the phones woken."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError

from dss.audit.event import Event
from dss.audit.seals import Sealed
from dss.credentials.model import Credential
from dss.devices.model import Device
from dss.devices.request import ConfirmationRequest, Kind, Party
from dss.kernel import b64
from dss.kernel.errors import IdempotencyConflict, TooMany, Unavailable
from dss.kernel.ids import ClientId, CredentialId, DeviceId, TransactionId
from dss.transactions import entries, prepared, store
from dss.transactions.machine import State
from dss.transactions.model import Entry, Idempotency, Transaction
from dss.transactions.parts import WAITING, Parts, inbox
from dss.users.model import User

OWN_WAITING = 10


@dataclass(frozen=True, slots=True)
class Draft:
    """What a transaction is opened from; one of client_id, phone and operator asks.

    client_id:  the relying application. phone: the signer's phone, which alone may answer.
    operator:   an operator, as the audit log names them.
    credential: the member of the request, or None where no key is concerned.
    more:       members that only some requests have.
    key:        the key that it was decided upon: another change of it comes before or after, not between.
    """

    kind: Kind
    user: User
    credential: dict[str, Any] | None
    confirm_within: timedelta
    client_id: ClientId | None = None
    phone: Device | None = None
    operator: str = ""
    text: str = ""
    entries: tuple[Entry, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)
    idempotency: Idempotency | None = None
    key: Sealed[Credential] | None = None

    @property
    def phone_id(self) -> DeviceId | None:
        """The only phone that may answer, if there is one."""
        return self.phone.id if self.phone else None


class Drafting:
    """Opens transactions from drafts."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def open(self, draft: Draft) -> Transaction:
        """Write a transaction and wake the signer's phones. Raises TooMany, IdempotencyConflict."""
        p = self._parts
        try:
            await self._require_room(draft)
            request = await self._request(draft, p.clock.now().replace(microsecond=0))
            transaction = _transaction(draft, request, await p.devices.sign_request(request.payload()))
        except BaseException:
            await self.discard(draft.entries)
            raise
        details = {"kind": draft.kind.value, "items": str(len(draft.entries))}
        event = Event("transaction.opened", _actor(draft), f"transaction:{transaction.id}", details=details)
        try:
            async with p.database.write() as connection:
                if draft.key is not None:
                    await p.seals.require_unchanged(connection, draft.key)
                await store.add(connection, transaction)
                await entries.add(connection, transaction.id, draft.entries)
                await p.audit.record(connection, event)
        except IntegrityError:
            # The same wish came meanwhile under the same key, and was first to be written: this one's work is undone.
            await self.discard(draft.entries)
            if known := await self.known(draft.client_id, draft.idempotency):
                return known
            raise
        await p.bus.wake(inbox(draft.user.id))
        return transaction

    async def known(self, client_id: ClientId | None, used: Idempotency | None) -> Transaction | None:
        """Return the transaction that an idempotency key made. Raises IdempotencyConflict for another wish."""
        if client_id is None or used is None:
            return None
        async with self._parts.database.read() as connection:
            known = await store.by_idempotency(connection, client_id, used)
        if known is not None and known.body_sha256 != used.body_sha256:
            raise IdempotencyConflict("the Idempotency-Key stands for another request; take a new one")
        return None if known is None else known.as_of(self._parts.clock.now())

    async def discard(self, unused: Sequence[Entry]) -> None:
        """Delete what was prepared for a transaction that is not opened."""
        for entry in unused:
            if made := prepared.of(entry):
                with suppress(Unavailable):
                    await self._parts.documents.discard(made.prepared.digest)

    async def _require_room(self, draft: Draft) -> None:
        """Raise TooMany when as much waits as may: a phone that opens changes leaves room for applications."""
        now = self._parts.clock.now()
        async with self._parts.database.read() as connection:
            waiting = await store.count_awaiting(connection, draft.user.id, now)
            own = 0 if draft.phone is None else await store.count_own(connection, draft.phone.id, now)
        if waiting >= WAITING:
            raise TooMany(f"{WAITING} transactions wait for this signer's answer, and no more may", retry_after=60)
        if own >= OWN_WAITING:
            raise TooMany(f"{OWN_WAITING} changes wait for this phone's answer, and no more may", retry_after=60)

    async def _request(self, draft: Draft, now: datetime) -> ConfirmationRequest:
        p = self._parts
        return ConfirmationRequest(
            server=p.server,
            transaction=TransactionId(p.ids.new()),
            kind=draft.kind,
            relying_application=await self._application(draft),
            signer=Party(draft.user.id, draft.user.name, draft.user.login),
            credential=draft.credential,
            text=draft.text,
            documents=tuple(entry.item for entry in draft.entries),
            box_key=await p.boxes.current(),
            issued=now,
            expires=now + draft.confirm_within,
            nonce=b64.url_encode(secrets.token_bytes(16)),
            more=draft.more if draft.phone is None else draft.more | {"phone": draft.phone.id},
        )

    async def _application(self, draft: Draft) -> Party:
        if draft.phone is not None:
            return Party("owner", self._parts.name)
        if draft.client_id is None:
            return Party("operator", self._parts.name)
        return Party(draft.client_id, (await self._parts.clients.get(draft.client_id)).name)


def _actor(draft: Draft) -> str:
    if draft.phone is not None:
        return f"device:{draft.phone.id}"
    return f"client:{draft.client_id}" if draft.client_id else draft.operator


def _transaction(draft: Draft, request: ConfirmationRequest, request_jws: str) -> Transaction:
    used = draft.idempotency
    return Transaction(
        id=request.transaction,
        kind=draft.kind,
        state=State.AWAITING,
        client_id=draft.client_id,
        user_id=draft.user.id,
        credential_id=CredentialId(draft.credential["id"]) if draft.credential else None,
        request=request.payload(),
        request_jws=request_jws,
        box_key_id=request.box_key.id,
        opened_at=request.issued,
        expires_at=request.expires,
        changed_at=request.issued,
        text=draft.text,
        for_device_id=draft.phone_id,
        idempotency_key=used.key if used else None,
        body_sha256=used.body_sha256 if used else b"",
    )
