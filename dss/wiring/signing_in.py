"""How signers sign in, put together."""

from dataclasses import dataclass

from dss.hsm.servicekeys import KeyName
from dss.hsm.stamps import Stamps
from dss.kernel.ids import UserId
from dss.login.certificates import cas_of
from dss.login.held_factors import HeldFactors
from dss.login.parts import Parts as LoginParts
from dss.login.passkeys import Passkeys
from dss.login.phone import PhoneFactor
from dss.login.service import Login
from dss.login.totp import Authenticators
from dss.oauth.grants import Grants
from dss.transactions.logins import Logins
from dss.transactions.parts import Parts
from dss.wiring.capabilities import Ground


@dataclass(frozen=True)
class SigningIn:
    """The first factor with sessions, and the second ones."""

    login: Login
    phone_factor: PhoneFactor
    authenticators: Authenticators
    passkeys: Passkeys
    held_factors: HeldFactors


@dataclass(frozen=True)
class OfSigner:
    """What a signer signs in by, but for the phone."""

    login: Login
    authenticators: Authenticators
    passkeys: Passkeys
    held_factors: HeldFactors

    async def distrust(self, user_id: UserId, actor: str) -> None:
        """End what somebody opened who knew a signer's password, and what they may have added."""
        await self.login.distrust(user_id, actor)
        await self.held_factors.distrust(user_id, actor)


def of_signer(parts: LoginParts, name: str) -> OfSigner:
    """Return what a signer signs in by; name: of the server, as apps and browsers show it."""
    login = Login(parts)
    authenticators, passkeys = Authenticators(parts, login.tries, name), Passkeys(parts, name)
    return OfSigner(login, authenticators, passkeys, HeldFactors(authenticators, passkeys, parts.clock))


def signing_in_of(own: OfSigner, logins: Logins) -> SigningIn:
    """Return all by which signers sign in."""
    return SigningIn(phone_factor=PhoneFactor(logins), **vars(own))


def login_parts_of(ground: Ground, parts: Parts, grants: Grants) -> LoginParts:
    """Return what signing in is made of."""
    g, s = ground, ground.settings
    return LoginParts(
        server=s.public_url,
        database=g.database,
        users=parts.users,
        devices=parts.devices,
        notify=parts.notify,
        seals=g.seals,
        stamps=Stamps(g.tokens.service, KeyName.LOGIN),
        clock=g.clock,
        ids=g.ids,
        limits=s.login,
        operators=s.operators,
        cas=None if s.proxies.cas is None else cas_of(s.proxies.cas),
        end_access=grants.end_all_of,
    )
