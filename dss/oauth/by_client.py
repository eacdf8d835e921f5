"""Tokens of an application for itself. Source: RFC 6749 section 4.4."""

from dss.clients.model import OWN
from dss.oauth.access_token import Wanted
from dss.oauth.issuing import Call, Issuing, TokenResponse
from dss.oauth.scopes import granted


class ByClient:
    """Gives an application what is its own, and nothing of any signer's."""

    def __init__(self, issuing: Issuing) -> None:
        self._issuing = issuing

    async def give(self, call: Call) -> TokenResponse:
        """Return a token for the application. Raises InvalidScope, InvalidClient, HsmUnavailable."""
        scopes = granted(call.asked.scope, set(OWN).intersection(call.client.scopes))
        return await self._issuing.give(call, Wanted(call.client.id, scopes, jkt=call.jkt, x5t=call.x5t))
