"""The verbs create and certify: the role that signs makes a confirmed key, the one that issues its certificate."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from cryptography import x509
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.seals import Draft, Sealed
from dss.ca import pkcs10
from dss.ca.model import Reason
from dss.ca.service import Issued, IssueRequest
from dss.credentials import csr
from dss.credentials import subject as subjects
from dss.credentials.activation import Activation
from dss.credentials.door import Admission, Door
from dss.credentials.model import LIVING, Credential, CredentialState, Spending
from dss.credentials.parts import Parts
from dss.credentials.policy import require_policy
from dss.credentials.registers import CREDENTIALS, row_of
from dss.credentials.service import Credentials
from dss.credentials.verifying import serial_of
from dss.devices.boxes import Opened
from dss.devices.model import Device
from dss.devices.request import Asked, Kind
from dss.hsm import keyblob
from dss.hsm.keyblob import BlobPlace, KeySecret
from dss.kernel import canonical
from dss.kernel.digest import Digest
from dss.kernel.errors import Conflict, Overtaken
from dss.kernel.ids import CredentialId
from dss.kernel.keyspec import KeySpec, Scheme
from dss.kernel.policy import SAYS_NOTHING, Policy

FIRST_CERTIFYING = 2  # the lease of the first attempt: the one before made the key


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate that was issued, to be written where the credential is released.

    spending: the record of the confirmation, consumed. replaced: the old credential, revoked, where one is cancelled.
    in_vain:  serials of certificates for the same key by attempts that died before they could hand them out.
    phone:    that confirmed it.
    """

    credential: Draft[Credential]
    spending: Draft[Spending]
    replaced: Draft[Credential] | None
    serial: str
    in_vain: list[str]
    phone: Device


class Making:
    """Makes credentials of confirmed wishes."""

    def __init__(self, parts: Parts, door: Door, credentials: Credentials) -> None:
        self._parts = parts
        self._door = door
        self._credentials = credentials

    async def create(self, activation: Activation) -> None:
        """Make the key of a confirmed `create`: in the HSM, wrapped, locked under the phone's share.

        The credential waits for its certificate. Doing it again changes nothing, so a node that died is no matter: a
        key whose row was not written is not kept anywhere. Raises as `Door.admit`, and Conflict where the confirmation
        is below the policy of the key that is replaced.
        """
        p = self._parts
        admission = await self._door.admit(activation, Kind.CREATE)
        if await self._credentials.find(admission.asked.credential_id) is not None:
            return
        await self._replaced(admission.asked)
        await self._door.hold(admission, activation.lease)
        made = await self._new_key(admission, await self._door.secrets(admission))
        draft = await p.seals.draft_new(CREDENTIALS, row_of(made))
        try:
            async with p.database.write() as connection:
                event = Event("credential.key_made", admission.actor, draft.sealed.name)
                await p.seals.write(connection, draft, event)
        except IntegrityError:
            return

    async def certify(self, activation: Activation) -> Certified:
        """Issue the certificate of a confirmed `create`, for the subject that the phone was shown.

        A key that takes another's place has its policy, as it is now.
        Raises AnswerRefused, Conflict when the person's data have changed since, NotFound before the key is made.
        """
        admission = await self._door.admit(activation, Kind.CREATE)
        asked = admission.asked
        known = await self._credentials.sealed(asked.credential_id)
        if known.value.state is not CredentialState.REQUESTED:
            raise Conflict(f"the credential is {known.value.state}")
        old = await self._replaced(asked)
        held = await self._door.hold(admission, activation.lease)
        user = await self._parts.users.get(asked.signer)
        subject = subjects.of(user)
        if subject.rfc4514() != asked.credential["subject"] or known.value.user_id != user.id:
            raise Conflict("the person's data have changed since the confirmation")
        csr.require_for(known.value, asked.credential["key_type"])
        first = activation.lease <= FIRST_CERTIFYING
        earlier = [] if first else await self._parts.ca.held(admission.actor, known.value.public_key)
        validity = timedelta(days=asked.credential["validity_days"])
        issued = await self._parts.ca.issue(IssueRequest(known.value.csr, subject, "signer", validity, admission.actor))
        new = _with(known.value, subject.rfc4514(), issued, SAYS_NOTHING if old is None else old.value.policy)
        return Certified(
            credential=await self._parts.seals.draft(known, new),
            spending=await self._door.spent(held),
            replaced=None if old is None else await self._ended(old),
            serial=serial_of(issued.certificate),
            in_vain=[one.serial for one in earlier],
            phone=admission.phone,
        )

    async def write(self, connection: AsyncConnection, certified: Certified, event: Event) -> None:
        """Write what a certification made, in the caller's transaction: the old key is cancelled the same instant.

        event: of the release. Raises Overtaken.
        """
        p = self._parts
        name = certified.credential.sealed.name
        await p.seals.write(connection, certified.spending, event)
        details = {"policy": canonical.encode(certified.credential.value.policy.member()).decode()}
        await p.seals.write(
            connection, certified.credential, Event("credential.certified", "server", name, details=details)
        )
        if (replaced := certified.replaced) is not None:
            old = Event("credential.revoked", "server", replaced.sealed.name, details={"replaced_by": name})
            await p.seals.write(connection, replaced, old)
            if replaced.value.certificate is not None:
                serial = serial_of(replaced.value.certificate)
                await p.ca.ensure_revoked(connection, serial, Reason.SUPERSEDED, "server")
        for serial in certified.in_vain:
            await p.ca.ensure_revoked(connection, serial, Reason.SUPERSEDED, "server")

    async def abandon(self, id: CredentialId) -> None:
        """Destroy the key of a `create` that came to nothing, if it was made and waits for its certificate."""
        p = self._parts
        if await self._credentials.find(id) is None:
            return
        known = await self._credentials.sealed(id)
        if known.value.state is not CredentialState.REQUESTED:
            return
        draft = await p.seals.draft(known, known.value.abandoned())
        with suppress(Overtaken):
            async with p.database.write() as connection:
                await p.seals.write(connection, draft, Event("credential.destroyed", "server", known.name))

    async def discard(self, certified: Certified) -> None:
        """Revoke a certificate that was issued in vain: another attempt was first, and this one is nobody's."""
        with suppress(Conflict):  # the other attempt may have found and revoked it
            await self._parts.ca.revoke(certified.serial, Reason.SUPERSEDED, "server")

    async def _replaced(self, asked: Asked) -> Sealed[Credential] | None:
        """Return the key that a new one cancels, if it does. Raises Conflict where its policy asks for more."""
        replaces = _replaces(asked)
        if replaces is None:
            return None
        old = await self._credentials.sealed(replaces)
        if old.value.user_id != asked.signer:
            raise Conflict("the key to cancel is another person's")
        require_policy(old.value.policy, asked, by_code=False)
        return old

    async def _ended(self, old: Sealed[Credential]) -> Draft[Credential] | None:
        """Seal the end of the key that a new one cancels; one that has ended since is cancelled enough."""
        if old.value.state not in LIVING:
            return None
        return await self._parts.seals.draft(old, old.value.ended(CredentialState.REVOKED))

    async def _new_key(self, admission: Admission, opened: Opened) -> Credential:
        keys, asked = self._parts.keys_here(), admission.asked
        spec = KeySpec(asked.credential["key_type"])
        made = await keys.generate(spec)
        key, scheme = made.key, Scheme.default_for(spec)
        id, owner = asked.credential_id, asked.signer
        request = await pkcs10.make(
            id, spec, made.public_key, lambda info: keys.sign(key, scheme, Digest.of(info, spec.natural_hash))
        )
        return Credential(
            id=id,
            user_id=owner,
            state=CredentialState.REQUESTED,
            key_spec=spec,
            kek_id=key.kek_id,
            key_blob=keyblob.lock(key.wrapped, KeySecret(opened.k_act), BlobPlace(id, owner, key.kek_id)),
            public_key=made.public_key,
            csr=request,
            subject=None,
            certificate=None,
            chain=(),
            not_before=None,
            not_after=None,
            created_at=self._parts.clock.now(),
            suspended_by=None,
            relock=False,
            holders=(admission.phone.id,),
            password=None,
            replaces=_replaces(asked),
        )


def _replaces(asked: Asked) -> CredentialId | None:
    replaces = asked.credential.get("replaces")
    return None if replaces is None else CredentialId(replaces["id"])


def _with(credential: Credential, subject: str, issued: Issued, policy: Policy) -> Credential:
    parsed = x509.load_der_x509_certificate(issued.certificate)
    return replace(
        credential,
        state=CredentialState.ACTIVE,
        subject=subject,
        certificate=issued.certificate,
        chain=issued.chain,
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        policy=policy,
    )
