"""What clients may read of the authorization server. Source: RFC 8414 section 2.

Further members: RFC 8705 section 3.3, RFC 9126 section 5, RFC 9207 section 3, RFC 9396 section 10,
RFC 9449 section 5.1.
"""

from dataclasses import dataclass

from dss.clients.profile import GrantType
from dss.notify.model import LOCALES
from dss.oauth import client_assertion, dpop
from dss.oauth.client_authentication import Method
from dss.oauth.issuer import AUTHORIZE_PATH, INTROSPECT_PATH, PAR_PATH, REVOKE_PATH, Issuer

WITHOUT_TLS = (Method.PRIVATE_KEY_JWT, Method.BASIC, Method.POST)


@dataclass(frozen=True, slots=True)
class Offered:
    """What the operator's settings offer.

    password: the password grant. tls: certificates of clients reach the server. cas: those of known CAs are taken.
    """

    password: bool = False
    tls: bool = False
    cas: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Authorization server metadata, by its registered names."""

    issuer: str
    authorization_endpoint: str
    pushed_authorization_request_endpoint: str
    token_endpoint: str
    revocation_endpoint: str
    introspection_endpoint: str
    jwks_uri: str
    scopes_supported: tuple[str, ...]
    grant_types_supported: tuple[str, ...]
    token_endpoint_auth_methods_supported: tuple[str, ...]
    revocation_endpoint_auth_methods_supported: tuple[str, ...]
    introspection_endpoint_auth_methods_supported: tuple[str, ...]
    tls_client_certificate_bound_access_tokens: bool
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = client_assertion.ALGORITHMS
    revocation_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = client_assertion.ALGORITHMS
    introspection_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = client_assertion.ALGORITHMS
    dpop_signing_alg_values_supported: tuple[str, ...] = dpop.ALGORITHMS
    response_types_supported: tuple[str, ...] = ("code",)
    response_modes_supported: tuple[str, ...] = ("query",)
    code_challenge_methods_supported: tuple[str, ...] = ("S256",)
    authorization_details_types_supported: tuple[str, ...] = ("signature",)
    authorization_response_iss_parameter_supported: bool = True
    require_pushed_authorization_requests: bool = False
    ui_locales_supported: tuple[str, ...] = LOCALES


def metadata(issuer: Issuer, offered: Offered) -> Metadata:
    """Return the metadata of an issuer."""
    proving = _methods(offered)
    grants = [grant for grant in GrantType if offered.password or grant is not GrantType.PASSWORD]
    return Metadata(
        issuer=issuer.url,
        authorization_endpoint=issuer.url + AUTHORIZE_PATH,
        pushed_authorization_request_endpoint=issuer.url + PAR_PATH,
        token_endpoint=issuer.token_endpoint,
        revocation_endpoint=issuer.url + REVOKE_PATH,
        introspection_endpoint=issuer.url + INTROSPECT_PATH,
        jwks_uri=issuer.jwks_uri,
        scopes_supported=issuer.scopes,
        grant_types_supported=tuple(grant.value for grant in grants),
        token_endpoint_auth_methods_supported=(*proving, Method.NONE.value),
        revocation_endpoint_auth_methods_supported=(*proving, Method.NONE.value),
        introspection_endpoint_auth_methods_supported=proving,
        tls_client_certificate_bound_access_tokens=offered.tls,
    )


def _methods(offered: Offered) -> tuple[str, ...]:
    """Return the ways in which a client can prove who it is."""
    by_certificate = ((Method.SELF_SIGNED_TLS, offered.tls), (Method.TLS, offered.tls and offered.cas))
    return tuple(method.value for method in (*WITHOUT_TLS, *(method for method, given in by_certificate if given)))
