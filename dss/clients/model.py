"""What a relying application is, and what may be registered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography import x509

from dss.clients.jwks import require_public_keys
from dss.clients.logos import require_logo
from dss.clients.profile import GrantType, Profile
from dss.clients.redirect_uris import require_registrable
from dss.kernel.errors import Invalid
from dss.kernel.ids import ClientId
from dss.kernel.text import require_plain

# What applications that ask people for signatures need. The scope of operators is given by its name only.
RELYING = ("signatures", "credentials")
OPERATORS = "operators"
OWN = (*RELYING, OPERATORS)  # by client credentials
SIGNERS = SERVICE, CREDENTIAL = ("service", "credential")  # by a signer's consent, and by a signer's phone
SCOPES = (*OWN, *SIGNERS)
LONGEST_NAME = 64
LONGEST_CONTACT = 254
LONGEST_SUBJECT = 400
MOST_REDIRECT_URIS = 10
MOST_CERTIFICATES = 2  # the one in use, and the next one while they change over
FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Client:
    """A relying application.

    name:        unique; what phones show of it, never what it says of itself in a request.
    scopes:      what it may ask for, some of SCOPES.
    jwks:        its public keys, or None.
    secret_hash: Argon2id in its own text form, or None if it has no secret.
    contact:     an e-mail address of those who run it, or empty.
    logo:        a PNG, or None.
    next_secret_hash: of a second secret, which will take the first one's place, or None.
    """

    id: ClientId
    name: str
    scopes: tuple[str, ...]
    jwks: Mapping[str, Any] | None
    secret_hash: str | None = field(repr=False)
    contact: str
    created_at: datetime
    next_secret_hash: str | None = field(default=None, repr=False)
    profile: Profile = field(default_factory=Profile)
    logo: bytes | None = field(default=None, repr=False)


def require_acceptable(client: Client) -> None:
    """Raise Invalid or DeceptiveText unless the application can be registered."""
    if not client.name or client.name != client.name.strip():
        raise Invalid("the name is empty, or begins or ends with a space")
    require_plain(client.name, LONGEST_NAME, "the name")
    require_plain(client.contact, LONGEST_CONTACT, "the contact")
    if client.jwks is not None:
        require_public_keys(client.jwks)
    if client.logo is not None:
        require_logo(client.logo)
    _require_grants(client.profile)
    _require_scopes(client)
    _require_redirect_uris(client.profile)
    _require_certificates(client.profile)
    _require_proof(client)


def _require_grants(profile: Profile) -> None:
    grants = set(profile.grants)
    if not grants or len(grants) != len(profile.grants):
        raise Invalid(f"the grants are one or more of {', '.join(GrantType)}, each once")
    if GrantType.REFRESH_TOKEN in grants and GrantType.AUTHORIZATION_CODE not in grants:
        raise Invalid(f"the grant {GrantType.REFRESH_TOKEN} needs {GrantType.AUTHORIZATION_CODE}")
    if GrantType.AUTHORIZATION_CODE in grants and not profile.redirect_uris:
        raise Invalid(f"the grant {GrantType.AUTHORIZATION_CODE} needs a redirect URI")
    if profile.public and not grants <= {GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN}:
        raise Invalid("a public client has authorization codes and refresh tokens only")


def _require_scopes(client: Client) -> None:
    scopes, grants = set(client.scopes), client.profile.grants
    if not scopes or len(scopes) != len(client.scopes) or not scopes <= set(SCOPES):
        raise Invalid(f"the scopes are one or more of {', '.join(SCOPES)}, each once")
    if scopes & set(OWN) and GrantType.CLIENT_CREDENTIALS not in grants:
        raise Invalid(f"the scopes {', '.join(OWN)} need the grant {GrantType.CLIENT_CREDENTIALS}")
    by_signers = {GrantType.AUTHORIZATION_CODE, GrantType.TOKEN_EXCHANGE}
    if CREDENTIAL in scopes and not by_signers & set(grants):
        raise Invalid(f"the scope {CREDENTIAL} needs the grant {GrantType.AUTHORIZATION_CODE} or token exchange")
    if SERVICE in scopes and not (by_signers | {GrantType.PASSWORD}) & set(grants):
        raise Invalid(f"the scope {SERVICE} needs the grant {GrantType.AUTHORIZATION_CODE}, password or token exchange")


def _require_redirect_uris(profile: Profile) -> None:
    uris = profile.redirect_uris
    if len(uris) > MOST_REDIRECT_URIS or len(set(uris)) != len(uris):
        raise Invalid(f"there are at most {MOST_REDIRECT_URIS} redirect URIs, each once")
    for uri in uris:
        require_registrable(uri, public=profile.public)


def _require_certificates(profile: Profile) -> None:
    certificates, subject = profile.certificates, profile.tls_subject
    if len(certificates) > MOST_CERTIFICATES or len(set(certificates)) != len(certificates):
        raise Invalid(f"there are at most {MOST_CERTIFICATES} certificates, each once")
    if not all(FINGERPRINT.fullmatch(one) for one in certificates):
        raise Invalid("a certificate is named by its SHA-256, 64 lower-case hexadecimal digits")
    if not subject:
        return
    require_plain(subject, LONGEST_SUBJECT, "the subject")
    try:
        x509.Name.from_rfc4514_string(subject)
    except ValueError as fault:
        raise Invalid("the subject is not a distinguished name as RFC 4514 writes them") from fault


def _require_proof(client: Client) -> None:
    profile = client.profile
    proves = client.jwks is not None or client.secret_hash is not None or profile.certificates or profile.tls_subject
    if profile.public and (proves or profile.introspects):
        raise Invalid("a public client has no keys, secret or certificate, and does not introspect others' tokens")
    if not profile.public and not proves:
        raise Invalid("an application needs public keys, a secret or a certificate to authenticate by")
