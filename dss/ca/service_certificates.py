"""The certificates of the server's own keys: issued by the CA of this installation, and renewed before they end.

They stand in the register as all others do, so one that an operator revokes is used no more, and another is issued.
"""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from dss.ca import pkcs10, profiles
from dss.ca.model import LONGEST_NAME, ServiceSubject
from dss.ca.service import Ca, Issued, IssueRequest
from dss.hsm.mechanisms import ecdsa_der
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.kernel.clock import Clock
from dss.kernel.errors import Unavailable
from dss.kernel.keyspec import KeySpec

PROFILE = "seal"
REQUESTER = "server"
RENEW_BEFORE = timedelta(days=30)


class ServiceCertificates:
    """Keeps a certificate for each of the server's P-256 keys that seals.

    name: the installation's, as phones show it. issuer: name of the CA that certifies.
    Every verb raises HsmUnavailable, also where the key is missing.
    """

    def __init__(self, ca: Ca, keys: ServiceKeys, clock: Clock, name: str, issuer: str) -> None:
        self._ca = ca
        self._keys = keys
        self._clock = clock
        self._name = name
        self._issuer = issuer

    async def get(self, name: KeyName) -> Issued:
        """Return the certificate of a key that holds longest. Raises Unavailable where it has none that holds now."""
        held = await self._held(await self._public_key(name))
        if held is None:
            raise Unavailable(f"the server's key {name} has no certificate yet; the worker will issue it")
        return held

    async def ensure(self, name: KeyName) -> Issued:
        """Return the certificate of a key; issue it where there is none, or another where it ends within 30 days.

        Two workers at a time may both issue one: either is as good. Raises Unavailable without the token of the CA's
        keys, Conflict when the CA may not sign any more, NotFound before it is set up.
        """
        public_key = await self._public_key(name)
        held = await self._held(public_key)
        if held is None or self._is_due(held):
            return await self._issue(name, public_key)
        return held

    async def _public_key(self, name: KeyName) -> bytes:
        key = await self._keys.public_key(name)
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    async def _held(self, public_key: bytes) -> Issued | None:
        known = await self._ca.held(REQUESTER, public_key)
        newest = max(known, key=lambda one: one.validity.not_after, default=None)
        if newest is None or newest.validity.not_after <= self._clock.now():
            return None
        return Issued(newest.der, await self._ca.chain(newest.issuer))

    def _is_due(self, held: Issued) -> bool:
        """Return True when a certificate ends soon, unless its issuer ends with it: another would hold no longer."""
        end, issuers_end = (_end_of(der) for der in (held.certificate, held.chain[0]))
        return end < min(self._clock.now() + RENEW_BEFORE, issuers_end)

    async def _issue(self, name: KeyName, public_key: bytes) -> Issued:
        async def sign(info: bytes) -> bytes:
            return ecdsa_der(await self._keys.sign_es256(name, info))

        csr = await pkcs10.make(name, KeySpec.P256, public_key, sign)
        validity = profiles.load(PROFILE).longest
        return await self._ca.issue(IssueRequest(csr, await self._subject(name), PROFILE, validity, REQUESTER))

    async def _subject(self, name: KeyName) -> ServiceSubject:
        """Name the server by the organisation of its CA; of a long name the beginning must do."""
        issuer = x509.load_der_x509_certificate((await self._ca.certificate(self._issuer)).der).subject
        country, organization = (
            str(issuer.get_attributes_for_oid(oid)[0].value)
            for oid in (NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME)
        )
        purpose = f" {name.replace('-', ' ')}"
        return ServiceSubject(country, organization, self._name[: LONGEST_NAME - len(purpose)].strip() + purpose)


def _end_of(certificate: bytes) -> datetime:
    return x509.load_der_x509_certificate(certificate).not_valid_after_utc
