"""How clients prove who they are, one way in a request.

Source: RFC 6749 section 2.3, RFC 7523 section 2.2, RFC 8705 section 2; docs/authorization.md section 2.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.clients.model import Client
from dss.clients.profile import Profile
from dss.clients.service import Clients
from dss.infra import once
from dss.kernel.clock import Clock
from dss.kernel.errors import NotFound, Tampered, Unauthenticated
from dss.kernel.ids import ClientId
from dss.oauth import client_assertion, client_secret
from dss.oauth.client_assertion import ASSERTION_TYPE, NOT_ACCEPTED, ClientAssertion
from dss.oauth.client_certificate import ClientCertificates, is_registered
from dss.oauth.client_secret import ClientSecret
from dss.oauth.errors import InvalidClient, InvalidRequest
from dss.oauth.issuer import Issuer

CLIENT_ID = re.compile("[0-9A-HJKMNP-TV-Z]{26}")
USED_ASSERTIONS = "client_assertion"
# One answer for an unknown client, one that has to prove itself, and one that shows a certificate of others.
NOT_PROVEN = "the client is unknown, or does not authenticate in a way that it is registered for"


class Method(StrEnum):
    """A way to prove who a client is, by the names of RFC 8414's token_endpoint_auth_methods_supported."""

    PRIVATE_KEY_JWT = "private_key_jwt"
    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    SELF_SIGNED_TLS = "self_signed_tls_client_auth"
    TLS = "tls_client_auth"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ClientProof:
    """What a request tells of its client; an absent parameter is empty.

    authorization: the header's value. certificate: of the TLS connection, DER.
    """

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    client_assertion: str = field(default="", repr=False)
    client_assertion_type: str = ""
    authorization: str = field(default="", repr=False)
    certificate: bytes | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """A client that proved who it is. assertion: what it proved it with, or None for another way than that."""

    client: Client
    assertion: ClientAssertion | None
    method: Method


class ClientAuthentication:
    """Tells which client a request is of."""

    def __init__(self, clients: Clients, issuer: Issuer, clock: Clock, certificates: ClientCertificates) -> None:
        self._clients = clients
        self._issuer = issuer
        self._clock = clock
        self._certificates = certificates

    async def authenticate(self, proof: ClientProof) -> Proven:
        """Return the client of a request, which proved who it is, or is public and has nothing to prove it by.

        An assertion is not used up by that: `spend` is called in the transaction that does what it was for.
        Raises InvalidRequest for more than one way, InvalidClient also for a suspended one, HsmUnavailable.
        """
        proven = await self._proven(proof)
        if proven.client.profile.suspended:
            raise InvalidClient(NOT_PROVEN)
        return proven

    async def spend(self, connection: AsyncConnection, proven: Proven) -> None:
        """Use up the assertion, if there is one: of any number of uses, one is served. Raises InvalidClient."""
        assertion = proven.assertion
        if assertion is None:
            return
        key = f"{proven.client.id} {assertion.jti}"
        if not await once.use(connection, USED_ASSERTIONS, key, assertion.forget_at):
            raise InvalidClient("the client assertion was used before")

    async def _proven(self, proof: ClientProof) -> Proven:
        ways = [bool(way) for way in (proof.authorization, proof.client_secret, proof.client_assertion)]
        if sum(ways) > 1:
            raise InvalidRequest("the client authenticates in more than one way")
        if proof.client_assertion:
            return await self._by_assertion(proof)
        if proof.authorization:
            return await self._by_secret(proof, client_secret.from_basic(proof.authorization), Method.BASIC)
        if proof.client_secret:
            return await self._by_secret(proof, ClientSecret(proof.client_id, proof.client_secret), Method.POST)
        return await self._by_nothing_said(proof)

    async def _by_secret(self, proof: ClientProof, claimed: ClientSecret, method: Method) -> Proven:
        try:
            client_id = _client_id(proof, claimed.client_id)
            return Proven(await self._clients.check_secret(client_id, claimed.secret), None, method)
        except (NotFound, Unauthenticated) as fault:
            raise InvalidClient("the client id or the secret is wrong") from fault

    async def _by_assertion(self, proof: ClientProof) -> Proven:
        if proof.client_assertion_type != ASSERTION_TYPE:
            raise InvalidRequest(f"client_assertion_type must be {ASSERTION_TYPE}")
        assertion = client_assertion.read(proof.client_assertion)
        client = await self._find(proof, assertion.client_id)
        assertion.verify(client.jwks if client else None, self._issuer.audiences, self._clock.now())
        if client is None:
            raise InvalidClient(NOT_ACCEPTED)
        return Proven(client, assertion, Method.PRIVATE_KEY_JWT)

    async def _by_nothing_said(self, proof: ClientProof) -> Proven:
        """Return the client that its connection proves, or that is public."""
        client = await self._find(proof, proof.client_id)
        if client is None:
            raise InvalidClient(NOT_PROVEN)
        if client.profile.public:
            return Proven(client, None, Method.NONE)
        return Proven(client, None, self._by_certificate(client.profile, proof.certificate))

    def _by_certificate(self, profile: Profile, certificate: bytes | None) -> Method:
        if certificate is not None and is_registered(certificate, profile.certificates):
            return Method.SELF_SIGNED_TLS
        subject, now = profile.tls_subject, self._clock.now()
        if certificate is not None and subject and self._certificates.is_certified(certificate, subject, now):
            return Method.TLS
        raise InvalidClient(NOT_PROVEN)

    async def _find(self, proof: ClientProof, named: str) -> Client | None:
        """Return a client; None for one that was altered too: that is an alarm, and looks like what is unknown."""
        try:
            return await self._clients.get(_client_id(proof, named))
        except (NotFound, Tampered):
            return None


def _client_id(proof: ClientProof, proved: str) -> ClientId:
    """Return the id that the proof names; a text that is no id is never asked of the database, which may refuse it.

    Raises InvalidRequest if the form names another client, NotFound.
    """
    if proof.client_id not in {"", proved}:
        raise InvalidRequest("client_id is not the client that authenticates")
    if not CLIENT_ID.fullmatch(proved):
        raise NotFound("there is no such client")
    return ClientId(proved)
