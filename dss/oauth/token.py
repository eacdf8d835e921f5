"""The token endpoint: who asks, by what right, and which of the grant types answers. Source: RFC 6749 section 3.2."""

from collections.abc import Mapping
from typing import Protocol

from dss.oauth.client_authentication import ClientAuthentication
from dss.oauth.dpop import DpopProofs
from dss.oauth.errors import InvalidDpopProof, UnauthorizedClient, UnsupportedGrantType
from dss.oauth.issuing import Call, TokenRequest, TokenResponse


class Giver(Protocol):
    """One grant type."""

    async def give(self, call: Call) -> TokenResponse:
        """Return tokens, or raise what is wrong with the request."""
        ...


class TokenEndpoint:
    """Gives tokens.

    givers: of the grant types that there are here, by their names.
    """

    def __init__(self, authentication: ClientAuthentication, proofs: DpopProofs, givers: Mapping[str, Giver]) -> None:
        self._authentication = authentication
        self._proofs = proofs
        self._givers = givers

    async def token(self, request: TokenRequest) -> TokenResponse:
        """Give tokens to a client that proves who it is, bound to the keys that it proves.

        Raises InvalidRequest, InvalidClient, UnsupportedGrantType, UnauthorizedClient, InvalidGrant, InvalidScope,
        InvalidTarget, InvalidDpopProof, UseDpopNonce, TooMany, HsmUnavailable.
        """
        grant_type = request.asked.grant_type
        giver = self._givers.get(grant_type)
        if giver is None:
            raise UnsupportedGrantType(f"the grant types are {', '.join(self._givers)}")
        proven = await self._authentication.authenticate(request.proof)
        profile = proven.client.profile
        if grant_type not in profile.grants:
            raise UnauthorizedClient("the client is not registered for this grant type")
        jkt = await self._proofs.check(request.presented) if request.presented.dpop else ""
        if profile.dpop and not jkt:
            raise InvalidDpopProof("this client's tokens must be bound to a key, which takes a DPoP proof")
        return await giver.give(Call(request, proven, jkt))
