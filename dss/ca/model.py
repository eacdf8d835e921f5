"""Certificates, who issues them and to whom, and the pure rules over them."""

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import NameOID

from dss.kernel.errors import Conflict, Invalid
from dss.kernel.text import require_plain

LONGEST_NAME = 64  # characters: ub-common-name and ub-organization-name of RFC 5280, appendix A.1
COUNTRY = re.compile(r"[A-Z]{2}")
AUTHORITY_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
# EN 319 412-1 clause 5.1.3: kind of identity (or a national one: two letters and a colon), country, hyphen, identifier.
PERSON_IDENTIFIER = re.compile(r"(?:PAS|IDC|PNO|TAX|TIN|[A-Z]{2}:)[A-Z]{2}-[A-Za-z0-9 '()+,./:=?-]{1,58}")
SHORT_NAMES = {NameOID.SURNAME: "SN", NameOID.GIVEN_NAME: "givenName", NameOID.SERIAL_NUMBER: "serialNumber"}


@dataclass(frozen=True, slots=True)
class Subject:
    """The natural person that a certificate names.

    country:       ISO 3166-1 alpha-2, upper case.
    serial_number: identifier of the person as EN 319 412-1 clause 5.1.3 forms it, as PNOUA-3012345678.
    The other texts have up to LONGEST_NAME characters, all of them visible.
    Raises Invalid, DeceptiveText. Source: EN 319 412-2 clause 4.2.4.
    """

    country: str
    common_name: str
    given_name: str
    surname: str
    serial_number: str | None = None
    organization: str | None = None

    def __post_init__(self) -> None:
        _require_country(self.country)
        _require_name(self.common_name, "the common name")
        _require_name(self.given_name, "the given name")
        _require_name(self.surname, "the surname")
        if self.organization is not None:
            _require_name(self.organization, "the organisation's name")
        if self.serial_number is not None and not PERSON_IDENTIFIER.fullmatch(self.serial_number):
            raise Invalid("the person's identifier is not of the form PNOUA-3012345678 (EN 319 412-1 clause 5.1.3)")

    def name(self) -> x509.Name:
        """Return the distinguished name as it stands in the certificate."""
        attributes = (
            (NameOID.COUNTRY_NAME, self.country),
            (NameOID.ORGANIZATION_NAME, self.organization),
            (NameOID.SURNAME, self.surname),
            (NameOID.GIVEN_NAME, self.given_name),
            (NameOID.SERIAL_NUMBER, self.serial_number),
            (NameOID.COMMON_NAME, self.common_name),
        )
        return _name((oid, value) for oid, value in attributes if value is not None)

    def rfc4514(self) -> str:
        """Return the name as the phone shows it and the register keeps it."""
        return rfc4514(self.name())


@dataclass(frozen=True, slots=True)
class ServiceSubject:
    """What an organisation runs, as a certificate names it: a CA, or the server by one of its own keys.

    country: ISO 3166-1 alpha-2, upper case.
    Raises Invalid, DeceptiveText. Source: EN 319 412-2 clause 4.2.3.1 (issuer names have these three attributes).
    """

    country: str
    organization: str
    common_name: str

    def __post_init__(self) -> None:
        _require_country(self.country)
        _require_name(self.organization, "the organisation's name")
        _require_name(self.common_name, "the common name")

    def name(self) -> x509.Name:
        """Return the distinguished name as it stands in the certificate."""
        attributes = (
            (NameOID.COUNTRY_NAME, self.country),
            (NameOID.ORGANIZATION_NAME, self.organization),
            (NameOID.COMMON_NAME, self.common_name),
        )
        return _name(attributes)


@dataclass(frozen=True, slots=True)
class NewAuthority:
    """A CA to be set up.

    name: its name here, in URLs and on the command line: lower-case letters, digits and hyphens, up to 40.
    The others are those of its ServiceSubject. Raises Invalid, DeceptiveText.
    """

    name: str
    common_name: str
    organization: str
    country: str

    def __post_init__(self) -> None:
        if not AUTHORITY_NAME.fullmatch(self.name):
            raise Invalid("a CA's name has up to 40 lower-case letters, digits and hyphens")
        self.subject()

    def subject(self) -> x509.Name:
        """Return the distinguished name as it stands in the certificate."""
        return ServiceSubject(self.country, self.organization, self.common_name).name()


@dataclass(frozen=True, slots=True)
class CaSettings:
    """What the operator decides about the CAs.

    base_url:   where relying parties fetch certificates and CRLs, without a slash at the end. Plain http: who fetches
                a CRL to check a certificate cannot check another certificate first (RFC 5280 section 8).
    policy_oid: certificate policy that certificates are issued under, dotted.
    issuer:     name of the CA that issues to signers.
    Raises Invalid.
    """

    base_url: str
    policy_oid: str
    issuer: str

    def __post_init__(self) -> None:
        if not self.base_url.startswith("http://") or self.base_url.endswith("/"):
            raise Invalid("the base URL of CRLs and CA certificates begins with http:// and has no slash at the end")


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate holds, both seconds included (RFC 5280 section 4.1.2.5)."""

    not_before: datetime
    not_after: datetime


class Status(StrEnum):
    """Whether a certificate still holds, its time apart."""

    GOOD = "good"
    REVOKED = "revoked"


class Reason(StrEnum):
    """Why a certificate was revoked, in the words of RFC 5280 section 5.3.1.

    Suspension is not offered: a signature made under a certificate on hold would be neither good nor bad.
    """

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    CA_COMPROMISE = "cACompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"
    PRIVILEGE_WITHDRAWN = "privilegeWithdrawn"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate in the register.

    serial:    its serial number in lower-case hexadecimal.
    issuer:    name of the CA here.
    subject:   RFC 4514 text.
    requester: who asked for it, as `kind:id`.
    """

    serial: str
    issuer: str
    subject: str
    der: bytes
    validity: Validity
    requester: str
    status: Status = Status.GOOD


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA that is set up.

    parent:   name of the CA that certified it; None for a root.
    profile:  the profile of its own certificate.
    key_name: name of its key in the HSM.
    """

    name: str
    parent: str | None
    profile: str
    key_name: str
    certificate: Certificate

    def require_able(self, now: datetime) -> None:
        """Raise Conflict unless the CA may sign certificates now."""
        if self.certificate.status is not Status.GOOD:
            raise Conflict(f"the certificate of the CA {self.name} is revoked")
        if now >= self.certificate.validity.not_after:
            raise Conflict(f"the certificate of the CA {self.name} has expired")


@dataclass(frozen=True, slots=True)
class Revoked:
    """An entry of a CRL; serial in lower-case hexadecimal."""

    serial: str
    at: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Crl:
    """A published CRL.

    number:  rises with each CRL of the CA.
    entries: how many certificates it lists.
    """

    issuer: str
    number: int
    der: bytes
    this_update: datetime
    next_update: datetime
    entries: int


@dataclass(frozen=True, slots=True)
class CrlStanding:
    """How a CA's newest CRL stands against the register.

    profile:     of the CA's own certificate.
    this_update: of the newest CRL; None before the first. entries: how many certificates it lists.
    revoked:     how many certificates the CA has revoked.
    """

    issuer: str
    profile: str
    this_update: datetime | None
    entries: int
    revoked: int

    def is_due(self, now: datetime, renew_after: timedelta) -> bool:
        """Return True when the next one should be published: there is none, it is old, or it lacks an entry."""
        if self.this_update is None:
            return True
        return now >= self.this_update + renew_after or self.revoked > self.entries


def rfc4514(name: x509.Name) -> str:
    """Write a distinguished name as text, last attribute first, with the registered short names."""
    return name.rfc4514_string(SHORT_NAMES)


def bounded(now: datetime, asked: timedelta, longest: timedelta, issuer_end: datetime | None) -> Validity:
    """Return when a new certificate holds: from now, as long as asked, and never longer than its issuer's.

    now:        in whole seconds, as certificates write it.
    longest:    what the profile allows.
    issuer_end: the issuer's own notAfter; None for a root.
    Raises Invalid when more than the profile allows is asked for, or nothing.
    """
    if not timedelta(0) < asked <= longest:
        raise Invalid(f"a certificate of this kind holds for up to {longest.days} days")
    end = now + asked
    return Validity(now, end if issuer_end is None else min(end, issuer_end))


def _name(attributes: Iterable[tuple[x509.ObjectIdentifier, str]]) -> x509.Name:
    """Make a name whose parts were checked already.

    cryptography would count the bytes of a common name, where RFC 5280 counts characters: it refuses Cyrillic names of
    more than 32 letters, or warns when it is told not to refuse.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return x509.Name([x509.NameAttribute(oid, value, _validate=False) for oid, value in attributes])


def _require_country(country: str) -> None:
    if not COUNTRY.fullmatch(country):
        raise Invalid("a country is two upper-case letters (ISO 3166-1)")


def _require_name(text: str, what: str) -> None:
    require_plain(text, LONGEST_NAME, what)
    if not text or text != text.strip():
        raise Invalid(f"{what} is empty, or begins or ends with a space")
