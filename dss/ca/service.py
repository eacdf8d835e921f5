"""The verbs of the CA: set up, issue, revoke, publish.

The HSM signs outside every database transaction. A crash between the two leaves nothing that anyone could use: a signed
certificate or CRL that was not stored was not handed out either, and a key made for a CA that was not stored certifies
nothing. The verb done again makes another; a CRL number may be left out (RFC 5280 section 5.2.3 asks that they rise).
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.service import Audit
from dss.ca import issuing, profiles, store
from dss.ca.crl import CrlDraft, sign_crl
from dss.ca.issuing import Draft, Issuer, PrivateKey
from dss.ca.model import (
    Authority,
    CaSettings,
    Certificate,
    Crl,
    CrlStanding,
    NewAuthority,
    Reason,
    ServiceSubject,
    Subject,
    bounded,
    rfc4514,
)
from dss.ca.publickeys import key_of, read_request, require_offered
from dss.hsm.cakeys import CaKeys
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.digest import Digest
from dss.kernel.errors import Conflict, Invalid, NotFound, Unavailable

SET_UP = "operator:set-up"


@dataclass(frozen=True, slots=True)
class IssueRequest:
    """A certificate that somebody asks for.

    csr:       PKCS#10, DER; only its key is taken from it.
    profile:   name of the profile.
    requester: who asks, as `kind:id`.
    """

    csr: bytes
    subject: Subject | ServiceSubject
    profile: str
    validity: timedelta
    requester: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A new certificate, DER, and the rest of its path: issuing CA first, root last."""

    certificate: bytes
    chain: tuple[bytes, ...]


class Ca:
    """The CAs of this installation; without keys it serves what was published, and issues nothing."""

    def __init__(
        self, database: Database, keys: CaKeys | None, audit: Audit, clock: Clock, settings: CaSettings
    ) -> None:
        self._database = database
        self._keys = keys
        self._audit = audit
        self._clock = clock
        self._settings = settings

    async def create_root(self, new: NewAuthority) -> Authority:
        """Set up a self-signed CA and publish its first CRL; once done, doing it again changes nothing.

        Raises Conflict if a CA of this name has another subject, Unavailable, HsmUnavailable.
        """
        return await self._create(new, None)

    async def create_issuing(self, new: NewAuthority, parent: str) -> Authority:
        """Set up a CA under another and publish its first CRL; once done, doing it again changes nothing.

        Raises NotFound for an unknown parent, Conflict if a CA of this name has another subject or the parent
        cannot certify, Unavailable, HsmUnavailable.
        """
        return await self._create(new, parent)

    async def issue(self, request: IssueRequest) -> Issued:
        """Certify the key of a person or of the server.

        The validity is cut to the end of the issuing CA's. Raises BadRequest and Invalid for what is wrong with the
        request, LintRefused, Conflict when the issuing CA may not sign any more, Unavailable, HsmUnavailable.
        """
        public_key = read_request(request.csr)
        profile = profiles.load(request.profile)
        if profile.authority or profile.is_personal is not isinstance(request.subject, Subject):
            raise Invalid(f"the profile {profile.name} is not for such a subject")
        parent = await self._able_authority(self._settings.issuer)
        validity = bounded(self._now(), request.validity, profile.longest, parent.certificate.validity.not_after)
        draft = Draft(profile, request.subject.name(), public_key, validity, x509.random_serial_number())
        certificate = await self._certify(draft, Issuer.of(parent), request.requester)
        async with self._database.write() as connection:
            await store.add_certificate(connection, certificate)
            await self._audit.record(connection, _issued_event(certificate))
        return Issued(certificate.der, await self.chain(parent.name))

    async def held(self, requester: str, public_key: bytes) -> list[Certificate]:
        """Return the good certificates that a requester got for a key, SubjectPublicKeyInfo in DER."""
        async with self._database.read() as connection:
            known = await store.good_of(connection, requester)
        return [one for one in known if key_of(one.der) == public_key]

    async def revoke(self, serial: str, reason: Reason, actor: str) -> Crl:
        """Revoke a certificate for good and publish it.

        serial: lower-case hexadecimal. actor: who revokes, as `kind:id`.
        Raises NotFound, Conflict if it is revoked already; Unavailable or HsmUnavailable when the revocation stands
        but could not be published here: `publish_due` does so.
        """
        async with self._database.write() as connection:
            issuer = await self.mark_revoked(connection, serial, reason, actor)
        return await self.publish_crl(issuer)

    async def mark_revoked(self, connection: AsyncConnection, serial: str, reason: Reason, actor: str) -> str:
        """Revoke a certificate for good in the caller's transaction, and return the name of the CA that issued it.

        Takes no key, so any role may; `publish_due` puts it on the list. Raises NotFound, Conflict if it is revoked
        already.
        """
        issuer = await store.revoke(connection, serial, reason, self._now())
        event = Event("certificate.revoked", actor, f"certificate:{serial}", details={"reason": reason.value})
        await self._audit.record(connection, event)
        return issuer

    async def ensure_revoked(self, connection: AsyncConnection, serial: str, reason: Reason, actor: str) -> None:
        """Revoke a certificate in the caller's transaction, unless it is revoked already. Raises NotFound."""
        with suppress(Conflict):
            await self.mark_revoked(connection, serial, reason, actor)

    async def is_revoked(self, serial: str) -> bool:
        """Return True when a certificate is revoked, or not of this register."""
        async with self._database.read() as connection:
            return not await store.is_good(connection, serial)

    async def publish_crl(self, name: str) -> Crl:
        """Sign and store a CA's next CRL.

        Number and entries are read in one transaction, so that a higher number never lists less than a lower one,
        whichever is stored first. Raises NotFound, Unavailable, HsmUnavailable.
        """
        keys = self._keys_here()
        now = self._now()
        async with self._database.write() as connection:
            number = await store.take_crl_number(connection, name)
            revoked = await store.revoked(connection, name)
            authority = await store.authority(connection, name)
        lifetime = profiles.load(authority.profile).require_authority().crl_valid
        draft = CrlDraft(number, now, now + lifetime, revoked)
        key = await _key(keys, authority.key_name)
        signed = await keys.run(lambda: sign_crl(draft, Issuer.of(authority), key))
        der = signed.public_bytes(Encoding.DER)
        published = Crl(name, number, der, draft.this_update, draft.next_update, len(revoked))
        details = {"number": str(number), "entries": str(published.entries)}
        async with self._database.write() as connection:
            await store.add_crl(connection, published)
            await self._audit.record(connection, Event("crl.published", "server", f"ca:{name}", details=details))
        return published

    async def publish_due(self) -> list[Crl]:
        """Publish the CRLs that are due: missing, old, or behind the register; return the new ones.

        Two workers at a time may both publish: the second CRL says the same under a higher number.
        """
        async with self._database.read() as connection:
            standings = await store.crl_standings(connection)
        return [await self.publish_crl(one.issuer) for one in standings if self._is_due(one)]

    async def crl(self, name: str) -> Crl:
        """Return a CA's newest CRL. Raises NotFound."""
        async with self._database.read() as connection:
            current = await store.current_crl(connection, name)
        if current is None:
            raise NotFound("there is no CRL of this CA")
        return current

    async def certificate(self, name: str) -> Certificate:
        """Return a CA's own certificate. Raises NotFound."""
        async with self._database.read() as connection:
            return (await store.authority(connection, name)).certificate

    async def list(self) -> list[Authority]:
        """Return every CA, by name."""
        async with self._database.read() as connection:
            return await store.all_authorities(connection)

    async def chain(self, name: str) -> tuple[bytes, ...]:
        """Return the certificates from a CA up to its root, DER. Raises NotFound."""
        path = []
        above: str | None = name
        async with self._database.read() as connection:
            while above is not None:
                authority = await store.authority(connection, above)
                path.append(authority.certificate.der)
                above = authority.parent
        return tuple(path)

    async def _create(self, new: NewAuthority, parent: str | None) -> Authority:
        async with self._database.read() as connection:
            known = await store.find_authority(connection, new.name)
        authority = known or await self._found(new, parent)
        if authority.certificate.subject != rfc4514(new.subject()) or authority.parent != parent:
            raise Conflict(f"there is another CA of the name {new.name}")
        async with self._database.read() as connection:
            published = await store.current_crl(connection, new.name)
        if published is None:
            await self.publish_crl(new.name)
        return authority

    async def _found(self, new: NewAuthority, parent: str | None) -> Authority:
        """Make a CA's key and certificate; the key has a new name, so a try that failed is never in the way."""
        keys = self._keys_here()
        above = await self._able_authority(parent) if parent else None
        profile = profiles.load("issuing" if above else "root")
        serial = x509.random_serial_number()
        key_name = f"{new.name}-{serial:x}"
        await keys.generate(key_name, profile.require_authority().key)
        public_key = require_offered((await _key(keys, key_name)).public_key())
        issuer = Issuer.of(above) if above else Issuer(new.name, key_name, new.subject(), public_key, None)
        end = above.certificate.validity.not_after if above else None
        validity = bounded(self._now(), profile.longest, profile.longest, end)
        certificate = await self._certify(Draft(profile, new.subject(), public_key, validity, serial), issuer, SET_UP)
        return await self._register(Authority(new.name, parent, profile.name, key_name, certificate))

    async def _register(self, authority: Authority) -> Authority:
        try:
            async with self._database.write() as connection:
                await store.add_authority(connection, authority)
                await self._audit.record(connection, _issued_event(authority.certificate))
                event = Event("ca.created", SET_UP, f"ca:{authority.name}", details={"key": authority.key_name})
                await self._audit.record(connection, event)
        except IntegrityError:  # another process was first: its CA stands
            async with self._database.read() as connection:
                return await store.authority(connection, authority.name)
        return authority

    async def _certify(self, draft: Draft, issuer: Issuer, requester: str) -> Certificate:
        keys = self._keys_here()
        linted = await asyncio.to_thread(issuing.prepare, draft, issuer, self._settings)
        key = await _key(keys, issuer.key_name)
        signed = await keys.run(lambda: linted.sign(key))
        return Certificate(
            serial=f"{draft.serial:x}",
            issuer=issuer.ca,
            subject=rfc4514(draft.subject),
            der=signed.public_bytes(Encoding.DER),
            validity=draft.validity,
            requester=requester,
        )

    async def _able_authority(self, name: str) -> Authority:
        async with self._database.read() as connection:
            authority = await store.authority(connection, name)
        authority.require_able(self._clock.now())
        return authority

    def _is_due(self, standing: CrlStanding) -> bool:
        renew_after = profiles.load(standing.profile).require_authority().crl_renew_after
        return standing.is_due(self._clock.now(), renew_after)

    def _keys_here(self) -> CaKeys:
        if self._keys is None:
            raise Unavailable("this process does not hold the token of the CA keys")
        return self._keys

    def _now(self) -> datetime:
        """Return the time in whole seconds, as certificates and CRLs write it."""
        return self._clock.now().replace(microsecond=0)


async def _key(keys: CaKeys, name: str) -> PrivateKey:
    """Return a CA's key. That it is missing is no fault of the caller: it may be on a token that is away."""
    try:
        return await keys.private_key(name)
    except NotFound as absence:
        raise Unavailable(f"the token of this process has no key {name}") from absence


def _issued_event(certificate: Certificate) -> Event:
    details = {"issuer": certificate.issuer, "sha256": Digest.of(certificate.der).hex}
    return Event("certificate.issued", certificate.requester, f"certificate:{certificate.serial}", details=details)
