"""How a relying application uses the authorization server: a part of its registration, sealed with it.

Source: RFC 7591 section 2; docs/authorization.md section 2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class GrantType(StrEnum):
    """What a client may ask the token endpoint for, by the standards' names."""

    CLIENT_CREDENTIALS = "client_credentials"
    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105  a grant type
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  a grant type
    PASSWORD = "password"  # noqa: S105  a grant type


@dataclass(frozen=True, slots=True)
class Profile:
    """What a client may do, and by what it is known.

    redirect_uris: exactly as requests name them.
    public:        it has nothing to prove itself by.
    par:           its authorization requests must be pushed. dpop: its tokens must be bound to a key.
    introspects:   it may look at every token, as resource servers do.
    certificates:  SHA-256 of its TLS certificates, lower-case hex, up to two.
    tls_subject:   the subject of its TLS certificate by a known CA (RFC 4514), or empty.
    suspended:     an operator stopped it: it is as if there were no such client, until one resumes it.
    """

    redirect_uris: tuple[str, ...] = ()
    grants: tuple[GrantType, ...] = (GrantType.CLIENT_CREDENTIALS,)
    public: bool = False
    par: bool = False
    dpop: bool = False
    introspects: bool = False
    certificates: tuple[str, ...] = ()
    tls_subject: str = ""
    suspended: bool = False

    def member(self) -> dict[str, Any]:
        """Return the profile as it is stored."""
        return {
            "redirect_uris": list(self.redirect_uris),
            "grants": [grant.value for grant in self.grants],
            "public": self.public,
            "par": self.par,
            "dpop": self.dpop,
            "introspects": self.introspects,
            "certificates": list(self.certificates),
            "tls_subject": self.tls_subject,
            "suspended": self.suspended,
        }

    @classmethod
    def of_member(cls, member: Mapping[str, Any] | None) -> "Profile":
        """Read a stored profile; clients of a version that had none use their own credentials only."""
        if member is None:
            return cls()
        return cls(
            redirect_uris=tuple(member["redirect_uris"]),
            grants=tuple(GrantType(name) for name in member["grants"]),
            public=member["public"],
            par=member["par"],
            dpop=member["dpop"],
            introspects=member["introspects"],
            certificates=tuple(member["certificates"]),
            tls_subject=member["tls_subject"],
            suspended=member.get("suspended", False),  # profiles of earlier versions do not say
        )
