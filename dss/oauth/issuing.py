"""What all grant types end in: tokens, and a record of them. Source: RFC 6749 section 5.1."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from dss.audit.event import Event
from dss.audit.service import Audit
from dss.clients.model import Client
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import Overtaken
from dss.login.model import Where
from dss.oauth.access_token import AccessTokens, Minted, Wanted
from dss.oauth.client_authentication import ClientAuthentication, ClientProof, Proven
from dss.oauth.client_certificate import x5t
from dss.oauth.errors import InvalidGrant
from dss.oauth.grant import Grant
from dss.oauth.grants import Grants, Step
from dss.oauth.presented import Presented
from dss.oauth.scopes import granted

# Who comes second finds the code or token used, and so decides no second time; an end may come between.
TRIES = 4
SHORTEST = timedelta(seconds=1)  # of what a token is issued for


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a token request, by their registered names; an absent one is empty."""

    grant_type: str
    scope: str = ""
    code: str = field(default="", repr=False)
    redirect_uri: str = ""
    code_verifier: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    subject_token: str = field(default="", repr=False)
    subject_token_type: str = ""
    actor_token: str = field(default="", repr=False)
    actor_token_type: str = ""
    requested_token_type: str = ""
    audience: str = ""
    resource: str = ""
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request to the token endpoint. where: from where it came, for what counts tries."""

    asked: Asked
    proof: ClientProof
    presented: Presented
    where: Where


@dataclass(frozen=True, slots=True)
class Call:
    """A token request of a client that proved who it is.

    jkt: thumbprint of the DPoP key that it proved, or empty.
    """

    request: TokenRequest
    proven: Proven
    jkt: str = ""

    @property
    def asked(self) -> Asked:
        """What is asked for."""
        return self.request.asked

    @property
    def client(self) -> Client:
        """Who asks."""
        return self.proven.client

    @property
    def x5t(self) -> str:
        """The SHA-256 of its TLS certificate, base64url, or empty (RFC 8705 section 3.1)."""
        certificate = self.request.presented.certificate
        return x5t(certificate) if certificate else ""


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """Tokens that were issued; what is empty is not told. expires_in: seconds."""

    access_token: str = field(repr=False)
    token_type: str
    expires_in: int
    scope: str
    refresh_token: str = field(default="", repr=False)
    authorization_details: tuple[Mapping[str, Any], ...] = ()
    issued_token_type: str = ""


@dataclass(frozen=True, slots=True)
class Means:
    """What tokens are issued with."""

    tokens: AccessTokens
    authentication: ClientAuthentication
    grants: Grants
    database: Database
    audit: Audit
    clock: Clock


class Issuing:
    """Makes access tokens; whatever a token is given for is used up in the transaction that records it."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def give(self, call: Call, wanted: Wanted, step: Step | None = None) -> TokenResponse:
        """Return a token; step: of its grant, taken with it.

        Raises InvalidClient for an assertion that was used before, Overtaken, HsmUnavailable.
        """
        m = self._means
        minted = await m.tokens.mint(wanted)
        async with m.database.write() as connection:
            await m.authentication.spend(connection, call.proven)
            if step is not None:
                await m.grants.take(connection, step)
            await m.audit.record(connection, _issued(minted, wanted))
        return _response(minted, wanted, step.text if step else "")

    async def give_on_grant(self, call: Call, decide: Callable[[], Awaitable[Step]], scope: str = "") -> TokenResponse:
        """Return tokens on a signer's grant.

        decide: returns the step by which the grant moves; asked again where another step came first.
        scope:  what is asked for of the grant's, all when empty.
        Raises InvalidGrant where nothing is left of it, InvalidScope, InvalidClient, Overtaken, HsmUnavailable, and
        what `decide` raises.
        """
        for _ in range(TRIES):
            step = await decide()
            wanted = self._of_signer(call, step.grant, granted(scope, _still(call, step.grant)))
            with suppress(Overtaken):
                return await self.give(call, wanted, step)
        raise Overtaken("too much happens to the authorization at once")

    def _of_signer(self, call: Call, grant: Grant, scopes: tuple[str, ...]) -> Wanted:
        """Return what a token on a grant is to say; it ends with the grant at the latest. Raises InvalidGrant."""
        left = grant.expires_at - self._means.clock.now()
        if left < SHORTEST:
            raise InvalidGrant("the authorization is over")
        return Wanted(
            grant.client_id,
            scopes,
            user_id=grant.user_id,
            grant_id=grant.id,
            details=grant.details,
            jkt=call.jkt,
            x5t=call.x5t,
            auth_time=grant.authenticated_at,
            lifetime=min(left, self._means.tokens.issuer.token_lifetime),
        )


def _still(call: Call, grant: Grant) -> frozenset[str]:
    """Return what the grant gives and the client is registered for now. Raises InvalidGrant for nothing."""
    left = frozenset(grant.scopes).intersection(call.client.scopes)
    if not left:
        raise InvalidGrant("the client is registered for nothing of what the signer allowed any more")
    return left


def _issued(minted: Minted, wanted: Wanted) -> Event:
    grant = {"grant": wanted.grant_id} if wanted.grant_id else {}
    details = {"scope": " ".join(wanted.scopes), **grant}
    return Event("token.issued", f"client:{wanted.client_id}", f"token:{minted.id}", details=details)


def _response(minted: Minted, wanted: Wanted, refresh_token: str) -> TokenResponse:
    return TokenResponse(
        access_token=minted.text,
        token_type="DPoP" if wanted.jkt else "Bearer",
        expires_in=int(minted.lifetime.total_seconds()),
        scope=" ".join(wanted.scopes),
        refresh_token=refresh_token,
        authorization_details=wanted.details,
    )
