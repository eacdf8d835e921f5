"""Who a user is, and what may be registered."""

import re
from dataclasses import dataclass
from datetime import datetime

from dss.kernel.errors import Invalid
from dss.kernel.ids import UserId
from dss.kernel.text import require_plain
from dss.notify.model import LOCALES, Reader
from dss.users.countries import COUNTRIES

LOGIN = re.compile(r"[a-z0-9._@-]{1,64}")
# Mailboxes that every mail system takes: a dot-atom, and a domain of labels (RFC 5321 section 4.1.2).
EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9-]{1,63}"
)
LONGEST_EMAIL = 254
# ub-common-name, ub-organization-name and ub-serial-number of RFC 5280 appendix A.1: the certificate takes no more.
LONGEST_NAME = 64
SERIAL_NUMBER = re.compile(r"[A-Za-z0-9 '()+,./:=?-]{1,64}")


@dataclass(frozen=True, slots=True)
class User:
    """A signer.

    country:       ISO 3166-1 alpha-2.
    serial_number: as ETSI EN 319 412-1 section 5.1.3 writes it, or None.
    organization:  the legal person the user signs for, or None.
    locale:        the language of letters, one of LOCALES.
    """

    id: UserId
    login: str
    email: str
    given_name: str
    surname: str
    country: str
    serial_number: str | None
    organization: str | None
    locale: str
    created_at: datetime

    @property
    def name(self) -> str:
        """The whole name, as phones, letters and certificates show it."""
        return f"{self.given_name} {self.surname}"

    @property
    def reader(self) -> Reader:
        """The user as the reader of letters."""
        return Reader(self.email, self.locale, self.name)


def require_acceptable(user: User) -> None:
    """Raise Invalid or DeceptiveText unless the user can be registered, and certified later."""
    if not LOGIN.fullmatch(user.login):
        raise Invalid("the login has 1 to 64 of the characters a-z 0-9 . _ @ -")
    if not is_mailbox(user.email):
        raise Invalid(f"the e-mail address is not one of the form name@domain with at most {LONGEST_EMAIL} characters")
    if user.country not in COUNTRIES:
        raise Invalid("the country is not an ISO 3166-1 alpha-2 code in capital letters")
    if user.locale not in LOCALES:
        raise Invalid(f"the locale is not one of {', '.join(LOCALES)}")
    if user.serial_number is not None and not SERIAL_NUMBER.fullmatch(user.serial_number):
        raise Invalid("the serial number has 1 to 64 characters of a PrintableString")
    _require_name(user.given_name, "the given name")
    _require_name(user.surname, "the surname")
    _require_name(user.name, "the whole name")
    if user.organization is not None:
        _require_name(user.organization, "the organization")


def is_mailbox(text: str) -> bool:
    """Return True for an address that every mail system takes."""
    return len(text) <= LONGEST_EMAIL and EMAIL.fullmatch(text) is not None and ".." not in text


def _require_name(text: str, what: str) -> None:
    if not text or text != text.strip():
        raise Invalid(f"{what} is empty, or begins or ends with a space")
    require_plain(text, LONGEST_NAME, what)
