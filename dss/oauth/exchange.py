"""Tokens by which one application goes on for another, still for the same signer. Source: RFC 8693.

Whoever holds a token may have stolen it. So the application that asks says who it is twice, by its own proof and by a
token of its own, and gets no more than the token that it hands in says and itself is registered for, nor for longer. A
token that is bound to a key is of no use to who cannot prove that key, here as elsewhere.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dss.kernel.clock import Clock
from dss.kernel.errors import Unauthenticated
from dss.oauth.access_token import AccessTokens, Claims, Wanted
from dss.oauth.errors import InvalidRequest, InvalidTarget
from dss.oauth.issuing import Asked, Call, Issuing, TokenResponse
from dss.oauth.revoked import Revoked
from dss.oauth.scopes import granted

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  a type
MOST_ACTORS = 4


class Exchange:
    """Exchanges signers' access tokens."""

    def __init__(self, tokens: AccessTokens, revoked: Revoked, issuing: Issuing, clock: Clock) -> None:
        self._tokens = tokens
        self._revoked = revoked
        self._issuing = issuing
        self._clock = clock

    async def give(self, call: Call) -> TokenResponse:
        """Return a token of the same signer for the client that asks.

        Raises InvalidRequest for a token that is not good, InvalidTarget, InvalidScope, InvalidClient, HsmUnavailable.
        """
        asked = call.asked
        _require_types(asked)
        if {asked.audience, asked.resource} - {"", self._tokens.issuer.url}:
            raise InvalidTarget(f"tokens are for {self._tokens.issuer.url} only")
        subject = await self._verified(asked.subject_token, "subject_token")
        actor = await self._verified(asked.actor_token, "actor_token")
        _require_own(actor, call)
        _require_signers(subject, call)
        wanted = self._wanted(call, subject)
        return replace(await self._issuing.give(call, wanted), issued_token_type=ACCESS_TOKEN)

    async def _verified(self, token: str, name: str) -> Claims:
        try:
            claims = await self._tokens.verify(token)
        except Unauthenticated as fault:
            raise InvalidRequest(f"{name} is not a living access token of this server") from fault
        if await self._revoked.refuses(claims):
            raise InvalidRequest(f"{name} is not a living access token of this server")
        return claims

    def _wanted(self, call: Call, subject: Claims) -> Wanted:
        scopes = granted(call.asked.scope, subject.scopes.intersection(call.client.scopes))
        left = subject.expires - int(self._clock.now().timestamp())
        if left <= 0:
            raise InvalidRequest("subject_token has ended")
        return Wanted(
            call.client.id,
            scopes,
            user_id=subject.user_id,
            grant_id=subject.grant_id,
            details=subject.details,
            jkt=call.jkt,
            x5t=call.x5t,
            act=_act(call, subject),
            auth_time=None if subject.auth_time is None else datetime.fromtimestamp(subject.auth_time, UTC),
            lifetime=timedelta(seconds=left),
        )


def _require_types(asked: Asked) -> None:
    """Raise InvalidRequest unless both tokens are there, and all are access tokens (RFC 8693 sections 2.1 and 3)."""
    if not (asked.subject_token and asked.actor_token):
        raise InvalidRequest("subject_token and actor_token are both needed")
    if {asked.subject_token_type, asked.actor_token_type, asked.requested_token_type or ACCESS_TOKEN} != {ACCESS_TOKEN}:
        raise InvalidRequest(f"the types of all tokens are {ACCESS_TOKEN}")


def _require_own(actor: Claims, call: Call) -> None:
    """Raise InvalidRequest unless the actor token is the calling client's, by its client credentials, with its key."""
    own = actor.user_id is None and actor.client_id == call.client.id
    if not own or actor.jkt not in {"", call.jkt} or actor.x5t not in {"", call.x5t}:
        raise InvalidRequest("actor_token is not one that this client got for itself, or its key is not proven")


def _require_signers(subject: Claims, call: Call) -> None:
    if subject.user_id is None:
        raise InvalidRequest("subject_token is not a signer's")
    if subject.jkt not in {"", call.jkt} or subject.x5t not in {"", call.x5t}:
        raise InvalidRequest("subject_token is bound to a key that is not proven")


def _act(call: Call, subject: Claims) -> Mapping[str, Any]:
    """Return who acts, over who acted before (RFC 8693 section 4.1). Raises InvalidRequest where they are too many."""
    earlier, count = subject.act, 1
    while earlier is not None:
        earlier, count = earlier.get("act"), count + 1
    if count > MOST_ACTORS:
        raise InvalidRequest(f"a token is passed on at most {MOST_ACTORS} times")
    return {"sub": call.client.id} | ({} if subject.act is None else {"act": subject.act})
