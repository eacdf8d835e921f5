"""The verbs over credentials: find them, change them, and sign with them through the door."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from cryptography import x509
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome
from dss.audit.seals import Draft, Sealed, Stored
from dss.credentials import locking, store
from dss.credentials.activation import Activation
from dss.credentials.code_door import Coded
from dss.credentials.door import Admission, Door
from dss.credentials.model import LIVING, Credential, CredentialState, Spending
from dss.credentials.parts import Parts
from dss.credentials.policy import require_policy
from dss.credentials.session import Session
from dss.credentials.verifying import require_signature, serial_of
from dss.devices.items import Item
from dss.devices.model import Device
from dss.devices.request import Asked, Kind
from dss.devices.service import Examined, Weighed
from dss.hsm.keyblob import BlobRefused
from dss.hsm.userkeys import WrappedKey
from dss.kernel import b64
from dss.kernel.digest import Digest
from dss.kernel.errors import AnswerRefused, Conflict, NotFound
from dss.kernel.ids import CredentialId, TransactionId, UserId
from dss.kernel.keyspec import Scheme


@dataclass(frozen=True, slots=True)
class Signing:
    """An Activation in one attempt's hands, and the key that it opened.

    by, phone: the credential and the phone as they were at the door: they must be so when signatures are released.
    left:      what is still to be signed: an earlier attempt may have released a part of a batch.
    relocked:  the credential under its new lock, where the confirmation brought one.
    """

    admission: Admission
    held: Sealed[Spending]
    by: Sealed[Credential]
    key: WrappedKey = field(repr=False)
    left: tuple[Item, ...]
    relocked: Draft[Credential] | None

    @property
    def phone(self) -> Device:
        """The phone that confirmed."""
        return self.admission.phone


class Credentials:
    """People's keys, and the one door to them."""

    def __init__(self, parts: Parts, door: Door) -> None:
        self._parts = parts
        self._door = door

    @property
    def sad_lifetime(self) -> timedelta:
        """How long a confirmation waits for a node that takes it up."""
        return self._parts.sad_lifetime

    async def find(self, id: CredentialId) -> Credential | None:
        """Return a credential, or None when its key is not made. Raises Tampered."""
        async with self._parts.database.read() as connection:
            stored = await store.find(connection, id)
        return None if stored is None else (await self._parts.seals.prove(stored)).value

    async def get(self, id: CredentialId) -> Credential:
        """Return a credential. Raises NotFound, Tampered."""
        return (await self.sealed(id)).value

    async def sealed(self, id: CredentialId) -> Sealed[Credential]:
        """Return a credential with its seal, to change it. Raises NotFound, Tampered."""
        async with self._parts.database.read() as connection:
            stored = await store.find(connection, id)
        if stored is None:
            raise NotFound("there is no such credential")
        return await self._parts.seals.prove(stored)

    async def session(self, id: TransactionId) -> Sealed[Session] | None:
        """Return what is taken of a session, with its seal; None until it is confirmed. Raises Tampered."""
        async with self._parts.database.read() as connection:
            stored = await store.session(connection, id)
        return None if stored is None else await self._parts.seals.prove(stored)

    async def page(self, user_id: UserId | None, after: CredentialId | None, limit: int) -> list[Credential]:
        """Return up to `limit` credentials that have or had a certificate, by id; of one user or of all."""
        async with self._parts.database.read() as connection:
            stored = await store.page(connection, user_id, after, limit)
        return [sealed.value for sealed in await self._proven(stored)]

    async def living_of(self, user_id: UserId, *more: CredentialState) -> list[Sealed[Credential]]:
        """Return a user's credentials whose keys exist, with their seals; with those of more states, if wished."""
        async with self._parts.database.read() as connection:
            stored = await store.living_of(connection, user_id, (*LIVING, *more))
        return await self._proven(stored)

    async def require_usable(self, credential: Credential) -> bytes:
        """Return the certificate, DER, of a credential that may sign now, by its own state and the CA's register.

        Raises Conflict.
        """
        certificate = credential.require_usable(self._parts.clock.now())
        if await self._parts.ca.is_revoked(serial_of(certificate)):
            raise Conflict("the credential's certificate is revoked")
        return certificate

    async def count_by_kek(self) -> dict[str, int]:
        """Return how many credentials' keys each KEK of the HSM wraps."""
        async with self._parts.database.read() as connection:
            return await store.count_by_kek(connection)

    async def examine(self, examined: Examined, asked: Asked) -> Examined:
        """Look whether the share, and the password if the key has one, that came with a confirmation open the key.

        A wrong password counts as a wrong try. Where the key has none, or the phone's share opens it no more, it is the
        share that is wrong, and that does not fit.
        """
        opened = examined.opened
        if not examined.is_confirmation or not asked.opens_key or opened is None:
            return examined
        credential = await self.get(asked.credential_id)
        stale = examined.device.id not in credential.holders
        if stale or credential.password != asked.credential.get("password"):
            return replace(examined, fits=False)
        try:
            locking.unlock(credential, opened)
        except BlobRefused:
            if credential.password is None:
                return replace(examined, fits=False)
            return replace(examined, secret_right=False, password_wrong=True)
        return examined

    async def count_password(
        self, examined: Examined, asked: Asked, weighed: Weighed
    ) -> tuple[Draft[Credential], Event] | None:
        """Return what a counted answer makes of its key's count of wrong passwords, to be written with it, or None."""
        has_password = asked.opens_key and "password" in asked.credential
        if not has_password or weighed.draft is None or not (examined.password_wrong or examined.is_confirmation):
            return None
        known = await self.sealed(asked.credential_id)
        wrong = examined.password_wrong
        after = known.value.with_wrong_password() if wrong else known.value.with_right_password()
        if after == known.value:
            return None
        kind = "credential.password_refused" if wrong else "credential.password_right"
        details = {"wrong_tries": str(after.password_failures), "state": after.state.value}
        actor, outcome = f"device:{examined.device.id}", Outcome.REFUSED if wrong else Outcome.DONE
        return await self._parts.seals.draft(known, after), Event(kind, actor, known.name, outcome, details)

    async def begin(self, activation: Activation) -> Signing:
        """Let an Activation to sign in, take it into the hands of one attempt, and open its key.

        Every check is made from the Activation's own bytes and sealed rows; the transaction's state is never read. What
        is no batch is reserved at once. Raises AnswerRefused, Locked, Conflict, Expired, Tampered, HsmUnavailable.
        """
        admission = await self._door.admit(activation, Kind.SIGN)
        asked, is_batch = admission.asked, admission.asked.batch is not None
        credential = await self.sealed(asked.credential_id)
        await self._require_named(credential.value, asked)
        require_policy(credential.value.policy, admission.confirmed, by_code=isinstance(admission.by, Coded))
        left = await self._left(admission) if is_batch else admission.items
        held = await self._door.hold(admission, activation.lease, () if is_batch else left)
        opened = await self._door.secrets(admission)
        relocked = None
        if asked.relock:
            anew = locking.under_new_share(credential.value, opened, admission.phone.id)
            relocked = await self._parts.seals.draft(credential, anew)
        return Signing(admission, held, credential, locking.unlock(credential.value, opened), left, relocked)

    async def sign(self, signing: Signing, items: Sequence[Item]) -> tuple[bytes, ...]:
        """Make one signature for each of the things to sign, in their order.

        Each occurrence is reserved before the HSM is called, and each signature is verified with the certificate's key
        before it is returned. ECDSA signatures are DER, RSA ones as they are. Raises Conflict, HsmUnavailable.
        """
        admission, keys = signing.admission, self._parts.keys_here()
        if admission.asked.batch is not None:
            await self._door.reserve(admission.asked, items, signing.held.value.lease)
        public_key = x509.load_der_x509_certificate(signing.by.value.certificate or b"").public_key()
        wanted = [(Scheme.named(item.scheme), item.to_sign) for item in items]
        signatures = await keys.sign_all(signing.key, wanted)
        for (scheme, digest), signature in zip(wanted, signatures, strict=True):
            require_signature(public_key, scheme, digest, signature)
        return tuple(signatures)

    async def release(self, connection: AsyncConnection, signing: Signing, count: int) -> None:
        """Consume the occurrences that an attempt holds, in the caller's transaction.

        Key and phone are what they were at the door, until the caller's commit: a block that is being written goes
        before or after, never between. Raises Conflict if another attempt holds them, Overtaken.
        """
        spending = signing.held.value
        now = self._parts.clock.now()
        if await store.consume(connection, spending.transaction, spending.lease, now) != count:
            raise Conflict("another attempt holds the occurrences")
        await self._parts.devices.require_still_free(connection, signing.phone)
        if signing.relocked is None:
            await self._parts.seals.require_unchanged(connection, signing.by)

    async def spent(self, signing: Signing) -> Draft[Spending]:
        """Seal the record of an Activation that is spent once this is written by `consume`."""
        return await self._door.spent(signing.held)

    async def consume(
        self, connection: AsyncConnection, signing: Signing, spent: Draft[Spending], event: Event
    ) -> None:
        """Write that an Activation is spent, and the key's new lock if it has one, in the caller's transaction.

        Raises Overtaken.
        """
        if signing.relocked is not None:
            relocked = Event("credential.relocked", event.actor, signing.relocked.sealed.name)
            await self._parts.seals.write(connection, signing.relocked, relocked)
        await self._parts.seals.write(connection, spent, event)

    async def _left(self, admission: Admission) -> tuple[Item, ...]:
        async with self._parts.database.read() as connection:
            done = await store.consumed(connection, admission.asked.transaction)
        return tuple(item for item in admission.items if item.index not in done)

    async def _require_named(self, credential: Credential, asked: Asked) -> None:
        certificate = await self.require_usable(credential)
        named = b64.url_encode(Digest.of(certificate).value)
        if credential.user_id != asked.signer or asked.credential.get("certificate_sha256") != named:
            raise Conflict("the credential is not the one that was confirmed")
        if not asked.items:
            raise AnswerRefused

    async def _proven(self, stored: list[Stored[Credential]]) -> list[Sealed[Credential]]:
        return await self._parts.seals.prove_all(stored)
