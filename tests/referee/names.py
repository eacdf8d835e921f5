"""Distinguished names as text (RFC 4514)."""

import re

from cryptography import x509

# RFC 4514 section 3, and RFC 4519 for the names of a person
SHORT = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.42": "givenName",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
}
TO_ESCAPE = re.compile(r'["+,;<>\\]|^[ #]| $')


def text_of(name: x509.Name) -> str:
    """Write a name: the last of its parts first (section 2.1)."""
    return ",".join("+".join(map(_attribute, part)) for part in reversed(name.rdns))


def _attribute(attribute: x509.NameAttribute[str | bytes]) -> str:
    oid, value = attribute.oid.dotted_string, attribute.value
    written = value if isinstance(value, str) else value.hex()
    return f"{SHORT.get(oid, oid)}={TO_ESCAPE.sub(_escaped, written)}".replace("\0", r"\00")


def _escaped(match: re.Match[str]) -> str:
    return "\\" + match[0]
