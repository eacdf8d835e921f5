"""The verbs over credentials: create, certify, sign. Each verifies the phone's confirmation again before it acts."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.service import Audit
from dss.ca.model import Reason
from dss.ca.service import Ca, Issued, IssueRequest
from dss.credentials import csr, store
from dss.credentials import subject as subjects
from dss.credentials.activation import Activation
from dss.credentials.model import Credential, CredentialState
from dss.credentials.verifying import require_signature
from dss.devices.request import Asked, Kind
from dss.devices.service import Attested, Devices
from dss.hsm import keyblob
from dss.hsm.userkeys import UserKeys, WrappedKey
from dss.infra.db import Database
from dss.kernel import b64
from dss.kernel.clock import Clock
from dss.kernel.digest import Digest
from dss.kernel.errors import AnswerRefused, Conflict, Expired, NotFound, Unavailable
from dss.kernel.ids import CredentialId, TransactionId, UserId
from dss.kernel.keyspec import KeySpec, Scheme
from dss.users.service import Users


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service is made of; user_keys is None in a process that may not sign, ca in one that may not issue.

    sad_lifetime: how long after the phone's answer its signatures may be begun.
    """

    server: str
    database: Database
    user_keys: UserKeys | None
    devices: Devices
    ca: Ca
    users: Users
    audit: Audit
    clock: Clock
    sad_lifetime: timedelta


class Credentials:
    """People's keys, and the one door to them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def find(self, id: CredentialId) -> Credential | None:
        """Return a credential, or None when its key is not made."""
        async with self._parts.database.read() as connection:
            return await store.find(connection, id)

    async def get(self, id: CredentialId) -> Credential:
        """Return a credential. Raises NotFound."""
        credential = await self.find(id)
        if credential is None:
            raise NotFound("there is no such credential")
        return credential

    async def page(self, user_id: UserId | None, after: CredentialId | None, limit: int) -> list[Credential]:
        """Return up to `limit` active credentials after one of them, by id; of one user or of all."""
        async with self._parts.database.read() as connection:
            return await store.page(connection, user_id, after, limit)

    async def count_by_kek(self) -> dict[str, int]:
        """Return how many credentials' keys each KEK of the HSM wraps."""
        async with self._parts.database.read() as connection:
            return await store.count_by_kek(connection)

    async def sign(self, activation: Activation) -> tuple[bytes, ...]:
        """Spend an Activation: return one signature for each digest, in the order of the request.

        Every check is made here from the Activation's own bytes and the rows of phones and credentials; the
        transaction's state is never read. Each occurrence is reserved before the HSM is called, and each signature is
        verified with the certificate's key before it is returned. ECDSA signatures are DER, RSA ones as they are.
        Raises AnswerRefused, Locked, Conflict, Expired, HsmUnavailable.
        """
        asked, attested = await self._attest(activation, Kind.SIGN)
        credential = await self.get(asked.credential_id)
        certificate = self._require_named(credential, asked)
        await self._reserve(activation, asked, attested)
        key = _unlock(credential, await self._parts.devices.share_of(attested, activation.box, asked))
        public_key = x509.load_der_x509_certificate(certificate).public_key()
        signatures = []
        for digest, name in zip(asked.to_sign, asked.schemes, strict=True):
            scheme = Scheme.named(name)
            signature = await self._user_keys.sign(key, scheme, digest)
            require_signature(public_key, scheme, digest, signature)
            signatures.append(signature)
        return tuple(signatures)

    async def create(self, activation: Activation) -> None:
        """Make the key of a confirmed `create`: in the HSM, wrapped, locked under the phone's share.

        The credential waits for its certificate. Doing it again changes nothing, so a node that died is no matter: a
        key whose row was not written is not kept anywhere.
        """
        asked, attested = await self._attest(activation, Kind.CREATE)
        if await self.find(asked.credential_id) is not None:
            return
        k_act = await self._parts.devices.share_of(attested, activation.box, asked)
        credential = await self._new_key(asked, k_act)
        event = Event("credential.key_made", f"device:{attested.device.id}", f"credential:{credential.id}")
        try:
            async with self._parts.database.write() as connection:
                await store.add(connection, credential)
                await self._parts.audit.record(connection, event)
        except IntegrityError:
            return

    async def certify(self, activation: Activation) -> Credential:
        """Issue the certificate of a confirmed `create`, for the subject that the phone was shown.

        Raises AnswerRefused, Conflict when the person's data have changed since, NotFound before the key is made.
        """
        asked, attested = await self._attest(activation, Kind.CREATE)
        credential = await self.get(asked.credential_id)
        if credential.is_active:
            return credential
        user = await self._parts.users.get(asked.signer)
        subject = subjects.of(user)
        if subject.rfc4514() != asked.credential["subject"] or credential.user_id != user.id:
            raise Conflict("the person's data have changed since the confirmation")
        csr.require_for(credential, asked.credential["key_type"])
        validity = timedelta(days=asked.credential["validity_days"])
        issued = await self._parts.ca.issue(
            IssueRequest(credential.csr, subject, "signer", validity, f"device:{attested.device.id}")
        )
        return await self._certified(credential, subject.rfc4514(), issued)

    async def consume(self, connection: AsyncConnection, transaction: TransactionId, lease: int, count: int) -> None:
        """Consume a finished attempt's occurrences in the caller's transaction. Raises Conflict if it lost them."""
        if await store.consume(connection, transaction, lease, self._parts.clock.now()) != count:
            raise Conflict("another attempt holds the occurrences")

    @property
    def sad_lifetime(self) -> timedelta:
        """How long after the phone's answer its signatures may be begun."""
        return self._parts.sad_lifetime

    @property
    def _user_keys(self) -> UserKeys:
        if self._parts.user_keys is None:
            raise Unavailable("this process does not hold the token of the user keys")
        return self._parts.user_keys

    async def _attest(self, activation: Activation, kind: Kind) -> tuple[Asked, Attested]:
        asked = activation.asked()
        if asked.kind is not kind or asked.server != self._parts.server:
            raise AnswerRefused
        return asked, await self._parts.devices.attest(activation.device, activation.answer, activation.box, asked)

    def _require_named(self, credential: Credential, asked: Asked) -> bytes:
        certificate = credential.require_usable(self._parts.clock.now())
        named = b64.url_encode(Digest.of(certificate).value)
        if credential.user_id != asked.signer or asked.credential.get("certificate_sha256") != named:
            raise Conflict("the credential is not the one that was confirmed")
        return certificate

    async def _reserve(self, activation: Activation, asked: Asked, attested: Attested) -> None:
        now = self._parts.clock.now()
        first = now < datetime.fromtimestamp(attested.answer.iat, UTC) + self.sad_lifetime
        async with self._parts.database.write() as connection:
            for index in range(len(asked.to_sign)):
                row = {"index": index, "credential_id": asked.credential_id, "reserved_at": now}
                held = row | {"lease": activation.lease}
                if not await store.reserve(connection, asked.transaction, held, first=first):
                    raise (
                        Conflict("the digest was signed, or another attempt holds it")
                        if first
                        else Expired(f"a confirmation is good for {self.sad_lifetime.total_seconds():.0f} s")
                    )

    async def _new_key(self, asked: Asked, k_act: bytes) -> Credential:
        spec = KeySpec(asked.credential["key_type"])
        made = await self._user_keys.generate(spec)
        key = made.key
        id, owner = asked.credential_id, asked.signer
        scheme = Scheme.default_for(spec)
        request = await csr.make(id, spec, made.public_key, lambda digest: self._user_keys.sign(key, scheme, digest))
        blob = keyblob.lock(key.wrapped, k_act, keyblob.BlobPlace(id, owner, key.kek_id))
        now = self._parts.clock.now()
        return Credential(
            id=id,
            user_id=owner,
            state=CredentialState.REQUESTED,
            key_spec=spec,
            kek_id=key.kek_id,
            key_blob=blob,
            public_key=made.public_key,
            csr=request,
            subject=None,
            certificate=None,
            chain=(),
            not_before=None,
            not_after=None,
            created_at=now,
        )

    async def _certified(self, credential: Credential, subject: str, issued: Issued) -> Credential:
        parsed = x509.load_der_x509_certificate(issued.certificate)
        certified = replace(
            credential,
            state=CredentialState.ACTIVE,
            subject=subject,
            certificate=issued.certificate,
            chain=issued.chain,
            not_before=parsed.not_valid_before_utc,
            not_after=parsed.not_valid_after_utc,
        )
        event = Event("credential.certified", "server", f"credential:{credential.id}")
        try:
            async with self._parts.database.write() as connection:
                await store.certify(connection, certified)
                await self._parts.audit.record(connection, event)
        except Conflict:
            # Another attempt was first: its certificate holds, and this one is nobody's.
            await self._parts.ca.revoke(f"{parsed.serial_number:x}", Reason.SUPERSEDED, "server")
            return await self.get(credential.id)
        return certified


def _unlock(credential: Credential, k_act: bytes) -> WrappedKey:
    kek_id, wrapped = keyblob.unlock(credential.key_blob, k_act, credential.id, credential.user_id)
    return WrappedKey(kek_id, wrapped, credential.key_spec)
