"""The verb open: turn a wish into a transaction that a phone can be shown."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError

from dss.audit.event import Event
from dss.credentials import subject as subjects
from dss.credentials.model import Credential
from dss.devices.request import ConfirmationRequest, Item, Kind, Party, Shown
from dss.documents.model import Document, PrepareFor
from dss.kernel import b64
from dss.kernel.digest import Digest
from dss.kernel.errors import Conflict, IdempotencyConflict, NotFound, TooMany, Unavailable
from dss.kernel.ids import ClientId, CredentialId, TransactionId
from dss.kernel.keyspec import Scheme, require_fit
from dss.transactions import entries, prepared, rules, store
from dss.transactions.machine import State
from dss.transactions.model import Entry, Idempotency, OpenCreation, OpenSigning, Transaction
from dss.transactions.parts import WAITING, Parts, inbox
from dss.users.model import User


@dataclass(frozen=True, slots=True)
class _Draft:
    """What every kind of transaction needs to be opened."""

    kind: Kind
    client_id: ClientId | None
    user: User
    credential: dict[str, Any]
    text: str
    entries: tuple[Entry, ...]
    confirm_within: timedelta
    idempotency: Idempotency | None


class Opening:
    """Opens transactions."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def open_signing(self, wish: OpenSigning) -> Transaction:
        """Prepare what is to be signed, and ask the signer's phone.

        Raises Invalid, DeceptiveText, BadDigest, BadDocument, NotFound, Conflict, TooMany, IdempotencyConflict.
        """
        p = self._parts
        rules.require_acceptable(wish, p.limits)
        if known := await self._known(wish.client_id, wish.idempotency):
            return known
        credential = await p.credentials.get(wish.credential_id)
        certificate = credential.require_usable(p.clock.now())
        user = await p.users.get(credential.user_id)
        await self._require_phone(user)
        how = self._how(wish, credential, user)
        named = {"id": credential.id, "certificate_sha256": b64.url_encode(Digest.of(certificate).value)}
        draft = _Draft(
            kind=Kind.SIGN,
            client_id=wish.client_id,
            user=user,
            credential=named,
            text=wish.text,
            entries=await self._entries(wish, how),
            confirm_within=wish.expires_in or p.limits.confirm_within,
            idempotency=wish.idempotency,
        )
        return await self._open(draft)

    async def open_creation(self, wish: OpenCreation) -> Transaction:
        """Ask the signer's phone to confirm a new key.

        Raises Invalid or DeceptiveText when a certificate cannot name the signer, NotFound, Conflict,
        TooMany, IdempotencyConflict.
        """
        p = self._parts
        if known := await self._known(wish.client_id, wish.idempotency):
            return known
        user = await self._reachable(wish.login)
        subject = subjects.of(user).rfc4514()
        wanted = {"subject": subject, "key_type": wish.key_spec.value, "validity_days": p.limits.certificate_days}
        draft = _Draft(
            kind=Kind.CREATE,
            client_id=wish.client_id,
            user=user,
            credential={"id": p.ids.new(), **wanted},
            text="",
            entries=(),
            confirm_within=p.limits.confirm_within,
            idempotency=wish.idempotency,
        )
        return await self._open(draft)

    async def _open(self, draft: _Draft) -> Transaction:
        p = self._parts
        try:
            request = await self._request(draft, p.clock.now().replace(microsecond=0))
            transaction = _transaction(draft, request, await p.devices.sign_request(request.payload()))
        except BaseException:
            await self._discard(draft.entries)
            raise
        actor = f"client:{draft.client_id}" if draft.client_id else "operator"
        details = {"kind": draft.kind.value, "items": str(len(draft.entries))}
        event = Event("transaction.opened", actor, f"transaction:{transaction.id}", details=details)
        try:
            async with p.database.write() as connection:
                await store.add(connection, transaction)
                await entries.add(connection, transaction.id, draft.entries)
                await p.audit.record(connection, event)
        except IntegrityError:
            # The same wish came meanwhile under the same key, and was first to be written: this one's work is undone.
            await self._discard(draft.entries)
            if known := await self._known(draft.client_id, draft.idempotency):
                return known
            raise
        await p.bus.wake(inbox(draft.user.id))
        return transaction

    async def _request(self, draft: _Draft, now: datetime) -> ConfirmationRequest:
        p = self._parts
        return ConfirmationRequest(
            server=p.server,
            transaction=TransactionId(p.ids.new()),
            kind=draft.kind,
            relying_application=await self._application(draft.client_id),
            signer=Party(draft.user.id, draft.user.name, draft.user.login),
            credential=draft.credential,
            text=draft.text,
            documents=tuple(entry.item for entry in draft.entries),
            box_key=await p.boxes.current(),
            issued=now,
            expires=now + draft.confirm_within,
            nonce=b64.url_encode(secrets.token_bytes(16)),
        )

    async def _application(self, client_id: ClientId | None) -> Party:
        if client_id is None:
            return Party("operator", self._parts.name)
        return Party(client_id, (await self._parts.clients.get(client_id)).name)

    async def _known(self, client_id: ClientId | None, used: Idempotency | None) -> Transaction | None:
        if client_id is None or used is None:
            return None
        async with self._parts.database.read() as connection:
            known = await store.by_idempotency(connection, client_id, used)
        if known is not None and known.body_sha256 != used.body_sha256:
            raise IdempotencyConflict("the Idempotency-Key stands for another request; take a new one")
        return None if known is None else known.as_of(self._parts.clock.now())

    async def _reachable(self, login: str) -> User:
        """Return a signer who has a phone; that there is no such signer, and that they have none, look alike."""
        try:
            user = await self._parts.users.by_login(login)
            await self._require_phone(user)
        except (NotFound, Conflict) as fault:
            raise NotFound("there is no such signer with a phone that can answer now") from fault
        return user

    async def _require_phone(self, user: User) -> None:
        """Raise Conflict unless the signer can answer, and TooMany when as much waits as one phone is told of."""
        now = self._parts.clock.now()
        if all(device.is_locked(now) for device in await self._parts.devices.of_user(user.id)):
            raise Conflict("the signer has no phone that can answer now")
        async with self._parts.database.read() as connection:
            waiting = await store.count_awaiting(connection, user.id, now)
        if waiting >= WAITING:
            raise TooMany(f"{WAITING} transactions wait for this signer's answer, and no more may", retry_after=60)

    def _how(self, wish: OpenSigning, credential: Credential, user: User) -> PrepareFor:
        spec = credential.key_spec
        scheme = wish.scheme or Scheme.default_for(spec)
        require_fit(spec, scheme)
        chain = (credential.certificate or b"", *credential.chain)
        return PrepareFor(chain, spec, scheme, user.name, self._parts.clock.now())

    async def _entries(self, wish: OpenSigning, how: PrepareFor) -> tuple[Entry, ...]:
        if wish.hashes:
            return tuple(
                Entry(Item(index, "hash", how.scheme.name, Digest(wish.hash_algorithm, value)))
                for index, value in enumerate(wish.hashes)
            )
        made: list[Entry] = []
        try:
            for index, id in enumerate(wish.documents):
                document = await self._parts.documents.get(wish.client_id, id)
                made.append(await self._prepared(index, document, how))
        except BaseException:
            await self._discard(made)
            raise
        return tuple(made)

    async def _prepared(self, index: int, document: Document, how: PrepareFor) -> Entry:
        made = await self._parts.documents.prepare(document, how)
        shown = Shown(document.name, document.media_type, document.size, document.digest)
        item = Item(index, "PAdES-B-B", how.scheme.name, made.to_sign, shown)
        return Entry(item, document.id, prepared.to_json(made))

    async def _discard(self, unused: Sequence[Entry]) -> None:
        """Delete what was prepared for a transaction that is not opened."""
        for entry in unused:
            if made := prepared.of(entry):
                with suppress(Unavailable):
                    await self._parts.documents.discard(made.prepared.digest)


def _transaction(draft: _Draft, request: ConfirmationRequest, request_jws: str) -> Transaction:
    used = draft.idempotency
    return Transaction(
        id=request.transaction,
        kind=draft.kind,
        state=State.AWAITING,
        client_id=draft.client_id,
        user_id=draft.user.id,
        credential_id=CredentialId(draft.credential["id"]),
        request=request.payload(),
        request_jws=request_jws,
        box_key_id=request.box_key.id,
        opened_at=request.issued,
        expires_at=request.expires,
        changed_at=request.issued,
        text=draft.text,
        idempotency_key=used.key if used else None,
        body_sha256=used.body_sha256 if used else b"",
    )
