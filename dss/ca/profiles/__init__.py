"""Certificate profiles: what each kind of certificate holds, written as data beside this file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from dss.kernel.errors import Invalid
from dss.kernel.keyspec import KeySpec


class Rules(StrEnum):
    """The rules that a certificate is linted by."""

    PKIX = "pkix"
    ETSI_NATURAL_PERSON = "etsi-natural-person"


@dataclass(frozen=True, slots=True)
class AuthorityProfile:
    """What only the profile of a CA has.

    key:             kind of the CA's key.
    path_length:     how many CAs may follow below it; None for any number.
    crl_valid:       from thisUpdate to nextUpdate of its CRLs.
    crl_renew_after: age at which the next one is published.
    """

    key: KeySpec
    path_length: int | None
    crl_valid: timedelta
    crl_renew_after: timedelta


@dataclass(frozen=True, slots=True)
class Profile:
    """What a kind of certificate holds.

    longest:         the longest validity.
    key_usage:       bits of the key usage, by the names of cryptography's KeyUsage.
    policy:          whether it names the certificate policy.
    issuer_urls:     whether it says where the issuer's certificate and CRL are.
    person_semantics: OID that says how a person's serialNumber is formed; None if the subject is not a person.
    rules:           what it is linted by, and `accepted` the findings that are no fault: code and reason.
    authority:       what only a CA has; None for the others.
    """

    name: str
    longest: timedelta
    key_usage: frozenset[str]
    policy: bool
    issuer_urls: bool
    person_semantics: str | None
    rules: Rules
    accepted: Mapping[str, str]
    authority: AuthorityProfile | None

    @property
    def is_personal(self) -> bool:
        """True where the subject is a natural person."""
        return self.person_semantics is not None

    def require_authority(self) -> AuthorityProfile:
        """Return what only a CA has. Raises Invalid."""
        if self.authority is None:
            raise Invalid(f"the profile {self.name} is not for a CA")
        return self.authority


@cache
def load(name: str) -> Profile:
    """Read a profile by its name. Raises Invalid when there is none of that name."""
    known = {entry.name: entry for entry in files(__package__).iterdir() if entry.name.endswith(".toml")}
    if f"{name}.toml" not in known:
        raise Invalid(f"there is no certificate profile {name!r}")
    return _profile(name, tomllib.loads(known[f"{name}.toml"].read_text("utf-8")))


def _profile(name: str, data: dict[str, Any]) -> Profile:
    return Profile(
        name=name,
        longest=timedelta(days=data["longest_days"]),
        key_usage=frozenset(data["key_usage"]),
        policy=data["policy"],
        issuer_urls=data["issuer_urls"],
        person_semantics=data.get("person_semantics"),
        rules=Rules(data["rules"]),
        accepted=data.get("accepted", {}),
        authority=_authority(data["authority"]) if "authority" in data else None,
    )


def _authority(data: dict[str, Any]) -> AuthorityProfile:
    return AuthorityProfile(
        key=KeySpec(data["key"]),
        path_length=data.get("path_length"),
        crl_valid=timedelta(hours=data["crl_valid_hours"]),
        crl_renew_after=timedelta(hours=data["crl_renew_after_hours"]),
    )
