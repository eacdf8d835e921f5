"""What of a relying application's registration may be changed, and how the log tells of it."""

import hashlib
from dataclasses import dataclass, field, fields, replace
from typing import Any

from dss.clients.model import Client
from dss.clients.profile import GrantType, Profile
from dss.kernel import canonical

OF_PROFILE = ("redirect_uris", "grants", "par", "dpop", "introspects", "certificates", "tls_subject")


@dataclass(frozen=True, slots=True)
class Change:
    """New values in the place of old ones; None leaves what there is.

    Members as in Client and Profile; an empty logo takes it away. Whether a client is public never changes: what was
    made to keep a secret and what was not are different programs.
    """

    contact: str | None = None
    scopes: tuple[str, ...] | None = None
    redirect_uris: tuple[str, ...] | None = None
    grants: tuple[GrantType, ...] | None = None
    par: bool | None = None
    dpop: bool | None = None
    introspects: bool | None = None
    certificates: tuple[str, ...] | None = None
    tls_subject: str | None = None
    logo: bytes | None = field(default=None, repr=False)

    @property
    def is_empty(self) -> bool:
        """True when nothing is to change."""
        return all(getattr(self, one.name) is None for one in fields(self))

    def over(self, client: Client) -> Client:
        """Return the application as it will be; whether that is acceptable is another question."""
        return replace(
            client,
            contact=client.contact if self.contact is None else self.contact,
            scopes=client.scopes if self.scopes is None else self.scopes,
            profile=self.profile_over(client.profile),
            logo=client.logo if self.logo is None else self.logo or None,
        )

    def profile_over(self, profile: Profile) -> Profile:
        """Return a profile with what changes of it."""
        return replace(profile, **{name: new for name in OF_PROFILE if (new := getattr(self, name)) is not None})


def told(old: Client, new: Client) -> dict[str, str]:
    """Return how the log tells of a change: what differs, as it was and as it is, the logo by its SHA-256."""
    before, after = _members(old), _members(new)
    names = [name for name in before if before[name] != after[name]]
    return {
        word: canonical.encode({name: members[name] for name in names}).decode()
        for word, members in (("old", before), ("new", after))
    }


def _members(client: Client) -> dict[str, Any]:
    logo = hashlib.sha256(client.logo).hexdigest() if client.logo else ""
    return client.profile.member() | {"contact": client.contact, "scopes": list(client.scopes), "logo": logo}
