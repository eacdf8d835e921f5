"""Letters by which a signer sets a password: the first one, and one that was forgotten.

The link's code is made by the HSM over the letter's id, the signer, and when the password was set last: it is of no use
to anybody else, nor once a password was set, whatever the database says.
"""

import contextlib
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.hsm.stamps import Stamped
from dss.infra import once
from dss.infra.pretence import kept_if
from dss.kernel.clock import precise_timestamp
from dss.kernel.errors import BadRequest, NotFound, Tampered
from dss.kernel.ids import UserId, made_at
from dss.login import store
from dss.login.model import Where
from dss.login.parts import Parts
from dss.login.passwords import Passwords, require_acceptable
from dss.login.setting import Change, Setting
from dss.login.tries import Tries, site_of
from dss.login.unknown import way_of_unknown
from dss.notify import letters
from dss.notify.model import Letter, Reader
from dss.users.model import User

LABEL = "dss/password-letter/v1"
OPEN_FOR = timedelta(days=7)
A_DAY = 3  # letters that a person may ask for
SCOPE = "password.letter"
NOBODY = Reader("nobody@invalid", "en", "Nobody")


class PasswordLetters:
    """Sends such letters, and sets passwords by them."""

    def __init__(self, parts: Parts, tries: Tries, passwords: Passwords, setting: Setting) -> None:
        self._parts = parts
        self._tries = tries
        self._passwords = passwords
        self._setting = setting

    async def send(self, login: str, actor: str) -> datetime:
        """Write to a signer by word of an operator; return until when the letter is good. It ends an earlier one.

        Raises NotFound, Tampered, HsmUnavailable.
        """
        user = await self._parts.users.by_login(login)
        id, expires = self._next()
        about = await self._about(user.id)
        letter = await self._parts.notify.seal(await self._letter(user.reader, id, about))
        async with self._parts.database.write() as connection:
            await self._put(connection, user.id, id, actor)
            await self._parts.notify.enqueue(connection, letter)
        return expires

    async def forgot(self, login: str, where: Where) -> None:
        """Write to a signer who asks for it, at most three times a day; no answer tells whether there is one.

        All is done for nobody as well, and then taken back, so that its time does not tell either. Raises TooMany after
        30 tries a minute from an address, HsmUnavailable.
        """
        p = self._parts
        await self._tries.count_address(where)
        unknown = await way_of_unknown(p.stamps, login)
        user, about = await self._asked(login)
        id, _ = self._next()
        letter = await p.notify.seal(await self._letter(user.reader if user else NOBODY, id, about))
        async with p.database.write() as connection:
            if not await self._may_ask(connection, user.id if user else unknown):
                return
            async with kept_if(user is not None, connection):
                await self._put(connection, user.id if user else UserId(id), id, "server")
                await p.notify.enqueue(connection, letter)

    async def stands(self, code: str) -> bool:
        """Tell whether a link's code sets a password. It is no try: nobody guesses one. Raises HsmUnavailable."""
        try:
            await self._owner(code)
        except NotFound:
            return False
        return True

    async def set(self, code: str, new: str, where: Where) -> None:
        """Set a password by a link's code, once: all sessions of the signer end, and what applications were allowed.

        Raises NotFound where the code sets none, Invalid for a password that may not be, TooMany, Tampered,
        HsmUnavailable.
        """
        await self._tries.count_address(where)
        user = await self._owner(code)
        require_acceptable(new, user.login)
        with self._passwords.place(site_of(where.address)):
            hash = await self._passwords.hash(await self._passwords.peppered(user.id, new))
        id = Stamped(code).id

        async def spend(connection: AsyncConnection) -> None:
            if not await store.spend_letter(connection, user.id, id):
                raise _no_such_letter()
            await self._tries.give_back(connection, where)

        told = letters.password_set_letter(user.reader, self._parts.clock.now())
        change = Change(hash, "password.set", f"user:{user.id}", letters=(told,), also=spend)
        await self._setting.reset(user, change)

    async def _owner(self, code: str) -> User:
        """Return whose password a link's code sets. Raises NotFound, Tampered, HsmUnavailable."""
        p, now = self._parts, self._parts.clock.now()
        try:
            stamped = Stamped(code)
        except BadRequest as fault:
            raise _no_such_letter() from fault
        async with p.database.read() as connection:
            user_id = await store.letter(connection, stamped.id, now)
        if user_id is None or now >= made_at(stamped.id) + OPEN_FOR:
            raise _no_such_letter()
        if not await p.stamps.is_right(LABEL, stamped, *await self._about(user_id)):
            raise _no_such_letter()
        return await p.users.get(user_id)

    async def _letter(self, reader: Reader, id: str, about: tuple[str, str]) -> Letter:
        code = await self._parts.stamps.write(LABEL, id, None, *about)
        link = f"{self._parts.server}/signin/password/{code}"
        return letters.password_letter(reader, link, made_at(id) + OPEN_FOR)

    async def _about(self, user_id: UserId) -> tuple[str, str]:
        """Return what a code is for: a signer, and the password that it takes the place of."""
        known = await self._setting.password_of(user_id)
        return user_id, precise_timestamp(known.value.set_at) if known else ""

    async def _asked(self, login: str) -> tuple[User | None, tuple[str, str]]:
        """Return a signer and what a code is for; one of whom anything was altered is an alarm, and not there."""
        user, nobody = None, UserId("")
        with contextlib.suppress(NotFound, Tampered):
            user = await self._parts.users.by_login(login)
        try:
            return user, await self._about(user.id if user else nobody)
        except Tampered:
            return None, (nobody, "")

    async def _may_ask(self, connection: AsyncConnection, who: str) -> bool:
        now = self._parts.clock.now()
        keys = [f"{who}|{now:%Y-%m-%d}|{number}" for number in range(A_DAY)]
        for key in keys:
            if await once.use(connection, SCOPE, key, now + timedelta(days=2)):
                return True
        return False

    async def _put(self, connection: AsyncConnection, user_id: UserId, id: str, actor: str) -> None:
        await store.put_letter(connection, user_id, id, made_at(id) + OPEN_FOR)
        await self._parts.seals.audit.record(connection, Event(SCOPE, actor, f"user:{user_id}"))

    def _next(self) -> tuple[str, datetime]:
        id = self._parts.ids.new()
        return id, made_at(id) + OPEN_FOR


def _no_such_letter() -> NotFound:
    return NotFound("this link sets no password: it was used, a newer letter was sent, or its time is over")
