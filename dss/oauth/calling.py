"""Whose call it is, at the resources that access tokens open.

Source: RFC 6750 section 2.1, RFC 8705 section 3, RFC 9449 section 7.
"""

import hmac

from dss.kernel.errors import Unauthenticated
from dss.oauth.access_token import AccessTokens, Claims
from dss.oauth.caller import Caller
from dss.oauth.client_certificate import x5t
from dss.oauth.dpop import DpopProofs
from dss.oauth.errors import InvalidDpopProof, NonceNeeded, ProofRefused, UseDpopNonce
from dss.oauth.presented import Presented
from dss.oauth.revoked import Revoked

BEARER, DPOP = "bearer", "dpop"


class Calling:
    """Tells who calls a resource."""

    def __init__(self, tokens: AccessTokens, proofs: DpopProofs, revoked: Revoked) -> None:
        self.proofs = proofs
        self._tokens = tokens
        self._revoked = revoked

    async def caller(self, presented: Presented) -> Caller:
        """Return whose access token a request brings, with the proof that belongs to it.

        Raises Unauthenticated, ProofRefused, NonceNeeded, Unavailable.
        """
        scheme, token = _credentials(presented.authorization)
        claims = await self._tokens.verify(token)
        if await self._revoked.refuses(claims):
            raise Unauthenticated("the access token was revoked")
        _require_certificate(claims, presented.certificate)
        await self._require_key(claims, scheme, presented, token)
        return Caller(claims.client_id, claims.scopes, claims.user_id, claims.grant_id, claims.signatures)

    async def _require_key(self, claims: Claims, scheme: str, presented: Presented, token: str) -> None:
        """Check the DPoP proof: of bound tokens always, of others never, whatever the caller calls them."""
        if (scheme == DPOP) != bool(claims.jkt):
            raise Unauthenticated(f"the access token is not one for the scheme {scheme}")
        if scheme == DPOP and not hmac.compare_digest(await self._proven(presented, token), claims.jkt):
            raise Unauthenticated("the access token is bound to another key than the DPoP proof's")

    async def _proven(self, presented: Presented, token: str) -> str:
        try:
            return await self.proofs.check(presented, token)
        except UseDpopNonce as fault:
            raise NonceNeeded(fault.detail) from fault
        except InvalidDpopProof as fault:
            raise ProofRefused(fault.detail) from fault


def _credentials(authorization: str) -> tuple[str, str]:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() not in {BEARER, DPOP} or not token.strip(" "):
        raise Unauthenticated("an access token is needed, as `Authorization: Bearer` or `Authorization: DPoP`")
    return scheme.lower(), token.strip(" ")


def _require_certificate(claims: Claims, certificate: bytes | None) -> None:
    if not claims.x5t:
        return
    if certificate is None or not hmac.compare_digest(x5t(certificate), claims.x5t):
        raise Unauthenticated("the access token is bound to another TLS certificate")
