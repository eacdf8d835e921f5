"""Tokens for a refresh token: each is good once and brings the next.

Source: RFC 6749 section 6, RFC 9700 section 4.14.2.
"""

from functools import partial

from dss.oauth.errors import InvalidRequest
from dss.oauth.grants import Grants
from dss.oauth.issuing import Call, Issuing, TokenResponse


class ByRefresh:
    """Uses refresh tokens."""

    def __init__(self, grants: Grants, issuing: Issuing) -> None:
        self._grants = grants
        self._issuing = issuing

    async def give(self, call: Call) -> TokenResponse:
        """Return new tokens. Raises InvalidRequest, InvalidGrant, InvalidScope, InvalidClient, HsmUnavailable."""
        asked = call.asked
        if not asked.refresh_token:
            raise InvalidRequest("refresh_token is missing")
        decide = partial(self._grants.refreshing, asked.refresh_token, call.client, call.jkt)
        return await self._issuing.give_on_grant(call, decide, asked.scope)
