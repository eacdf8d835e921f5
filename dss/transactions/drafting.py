"""How every kind of transaction is opened: the request is written and signed, the row committed, the phones woken."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.seals import Sealed
from dss.credentials.model import Credential
from dss.devices.model import Device
from dss.devices.request import OPERATOR, OWNER, ConfirmationRequest, Kind, Party
from dss.devices.verification import Drawn, draw
from dss.kernel import b64
from dss.kernel.errors import IdempotencyConflict, Overtaken, Unavailable
from dss.kernel.ids import ClientId, CredentialId, DeviceId, TransactionId
from dss.kernel.policy import Mode
from dss.transactions import entries, prepared, rules, store
from dss.transactions.admitting import Admitting, Asker
from dss.transactions.asking import Pair
from dss.transactions.machine import State
from dss.transactions.model import Entry, Idempotency, Reach, Transaction
from dss.transactions.parts import Parts, inbox
from dss.users.model import User


@dataclass(frozen=True, slots=True)
class Ready:
    """Entries that lie in the database already, before their transaction.

    id: under which they lie. also: what is written in the same database transaction.
    """

    id: TransactionId
    also: Callable[[AsyncConnection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a transaction is opened from; one of client_id, phone and operator asks.

    client_id:  the relying application. phone: the signer's phone, which alone may answer.
    operator:   an operator, or the server itself, as the audit log names them.
    credential: the member of the request, or None where no key is concerned.
    more:       members that only some requests have.
    key:        the key that it was decided upon: another change of it comes before or after, not between.
    mode:       how the person makes sure that it is theirs. answer_by: the ways in which they may answer.
    reach:      who comes to know of it. browser_sha256: of the name of the browser that waits, or empty.
    ready:      where the entries lie in the database already.
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
    mode: Mode = Mode.NONE
    answer_by: tuple[str, ...] = ("pin",)
    reach: Reach = Reach.PHONES
    browser_sha256: bytes = b""
    ready: Ready | None = None

    @property
    def new_entries(self) -> tuple[Entry, ...]:
        """The entries that come and go with the transaction."""
        return () if self.ready else self.entries

    @property
    def phone_id(self) -> DeviceId | None:
        """The only phone that may answer, if there is one."""
        return self.phone.id if self.phone else None

    @property
    def asker(self) -> Asker:
        """Who asks."""
        pair = Pair(self.user.id, self.client_id) if self.client_id else None
        return Asker(self.user.id, self.actor, pair, self.phone_id, self.reach, signs_in=self.kind is Kind.LOGIN)

    @property
    def actor(self) -> str:
        """Who asks, as the audit log names them."""
        if self.phone is not None:
            return f"device:{self.phone.id}"
        return f"client:{self.client_id}" if self.client_id else self.operator


class Drafting:
    """Opens transactions from drafts."""

    def __init__(self, parts: Parts, admitting: Admitting) -> None:
        self._parts = parts
        self._admitting = admitting

    async def require_room(self, asker: Asker) -> None:
        """Raise Forbidden or TooMany where `open` would, before anything is prepared."""
        await self._admitting.require_room(asker)

    async def open(self, draft: Draft) -> Transaction:
        """Write a transaction and wake the signer's phones.

        Raises Forbidden where the signer takes no requests of who asks, TooMany, Conflict, IdempotencyConflict.
        """
        p = self._parts
        try:
            block = await self._admitting.look(draft.asker)
            transaction = await self.made(draft)
        except BaseException:
            await self.discard(draft.new_entries)
            raise
        try:
            async with p.database.write() as connection:
                refused = await self._admitting.admit(connection, draft.asker, block)
                if refused is None:
                    await self._add(connection, draft, transaction)
        except (IntegrityError, Overtaken):
            # The same wish came meanwhile under the same key, and was first to be written: this one's work is undone.
            await self.discard(draft.new_entries)
            if known := await self.known(draft.client_id, draft.idempotency):
                return known
            raise
        if refused is not None:
            await self.discard(draft.new_entries)
            await p.bus.wake(*refused.topics)
            raise refused.error
        await p.bus.wake(inbox(draft.user.id))
        return transaction

    async def _add(self, connection: AsyncConnection, draft: Draft, transaction: Transaction) -> None:
        p = self._parts
        if draft.key is not None:
            await p.seals.require_unchanged(connection, draft.key)
        await self.put(connection, draft, transaction)
        details = {"kind": draft.kind.value, "items": str(len(draft.entries))}
        event = Event("transaction.opened", draft.actor, f"transaction:{transaction.id}", details=details)
        await p.audit.record(connection, event)

    async def put(self, connection: AsyncConnection, draft: Draft, transaction: Transaction) -> None:
        """Write a transaction with what it is to sign. Raises sqlalchemy's IntegrityError for a key that was used."""
        if draft.ready is not None:
            await draft.ready.also(connection)
        await store.add(connection, transaction)
        await entries.add(connection, transaction.id, draft.new_entries)

    async def made(self, draft: Draft) -> Transaction:
        """Return the transaction of a draft with its signed request, not written yet.

        Raises Invalid or DeceptiveText for what no phone would show, HsmUnavailable.
        """
        rules.require_plain(draft.text, (entry.item for entry in draft.entries))
        p, drawn = self._parts, draw(draft.mode)
        request = await self._request(draft, drawn, p.clock.now().replace(microsecond=0))
        return _transaction(draft, drawn, request, await p.devices.sign_request(request.payload()))

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

    async def _request(self, draft: Draft, drawn: Drawn, now: datetime) -> ConfirmationRequest:
        p = self._parts
        return ConfirmationRequest(
            server=p.server,
            transaction=draft.ready.id if draft.ready else TransactionId(p.ids.new()),
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
            verification=drawn.verification,
            answer_by=draft.answer_by,
            more=draft.more if draft.phone is None else draft.more | {"phone": draft.phone.id},
        )

    async def _application(self, draft: Draft) -> Party:
        if draft.phone is not None:
            return Party(OWNER, self._parts.name)
        if draft.client_id is None:
            return Party(OPERATOR, self._parts.name)
        return Party(draft.client_id, (await self._parts.clients.get(draft.client_id)).name)


def _transaction(draft: Draft, drawn: Drawn, request: ConfirmationRequest, request_jws: str) -> Transaction:
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
        number=drawn.number,
        number_salt=drawn.salt,
        reach=draft.reach,
        browser_sha256=draft.browser_sha256,
    )
