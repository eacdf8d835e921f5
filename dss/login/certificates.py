"""Signers' own certificates as a first factor: operators register each by its bytes.

TLS proves that the caller has the key; here it is found whose the certificate is, and whether it holds.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from sqlalchemy.exc import IntegrityError

from dss.audit.event import Event
from dss.kernel.errors import Conflict, Invalid, NotFound, Overtaken, Tampered, Unavailable
from dss.kernel.ids import UserId
from dss.login import store
from dss.login.model import SignerCertificate
from dss.login.parts import Cas, Parts
from dss.login.registers import SIGNER_CERTIFICATES, row_of_certificate

LONGEST_SUBJECT = 500
LARGEST = 16 * 1024  # bytes of DER


def cas_of(file: Path) -> Cas:
    """Return what loads the CAs of a file in PEM, each time anew: operators may change it. It raises Unavailable."""

    def load() -> Sequence[x509.Certificate]:
        try:
            return x509.load_pem_x509_certificates(file.read_bytes())
        except (OSError, ValueError) as fault:
            raise Unavailable("the file of client CAs cannot be read") from fault

    return load


class Certificates:
    """Registers signers' certificates, and finds whose one is."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def owner(self, der: bytes) -> UserId | None:
        """Return whose a certificate is that holds now; None for any other. Raises Unavailable without the CAs."""
        p = self._parts
        async with p.database.read() as connection:
            stored = await store.certificate(connection, hashlib.sha256(der).hexdigest())
        try:
            if stored is None or (known := await p.seals.prove(stored)).value.removed_at is not None:
                return None
            require_holding(_read(der), p.clock.now(), p.cas)
        except (Tampered, Refused):
            return None
        return known.value.user_id

    async def add(self, user_id: UserId, content: bytes, actor: str) -> SignerCertificate:
        """Register a certificate for a signer; content: DER or PEM.

        Raises Invalid for one that could not be used, Conflict for one that is registered, Tampered, HsmUnavailable.
        """
        p, now = self._parts, self._parts.clock.now()
        certificate = _read(content)
        require_holding(certificate, now, p.cas)
        sha256 = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
        subject = certificate.subject.rfc4514_string()[:LONGEST_SUBJECT]
        async with p.database.read() as connection:
            stored = await store.certificate(connection, sha256)
        known = None if stored is None else await p.seals.prove(stored)
        new = SignerCertificate(known.value.id if known else p.ids.new(), sha256, user_id, subject, now)
        if known is not None and known.value.removed_at is None:
            raise Conflict("this certificate is registered already")
        draft = await (
            p.seals.draft(known, new) if known else p.seals.draft_new(SIGNER_CERTIFICATES, row_of_certificate(new))
        )
        event = Event("login.certificate_added", actor, f"user:{user_id}", details={"sha256": sha256})
        try:
            async with p.database.write() as connection:
                await p.seals.write(connection, draft, event)
        except (Overtaken, IntegrityError) as fault:
            raise Conflict("this certificate was registered at the same moment") from fault
        return new

    async def of_user(self, user_id: UserId) -> list[SignerCertificate]:
        """Return a signer's certificates, oldest first. Raises Tampered, HsmUnavailable."""
        async with self._parts.database.read() as connection:
            stored = await store.certificates_of(connection, user_id)
        return [sealed.value for sealed in await self._parts.seals.prove_all(stored)]

    async def remove(self, user_id: UserId, sha256: str, actor: str) -> SignerCertificate:
        """Let a certificate of a signer open nothing any more. Raises NotFound, Overtaken, Tampered, HsmUnavailable."""
        p = self._parts
        async with p.database.read() as connection:
            stored = await store.certificate(connection, sha256)
        known = None if stored is None else await p.seals.prove(stored)
        if known is None or known.value.user_id != user_id or known.value.removed_at is not None:
            raise NotFound("there is no such certificate")
        draft = await p.seals.draft(known, replace(known.value, removed_at=p.clock.now()))
        event = Event("login.certificate_removed", actor, f"user:{user_id}", details={"sha256": sha256})
        async with p.database.write() as connection:
            await p.seals.write(connection, draft, event)
        return draft.value


class Refused(Invalid):
    """A certificate by which nobody can sign in."""


def require_holding(certificate: x509.Certificate, now: datetime, cas: Cas | None) -> None:
    """Raise Refused unless a certificate holds now, may be used by a client, and is by one of the CAs, where any count.

    The CAs are those that issued it themselves: what is above them is their own matter. Source: RFC 5280 sections
    4.1.2.5 and 4.2.1.12.
    """
    if not _holds(certificate, now):
        raise Refused("the certificate does not hold at this time")
    if not _is_for_clients(certificate):
        raise Refused("the certificate is not for clients of TLS")
    if cas is not None and not any(_issued(ca, certificate) and _holds(ca, now) for ca in cas()):
        raise Refused("the certificate is by none of the CAs that are known")


def _read(content: bytes) -> x509.Certificate:
    if len(content) > LARGEST:
        raise Refused(f"a certificate has at most {LARGEST} bytes")
    try:
        if content.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content)
    except ValueError as fault:
        raise Refused("this is not an X.509 certificate") from fault


def _holds(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _is_for_clients(certificate: x509.Certificate) -> bool:
    try:
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except ValueError:
        return False
    return bool({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(uses))


def _issued(ca: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Tell whether a CA issued a certificate, and may (RFC 5280 section 6.1.4 k)."""
    try:
        if not ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        certificate.verify_directly_issued_by(ca)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature):
        return False
    return True
