"""A grant: what a signer allowed a client, from the request that waits for the phone to the last refresh token.

    pending -> issued -> redeemed -> ended

Source: docs/authorization.md section 5.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from dss.clients.model import SIGNERS, Client
from dss.clients.profile import GrantType
from dss.kernel.ids import ClientId, GrantId, LoginId, TransactionId, UserId
from dss.oauth import pkce
from dss.oauth.issuer import Lifetimes

SERVICE, CREDENTIAL = SIGNERS
CODE_LIFETIME = timedelta(seconds=60)

# Why a grant ends by what was handed in: a text that was used before; a right one with anything else that is wrong.
REUSED = "reused"
MISUSED = "misused"


class Stage(StrEnum):
    """How far a grant went."""

    PENDING = "pending"
    ISSUED = "issued"
    REDEEMED = "redeemed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class NewGrant:
    """What a signer allows; members as in Grant. expires_at: of the wait for the phone, None where there is none."""

    client_id: ClientId
    user_id: UserId
    session_id: LoginId
    scopes: tuple[str, ...]
    redirect_uri: str
    code_challenge: str
    authenticated_at: datetime
    details: tuple[dict[str, Any], ...] = ()
    client_state: str = ""
    dpop_jkt: str = ""
    signature_id: TransactionId | None = None
    expires_at: datetime | None = None
    rests_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Redemption:
    """What comes with a code; what is absent is empty. jkt: thumbprint of the key that was proven."""

    client: Client
    redirect_uri: str = ""
    verifier: str = field(default="", repr=False)
    jkt: str = ""

    @property
    def may_refresh(self) -> bool:
        """True where the client may have refresh tokens; a public one only bound to a key (RFC 9700 section 2.2.2)."""
        profile = self.client.profile
        return GrantType.REFRESH_TOKEN in profile.grants and (bool(self.jkt) or not profile.public)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a signer allowed a client.

    session_id:       the session in which they did. authenticated_at: when they proved who they are.
    scopes, details:  what is allowed; the details as they were enriched (RFC 9396 section 7).
    redirect_uri, client_state, code_challenge: of the authorization request. dpop_jkt: the key that the code is bound
    to, and later the refresh tokens of a public client; or empty.
    signature_id:     what the phone was asked for, or None.
    generation:       how many refresh tokens were given; only the newest is good.
    expires_at:       of the wait for the phone, then of the code, then of all that was given for it.
    rests_until:      when the earlier consent ends that this one rests on; None where the signer was asked.
    why:              of its end.
    """

    id: GrantId
    client_id: ClientId
    user_id: UserId
    session_id: LoginId
    scopes: tuple[str, ...]
    details: tuple[dict[str, Any], ...]
    redirect_uri: str
    client_state: str
    code_challenge: str
    dpop_jkt: str
    signature_id: TransactionId | None
    stage: Stage
    generation: int
    authenticated_at: datetime
    created_at: datetime
    expires_at: datetime
    rests_until: datetime | None = None
    why: str = ""

    @property
    def actor(self) -> str:
        """The signer as the log names them."""
        return f"user:{self.user_id}"

    @classmethod
    def begun(cls, id: GrantId, new: NewGrant, now: datetime) -> Self:
        """Return a new grant, of which nothing was given out yet."""
        return cls(
            id=id,
            client_id=new.client_id,
            user_id=new.user_id,
            session_id=new.session_id,
            scopes=new.scopes,
            details=new.details,
            redirect_uri=new.redirect_uri,
            client_state=new.client_state,
            code_challenge=new.code_challenge,
            dpop_jkt=new.dpop_jkt,
            signature_id=new.signature_id,
            stage=Stage.PENDING,
            generation=0,
            authenticated_at=new.authenticated_at,
            created_at=now,
            expires_at=new.expires_at or now,
            rests_until=new.rests_until,
        )

    @property
    def is_consent(self) -> bool:
        """True for what a signer allowed on a page, and the client has got."""
        return self.stage is Stage.REDEEMED and bool(self.session_id)

    def is_of(self, new: NewGrant) -> bool:
        """Return True for a grant whose code is out, and that was made of this."""
        return self == replace(
            Grant.begun(self.id, new, self.created_at), stage=Stage.ISSUED, expires_at=self.expires_at
        )

    def lives(self, now: datetime) -> bool:
        """Return True while something may still be asked for on it."""
        return self.stage is not Stage.ENDED and now < self.expires_at

    def misuse_of_code(self, told: Redemption) -> str:
        """Return why a right code ends the grant, or nothing where it may be redeemed.

        A client that names no redirect URI is content with the one of the authorization request (OAuth 2.1).
        Source: RFC 6749 sections 4.1.2 and 4.1.3, RFC 7636 section 4.6, RFC 9449 section 10.
        """
        if self.stage is not Stage.ISSUED:
            return REUSED
        right = (
            told.client.id == self.client_id
            and told.redirect_uri in {"", self.redirect_uri}
            and pkce.fits(told.verifier, self.code_challenge)
            and self.dpop_jkt in {"", told.jkt}
        )
        return "" if right else MISUSED

    def misuse_of_refresh(self, number: int | None, client_id: ClientId, jkt: str) -> str:
        """Return why a right refresh token ends the grant, or nothing where it is good (RFC 9700 section 4.14.2).

        number: of the refresh token.
        """
        if number != self.generation:
            return REUSED
        return "" if client_id == self.client_id and self.dpop_jkt in {"", jkt} else MISUSED

    def issued(self, now: datetime) -> Self:
        """Return the grant with its code given out."""
        return replace(self, stage=Stage.ISSUED, expires_at=now + CODE_LIFETIME)

    def redeemed(self, told: Redemption, lifetimes: Lifetimes, now: datetime) -> Self:
        """Return the grant with its code used, and its first refresh token given out where there is one.

        A signature is authorized once, so that nothing of it is refreshed. Of a client that proves who it is, the
        refresh tokens are bound by that proof, and need no key.
        """
        if CREDENTIAL in self.scopes or not told.may_refresh:
            return self.spent(now + lifetimes.token)
        bound_to = told.jkt if told.client.profile.public else ""
        until = self.created_at + lifetimes.refresh
        return replace(self.spent(until), generation=1, dpop_jkt=bound_to)

    def spent(self, until: datetime) -> Self:
        """Return the grant with an access token given for it, and nothing else to come; until: when that one ends."""
        end = until if self.rests_until is None else min(until, self.rests_until)
        return replace(self, stage=Stage.REDEEMED, expires_at=end, dpop_jkt="")

    def refreshed(self) -> Self:
        """Return the grant with a further refresh token; the one before is good no more."""
        return replace(self, generation=self.generation + 1)

    def ended(self, why: str) -> Self:
        """Return the grant at its end."""
        return replace(self, stage=Stage.ENDED, why=why)
