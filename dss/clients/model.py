"""What a relying application is, and what may be registered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dss.clients.jwks import require_public_keys
from dss.kernel.errors import Invalid
from dss.kernel.ids import ClientId
from dss.kernel.text import require_plain

# What applications that ask people for signatures need. The scope of operators is given by its name only.
RELYING = ("signatures", "credentials")
OPERATORS = "operators"
SCOPES = (*RELYING, OPERATORS)
LONGEST_NAME = 64
LONGEST_CONTACT = 254


@dataclass(frozen=True, slots=True)
class Client:
    """A relying application.

    name:        unique; what phones show of it, never what it says of itself in a request.
    scopes:      what it may ask for, some of SCOPES.
    jwks:        its public keys, or None if it authenticates by a secret only.
    secret_hash: Argon2id in its own text form, or None if it has no secret.
    contact:     an e-mail address of those who run it, or empty.
    """

    id: ClientId
    name: str
    scopes: tuple[str, ...]
    jwks: Mapping[str, Any] | None
    secret_hash: str | None = field(repr=False)
    contact: str
    created_at: datetime


def require_acceptable(client: Client) -> None:
    """Raise Invalid or DeceptiveText unless the application can be registered."""
    if not client.name or client.name != client.name.strip():
        raise Invalid("the name is empty, or begins or ends with a space")
    require_plain(client.name, LONGEST_NAME, "the name")
    require_plain(client.contact, LONGEST_CONTACT, "the contact")
    if not client.scopes or len(set(client.scopes)) != len(client.scopes) or not set(client.scopes) <= set(SCOPES):
        raise Invalid(f"the scopes are one or more of {', '.join(SCOPES)}, each once")
    if client.jwks is not None:
        require_public_keys(client.jwks)
    elif client.secret_hash is None:
        raise Invalid("an application needs public keys or a secret to authenticate by")
