"""Setting a password: with it, in one transaction, everything goes that the old one opened."""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.seals import Draft, Sealed
from dss.kernel.errors import Conflict, Overtaken
from dss.kernel.ids import LoginId, UserId
from dss.login import store
from dss.login.model import Factor, Password
from dss.login.parts import Parts
from dss.login.registers import PASSWORDS
from dss.login.sessions import ATTEMPTS, Sessions
from dss.login.tries import Tries, Way
from dss.notify.model import Letter
from dss.notify.model import Sealed as SealedLetter
from dss.users.model import User

Also = Callable[[AsyncConnection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Change:
    """A password as it is to be, and what comes with it.

    hash:    empty where the password is made useless. kind: of the event.
    over:    the password that was given for it, and must be the one still; None where none was.
    spare:   a session that goes on.
    letters: to whom it is told.
    also:    what is done in the same transaction.
    """

    hash: str = field(repr=False)
    kind: str
    actor: str
    over: Sealed[Password] | None = None
    spare: LoginId | None = None
    letters: tuple[Letter, ...] = ()
    also: Also | None = None


class Setting:
    """Sets passwords."""

    def __init__(self, parts: Parts, sessions: Sessions, tries: Tries) -> None:
        self._parts = parts
        self._sessions = sessions
        self._tries = tries

    async def password_of(self, user_id: UserId) -> Sealed[Password] | None:
        """Return what is kept of a signer's password, or None. Raises Tampered, HsmUnavailable."""
        async with self._parts.database.read() as connection:
            stored = await store.password(connection, user_id)
        return None if stored is None else await self._parts.seals.prove(stored)

    async def set(self, user: User, change: Change) -> None:
        """Set a password: other sessions end, wrong tries are forgotten, letters go.

        Raises Conflict when the password that was given is no longer the signer's, Tampered, HsmUnavailable.
        """
        p = self._parts
        post = [await p.notify.seal(letter) for letter in change.letters]
        ways = await self._tries.ways(Factor.PASSWORD, user.login, user.id)
        for _ in range(ATTEMPTS):
            with contextlib.suppress(Overtaken, IntegrityError):
                await self._write(user, change, ways, post)
                return
        raise Overtaken("another change of the password came first; try again")

    async def reset(self, user: User, change: Change) -> None:
        """Set a password that somebody else may have known: what applications were allowed ends after it.

        Raises as `set`.
        """
        await self.set(user, change)
        if self._parts.end_access is not None:
            await self._parts.end_access(user.id, change.kind, change.actor)

    async def rehash(self, known: Sealed[Password], hash: str) -> Sealed[Password]:
        """Keep the same password by a hash of the parameters of today. Raises Overtaken when it was changed."""
        p, old = self._parts, known.value
        draft = await p.seals.draft(known, Password(old.user_id, hash, old.set_at))
        async with p.database.write() as connection:
            await p.seals.write(connection, draft, Event("password.rehashed", "server", f"user:{old.user_id}"))
        return draft.sealed

    async def _write(self, user: User, change: Change, ways: Sequence[Way], post: Sequence[SealedLetter]) -> None:
        """Set a password upon what there is. Raises as `set`, Overtaken and IntegrityError when that has changed."""
        p = self._parts
        draft = await self._draft(user.id, change)
        endings = await self._sessions.endings(user.id, change.spare, change.kind, change.actor)
        async with p.database.write() as connection:
            await p.seals.write(connection, draft, Event(change.kind, change.actor, f"user:{user.id}"))
            await self._sessions.write_endings(connection, endings)
            await self._tries.reset(connection, *ways)
            if change.also is not None:
                await change.also(connection)
            for letter in post:
                await p.notify.enqueue(connection, letter)

    async def _draft(self, user_id: UserId, change: Change) -> Draft[Password]:
        p, known = self._parts, await self.password_of(user_id)
        new = Password(user_id, change.hash, p.clock.now())
        if change.over is not None and (known is None or known.row["seal"] != change.over.row["seal"]):
            raise Conflict("the password was changed meanwhile")
        if known is not None:
            return await p.seals.draft(known, new)
        return await p.seals.draft_new(PASSWORDS, {"user_id": user_id, "hash": new.hash, "set_at": new.set_at})
