"""What clients may read of the authorization server. Source: RFC 8414 section 2."""

from dataclasses import dataclass

from dss.oauth.client_assertion import ALGORITHMS
from dss.oauth.issuer import Issuer


@dataclass(frozen=True, slots=True)
class Metadata:
    """Authorization server metadata, by its registered names."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    scopes_supported: tuple[str, ...]
    response_types_supported: tuple[str, ...] = ()
    grant_types_supported: tuple[str, ...] = ("client_credentials",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = (
        "private_key_jwt",
        "client_secret_basic",
        "client_secret_post",
    )
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = ALGORITHMS


def metadata(issuer: Issuer) -> Metadata:
    """Return the metadata of an issuer."""
    return Metadata(issuer.url, issuer.token_endpoint, issuer.jwks_uri, issuer.scopes)
