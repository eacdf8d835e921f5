"""The second factors that a signer keeps themselves, an authenticator app and passkeys: who may change them, and when.

Source: docs/authorization.md section 7.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from dss.kernel.clock import Clock
from dss.kernel.errors import NotFound, Overtaken
from dss.kernel.ids import PasskeyId, UserId
from dss.login.model import Factor, Session
from dss.login.passkeys import Passkeys
from dss.login.sessions import ATTEMPTS
from dss.login.totp import Authenticators
from dss.users.model import User

DOUBTED = timedelta(hours=24)  # how long before a distrusted sign-in factors may have been added by the same hands


@dataclass(frozen=True, slots=True)
class Held:
    """A second factor that a signer has.

    id: of a passkey; `totp` for the authenticator app, of which there is one. name: of a passkey, or empty.
    """

    id: str
    kind: Factor
    name: str
    added_at: datetime


class HeldFactors:
    """Adds and removes second factors: by their signer in a fresh session, and by operators; lists them.

    The signer is written to, whoever does it.
    """

    def __init__(self, authenticators: Authenticators, passkeys: Passkeys, clock: Clock) -> None:
        self._authenticators = authenticators
        self._passkeys = passkeys
        self._clock = clock

    async def begin_authenticator(self, session: Session, user: User) -> str:
        """Begin an authenticator app of the session's signer, as `Authenticators.begin`. Raises NotFresh besides."""
        session.require_fresh(self._clock.now())
        return await self._authenticators.begin(user)

    async def confirm_authenticator(self, session: Session, code: str) -> bool:
        """Take the first code of the app, as `Authenticators.confirm`. Raises NotFresh besides."""
        session.require_fresh(self._clock.now())
        return await self._authenticators.confirm(session.user_id, code)

    async def passkey_options(self, session: Session) -> str:
        """Return what a browser makes a passkey by, as `Passkeys.options`: none is added without. Raises NotFresh."""
        session.require_fresh(self._clock.now())
        return await self._passkeys.options(session)

    async def remove(self, session: Session, id: str) -> None:
        """Remove one of the session's signer; id: as in Held. Raises NotFresh, NotFound, Overtaken, HsmUnavailable."""
        session.require_fresh(self._clock.now())
        await self.take_away(session.user_id, id, session.actor)

    async def of(self, user_id: UserId) -> tuple[Held, ...]:
        """Return what a signer has, the authenticator app first. Raises Tampered, HsmUnavailable."""
        app = await self._authenticators.get(user_id)
        held = [Held(one.id, Factor.PASSKEY, one.name, one.added_at) for one in await self._passkeys.list(user_id)]
        apps = [Held(Factor.TOTP, Factor.TOTP, "", app.added_at)] if app is not None and app.confirmed else []
        return (*apps, *held)

    async def take_away(self, user_id: UserId, id: str, actor: str) -> None:
        """Remove a signer's factor, by whoever acts; id: as in Held. Raises NotFound, Overtaken, HsmUnavailable."""
        if id != Factor.TOTP:
            return await self._passkeys.remove(user_id, PasskeyId(id), actor)
        if not await self._authenticators.is_there(user_id):
            raise NotFound("the signer has no authenticator app")
        return await self._authenticators.remove(user_id, actor)

    async def distrust(self, user_id: UserId, actor: str) -> None:
        """Remove what was added in the last 24 hours, and an app that waits for its first code.

        Somebody who knew the password may have done it. Raises Tampered, Overtaken, HsmUnavailable.
        """
        since = self._clock.now() - DOUBTED
        app = await self._authenticators.get(user_id)
        if app is not None and (app.added_at >= since or not app.confirmed):
            await self._authenticators.remove(user_id, actor)
        for passkey in await self._passkeys.list(user_id):
            if passkey.added_at >= since:
                await self._certainly_remove(user_id, passkey.id, actor)

    async def _certainly_remove(self, user_id: UserId, id: PasskeyId, actor: str) -> None:
        for _ in range(ATTEMPTS):
            with suppress(NotFound):  # it is gone already
                try:
                    await self._passkeys.remove(user_id, id, actor)
                except Overtaken:  # by a use
                    continue
            return
        raise Overtaken("another change of the passkey came first; try again")
