"""Tokens for a code that a browser brought to the client. Source: RFC 6749 section 4.1.3, RFC 7636 section 4.5."""

from functools import partial

from dss.oauth.errors import InvalidRequest
from dss.oauth.grant import Redemption
from dss.oauth.grants import Grants
from dss.oauth.issuing import Call, Issuing, TokenResponse


class ByCode:
    """Redeems codes."""

    def __init__(self, grants: Grants, issuing: Issuing) -> None:
        self._grants = grants
        self._issuing = issuing

    async def give(self, call: Call) -> TokenResponse:
        """Return tokens for the signer. Raises InvalidRequest, InvalidGrant, InvalidClient, HsmUnavailable."""
        asked = call.asked
        if not asked.code:
            raise InvalidRequest("code is missing")
        told = Redemption(call.client, asked.redirect_uri, asked.code_verifier, call.jkt)
        return await self._issuing.give_on_grant(call, partial(self._grants.redeeming, asked.code, told))
