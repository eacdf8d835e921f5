"""How signers sign in, put together."""

from dataclasses import dataclass

from dss.hsm.servicekeys import KeyName
from dss.hsm.stamps import Stamps
from dss.kernel.ids import UserId
from dss.login.certificates import cas_of
from dss.login.parts import Parts as LoginParts
from dss.login.passkeys import Passkeys
from dss.login.phone import PhoneFactor
from dss.login.service import Login
from dss.login.totp import Authenticators
from dss.oauth.grants import Grants
from dss.transactions.answering import Distrust
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


def signing_in_of(login: Login, logins: Logins, parts: LoginParts, name: str) -> SigningIn:
    """Return all by which signers sign in; name: of the server, as apps and browsers show it."""
    return SigningIn(login, PhoneFactor(logins), Authenticators(parts, login.tries, name), Passkeys(parts, name))


def distrusting(login: Login, grants: Grants) -> Distrust:
    """Return what ends whatever somebody could open who knew a signer's password."""

    async def distrust(user_id: UserId, actor: str) -> None:
        await login.distrust(user_id, actor)
        await grants.end_all_of(user_id, "somebody else knew the password", actor)

    return distrust


def login_parts_of(ground: Ground, parts: Parts) -> LoginParts:
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
    )
