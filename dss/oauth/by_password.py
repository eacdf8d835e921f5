"""Tokens for a signer's password, for clients that can show no page; only where the operator allows it.

Source: RFC 6749 section 4.3; RFC 9700 section 2.4 advises against it.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from dss.kernel.clock import Clock
from dss.kernel.errors import Unauthenticated
from dss.kernel.ids import LoginId, UserId
from dss.login.model import Where
from dss.oauth.errors import InvalidGrant, InvalidRequest
from dss.oauth.grant import SERVICE, NewGrant
from dss.oauth.grants import Grants
from dss.oauth.issuing import Call, Issuing, TokenResponse
from dss.oauth.scopes import granted

CheckPassword = Callable[[str, str, Where], Awaitable[UserId]]

NO_SESSION = LoginId("")


class ByPassword:
    """Takes a signer's login and password; never for a signature, and without a refresh token.

    check: returns whose they are, counts wrong ones, and raises Unauthenticated, TooMany.
    """

    def __init__(self, check: CheckPassword, grants: Grants, issuing: Issuing, clock: Clock) -> None:
        self._check = check
        self._grants = grants
        self._issuing = issuing
        self._clock = clock

    async def give(self, call: Call) -> TokenResponse:
        """Return a token that reads the signer's keys.

        Raises InvalidRequest, InvalidScope, InvalidGrant with one answer for all that is wrong, TooMany, InvalidClient,
        HsmUnavailable.
        """
        asked, client = call.asked, call.client
        if not (asked.username and asked.password):
            raise InvalidRequest("username and password are needed")
        scopes = granted(asked.scope, {SERVICE}.intersection(client.scopes))
        try:
            user_id = await self._check(asked.username, asked.password, call.request.where)
        except Unauthenticated as fault:
            raise InvalidGrant("the login or the password is wrong") from fault
        new = NewGrant(client.id, user_id, NO_SESSION, scopes, "", "", self._clock.now())
        return await self._issuing.give_on_grant(call, partial(self._grants.given, new))
