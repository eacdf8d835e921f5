"""The authorization server, put together."""

from collections.abc import Mapping
from dataclasses import dataclass

from dss.clients.model import SCOPES
from dss.clients.profile import GrantType
from dss.hsm.servicekeys import KeyName
from dss.hsm.stamps import Stamps
from dss.login.service import Login
from dss.oauth.access_token import AccessTokens
from dss.oauth.asked_at import AskedAt
from dss.oauth.authorizing import Authorizing
from dss.oauth.awaiting import Parts as AuthorizingParts
from dss.oauth.awaiting import Signing
from dss.oauth.by_client import ByClient
from dss.oauth.by_code import ByCode
from dss.oauth.by_password import ByPassword
from dss.oauth.by_refresh import ByRefresh
from dss.oauth.calling import Calling
from dss.oauth.client_authentication import ClientAuthentication
from dss.oauth.client_certificate import ClientCertificates
from dss.oauth.dpop import DpopProofs
from dss.oauth.exchange import Exchange
from dss.oauth.grants import Grants
from dss.oauth.grants import Parts as GrantParts
from dss.oauth.introspection import Introspection
from dss.oauth.introspection import Parts as IntrospectionParts
from dss.oauth.issuer import Issuer
from dss.oauth.issuing import Issuing, Means
from dss.oauth.key_rotation import KeyRotation
from dss.oauth.known_tokens import KnownTokens
from dss.oauth.metadata import Metadata, Offered, metadata
from dss.oauth.par import PushEndpoint
from dss.oauth.pushed import PushedRequests
from dss.oauth.reading import Reading
from dss.oauth.revocation import Revocation
from dss.oauth.revoked import Revoked
from dss.oauth.signers_keys import SignersKeys
from dss.oauth.tidying import Tidying
from dss.oauth.token import Giver, TokenEndpoint
from dss.oauth.token_keys import TokenKeys
from dss.transactions.parts import Parts
from dss.wiring.capabilities import Ground


@dataclass(frozen=True)
class AuthorizationServer:
    """What the endpoints of the authorization server call, and its work beside them."""

    authorizing: Authorizing
    token_endpoint: TokenEndpoint
    push_endpoint: PushEndpoint
    calling: Calling
    grants: Grants
    revocation: Revocation
    introspection: Introspection
    metadata: Metadata
    token_keys: TokenKeys
    key_rotation: KeyRotation
    tidying: Tidying


@dataclass(frozen=True)
class Base:
    """What the rest of it stands on."""

    issuer: Issuer
    stamps: Stamps
    tokens: AccessTokens
    token_keys: TokenKeys
    proofs: DpopProofs
    revoked: Revoked
    grants: Grants
    authentication: ClientAuthentication
    pushed: PushedRequests
    reading: Reading


def authorization_of(ground: Ground, parts: Parts, base: Base, signing: Signing, login: Login) -> AuthorizationServer:
    """Return the authorization server."""
    g, s = ground, ground.settings
    known = KnownTokens(base.tokens, base.grants, base.stamps)
    offered = Offered(password=s.password_grant, tls=s.proxies.tell_certificates, cas=s.proxies.cas is not None)
    return AuthorizationServer(
        authorizing=Authorizing(_authorizing_parts(ground, parts, signing, base)),
        token_endpoint=TokenEndpoint(base.authentication, base.proofs, _givers(ground, base, login)),
        push_endpoint=PushEndpoint(base.authentication, base.proofs, base.reading, base.pushed),
        calling=Calling(base.tokens, base.proofs, base.revoked),
        grants=base.grants,
        revocation=Revocation(base.authentication, known, base.revoked, g.database, g.audit),
        introspection=Introspection(
            IntrospectionParts(base.issuer, base.authentication, known, base.revoked, parts.users, g.database, g.clock)
        ),
        metadata=metadata(base.issuer, offered),
        token_keys=base.token_keys,
        key_rotation=KeyRotation(g.database, g.tokens.service, g.audit, g.clock, s.lifetimes.token),
        tidying=Tidying(g.database, g.clock),
    )


def base_of(ground: Ground, parts: Parts) -> Base:
    """Return what the rest of the authorization server stands on."""
    g, s = ground, ground.settings
    issuer = Issuer(s.public_url, SCOPES, s.lifetimes.token)
    stamps = Stamps(g.tokens.service, KeyName.AUTHORIZATION)
    token_keys = TokenKeys(g.database, g.tokens.service, g.clock, s.lifetimes.token)
    revoked = Revoked(g.database, g.clock)
    return Base(
        issuer=issuer,
        stamps=stamps,
        tokens=AccessTokens(issuer, token_keys, g.clock),
        token_keys=token_keys,
        proofs=DpopProofs(stamps, g.database, g.clock),
        revoked=revoked,
        grants=Grants(GrantParts(g.database, g.seals, stamps, revoked, s.lifetimes, g.clock, g.ids)),
        authentication=ClientAuthentication(parts.clients, issuer, g.clock, ClientCertificates.of_file(s.proxies.cas)),
        pushed=PushedRequests(g.database, stamps, g.clock, g.ids),
        reading=Reading(parts.documents, parts.limits),
    )


def _givers(ground: Ground, base: Base, login: Login) -> Mapping[str, Giver]:
    """Return who gives tokens for each grant type; passwords only where the operator wishes it."""
    g = ground
    issuing = Issuing(Means(base.tokens, base.authentication, base.grants, g.database, g.audit, g.clock))
    givers: dict[str, Giver] = {
        GrantType.CLIENT_CREDENTIALS: ByClient(issuing),
        GrantType.AUTHORIZATION_CODE: ByCode(base.grants, issuing),
        GrantType.REFRESH_TOKEN: ByRefresh(base.grants, issuing),
        GrantType.TOKEN_EXCHANGE: Exchange(base.tokens, base.revoked, issuing, g.clock),
    }
    if g.settings.password_grant:
        givers[GrantType.PASSWORD] = ByPassword(login.check_password, base.grants, issuing, g.clock)
    return givers


def _authorizing_parts(ground: Ground, parts: Parts, signing: Signing, base: Base) -> AuthorizingParts:
    g = ground
    return AuthorizingParts(
        issuer=base.issuer,
        database=g.database,
        audit=g.audit,
        clients=parts.clients,
        keys=SignersKeys(parts.credentials),
        signing=signing,
        grants=base.grants,
        pushed=base.pushed,
        asked_at=AskedAt(base.stamps, g.clock),
        reading=base.reading,
        bus=parts.bus,
        clock=g.clock,
        ids=g.ids,
    )
