"""The verb push: a client hands its authorization request to the server itself, and gets a name for it.

Source: RFC 9126 sections 2 and 3, RFC 9449 section 10.1; docs/authorization.md section 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from dss.login.tries import site_of
from dss.oauth import authorization_request
from dss.oauth.authorization_request import LONGEST_QUERY, Query
from dss.oauth.client_authentication import ClientAuthentication, ClientProof, Method, Proven
from dss.oauth.dpop import DpopProofs
from dss.oauth.errors import InvalidRequest
from dss.oauth.presented import Presented
from dss.oauth.pushed import LIFETIME, PushedRequests
from dss.oauth.reading import Reading


@dataclass(frozen=True, slots=True)
class PushRequest:
    """A request to the push endpoint.

    values: the parameters of the authorization request that are there, by name. address: from where it came.
    """

    values: Mapping[str, str]
    proof: ClientProof
    presented: Presented
    address: str


@dataclass(frozen=True, slots=True)
class PushResponse:
    """The name of a pushed request; expires_in: seconds."""

    request_uri: str
    expires_in: int


class PushEndpoint:
    """Takes requests from clients; each is read as the authorization endpoint will read it again."""

    def __init__(
        self, authentication: ClientAuthentication, proofs: DpopProofs, reading: Reading, pushed: PushedRequests
    ) -> None:
        self._authentication = authentication
        self._proofs = proofs
        self._reading = reading
        self._pushed = pushed

    async def push(self, request: PushRequest) -> PushResponse:
        """Keep a client's request.

        Raises InvalidClient, InvalidRequest, UnauthorizedClient, UnsupportedResponseType, InvalidScope,
        InvalidAuthorizationDetails, RequestNotSupported, InvalidDpopProof, UseDpopNonce, TooMany, HsmUnavailable.
        """
        proven = await self._authentication.authenticate(request.proof)
        values = await self._bound(_own(request.values, proven), request.presented)
        _require_short(values, proven)
        await self._reading.read(Query(values), proven.client)
        spend = partial(self._authentication.spend, proven=proven)
        network = site_of(request.address) if proven.method is Method.NONE else ""
        name = await self._pushed.add(proven.client.id, values, spend, network)
        return PushResponse(name, int(LIFETIME.total_seconds()))

    async def _bound(self, values: dict[str, str], presented: Presented) -> dict[str, str]:
        """Return the parameters with the key of the proof that came with them, if one came."""
        if not presented.dpop:
            return values
        jkt = await self._proofs.check(presented)
        if values.get("dpop_jkt", jkt) != jkt:
            raise InvalidRequest("dpop_jkt is not the key of the DPoP proof")
        return {**values, "dpop_jkt": jkt}


def _require_short(values: Mapping[str, str], proven: Proven) -> None:
    """Raise InvalidRequest for more than an address holds, by a client that anybody can say to be."""
    if proven.method is Method.NONE and sum(map(len, values.values())) > LONGEST_QUERY:
        raise InvalidRequest(f"a public client pushes at most {LONGEST_QUERY} characters")


def _own(values: Mapping[str, str], proven: Proven) -> dict[str, str]:
    """Return what means something of a client's parameters. Raises InvalidRequest for those of another client."""
    if "request_uri" in values:
        raise InvalidRequest("a request that is pushed has no request_uri")
    if values.get("client_id", proven.client.id) != proven.client.id:
        raise InvalidRequest("client_id is not the client that authenticates")
    return {**authorization_request.known(values), "client_id": proven.client.id}
