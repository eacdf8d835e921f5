"""The verbs over credentials: find them, change them, and sign with them through the door."""

from dataclasses import dataclass, replace
from datetime import timedelta

from cryptography import x509
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome
from dss.audit.seals import Draft, Sealed, Stored
from dss.credentials import locking, store
from dss.credentials.activation import Activation
from dss.credentials.door import Door
from dss.credentials.model import LIVING, Credential, CredentialState, Spending
from dss.credentials.parts import Parts
from dss.credentials.verifying import require_signature, serial_of
from dss.devices.model import Device
from dss.devices.request import Asked, Kind
from dss.devices.service import Examined, Weighed
from dss.hsm.keyblob import BlobRefused
from dss.hsm.userkeys import WrappedKey
from dss.kernel import b64
from dss.kernel.digest import Digest
from dss.kernel.errors import AnswerRefused, Conflict, NotFound
from dss.kernel.ids import CredentialId, UserId
from dss.kernel.keyspec import Scheme


@dataclass(frozen=True, slots=True)
class Spent:
    """What came of an Activation that was spent on signatures, to be written where they are released.

    spending: its record, consumed. relocked: the credential under its new lock, where the confirmation brought one.
    by, phone: the credential and the phone as they were at the door: they must be so when the signatures are released.
    """

    signatures: tuple[bytes, ...]
    spending: Draft[Spending]
    relocked: Draft[Credential] | None
    by: Sealed[Credential]
    phone: Device


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

    async def sign(self, activation: Activation) -> Spent:
        """Spend an Activation: make one signature for each digest, in the order of the request.

        Every check is made from the Activation's own bytes and sealed rows; the transaction's state is never read. Each
        occurrence is reserved before the HSM is called, and each signature is verified with the certificate's key
        before it is returned. ECDSA signatures are DER, RSA ones as they are. Raises AnswerRefused, Locked, Conflict,
        Expired, Tampered, HsmUnavailable.
        """
        admission = await self._door.admit(activation, Kind.SIGN)
        asked = admission.asked
        credential = await self.sealed(asked.credential_id)
        certificate = await self._require_named(credential.value, asked)
        held = await self._door.hold(admission, activation.lease)
        opened = await self._door.secrets(admission, activation)
        signatures = await self._signatures(locking.unlock(credential.value, opened), asked, certificate)
        relocked = None
        if asked.relock:
            anew = locking.under_new_share(credential.value, opened, admission.attested.device.id)
            relocked = await self._parts.seals.draft(credential, anew)
        return Spent(signatures, await self._door.spent(held), relocked, credential, admission.attested.device)

    async def consume(self, connection: AsyncConnection, spent: Spent, event: Event) -> None:
        """Write that an Activation is spent, in the caller's transaction.

        Key and phone are what they were at the door, until the caller's commit: a block that is being written goes
        before or after, never between. Raises Conflict if another attempt holds it, Overtaken.
        """
        spending = spent.spending.value
        now = spending.consumed_at or self._parts.clock.now()
        count = await store.consume(connection, spending.transaction, spending.lease, now)
        if count != len(spent.signatures):
            raise Conflict("another attempt holds the occurrences")
        await self._parts.devices.require_still_free(connection, spent.phone)
        if spent.relocked is None:
            await self._parts.seals.require_unchanged(connection, spent.by)
        else:
            relocked = Event("credential.relocked", event.actor, spent.relocked.sealed.name)
            await self._parts.seals.write(connection, spent.relocked, relocked)
        await self._parts.seals.write(connection, spent.spending, event)

    async def _signatures(self, key: WrappedKey, asked: Asked, certificate: bytes) -> tuple[bytes, ...]:
        keys, public_key = self._parts.keys_here(), x509.load_der_x509_certificate(certificate).public_key()
        signatures = []
        for digest, name in zip(asked.to_sign, asked.schemes, strict=True):
            scheme = Scheme.named(name)
            signature = await keys.sign(key, scheme, digest)
            require_signature(public_key, scheme, digest, signature)
            signatures.append(signature)
        return tuple(signatures)

    async def _require_named(self, credential: Credential, asked: Asked) -> bytes:
        certificate = await self.require_usable(credential)
        named = b64.url_encode(Digest.of(certificate).value)
        if credential.user_id != asked.signer or asked.credential.get("certificate_sha256") != named:
            raise Conflict("the credential is not the one that was confirmed")
        if not asked.to_sign:
            raise AnswerRefused
        return certificate

    async def _proven(self, stored: list[Stored[Credential]]) -> list[Sealed[Credential]]:
        return await self._parts.seals.prove_all(stored)
