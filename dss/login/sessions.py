"""Signers' sessions: begun by a first factor, complete by a second, ended by time or by somebody.

The cookie's text is `id.renewals.mac`: a session that gets its second factor gets a new one, and the old is dead, so
that nobody can have put it there before (RFC 6265 section 8.4).
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.seals import Draft, Sealed
from dss.hsm.stamps import Stamped
from dss.kernel.errors import BadRequest, Forbidden, Overtaken, Tampered, Unauthenticated
from dss.kernel.ids import LoginId, UserId
from dss.login import store
from dss.login.model import AFTER_FIRST, Factor, Password, Session, Signed, Standing, Where
from dss.login.parts import Parts
from dss.login.registers import LOGIN_SESSIONS, row_of
from dss.login.tries import Tries, Way
from dss.notify import letters

LABEL = "dss/session/v1"
NOTED_EVERY = timedelta(minutes=5)  # uses are written down no more often
MOST = 20  # of one signer and one standing; the oldest end
SHOWN = 64  # characters of an address, and of what a browser says it is
ATTEMPTS = 8  # at a change that others may come before


@dataclass(frozen=True, slots=True)
class First:
    """A first factor that was right.

    way:      whose tries are forgotten, or None. password: what it was checked against, and must still be; or None.
    """

    user_id: UserId
    factor: Factor
    way: Way | None = None
    password: Sealed[Password] | None = None


@dataclass(frozen=True, slots=True)
class Endings:
    """Sessions that are to end together; seen: the ids of all that were open when this was drafted."""

    user_id: UserId
    seen: frozenset[str]
    drafts: tuple[Draft[Session], ...]
    why: str
    actor: str


class Sessions:
    """Begins, finds, completes and ends sessions."""

    def __init__(self, parts: Parts, tries: Tries) -> None:
        self._parts = parts
        self._tries = tries

    async def begin(self, first: First, where: Where) -> Signed:
        """Begin a session that waits 10 minutes for its second factor.

        Raises Overtaken when the password was changed meanwhile, HsmUnavailable.
        """
        p = self._parts
        new = self._new(first, where)
        draft = await p.seals.draft_new(LOGIN_SESSIONS, row_of(new))
        cookie = await p.stamps.write(LABEL, new.id, new.renewals)
        event = Event("login.first", new.actor, draft.sealed.name, details=_told(new))
        async with p.database.write() as connection:
            if first.password is not None:
                await p.seals.require_unchanged(connection, first.password)
            if first.way is not None:
                await self._tries.reset(connection, first.way)
            await self._tries.give_back(connection, where)
            await p.seals.write(connection, draft, event)
        await self._end_surplus(first.user_id, Standing.HALF)
        return Signed(new, cookie)

    async def find(self, cookie: str, where: Where | None) -> Session | None:
        """Return the session of a cookie as it stands, with its use written down; None for every other text.

        where: the browser it must be of; None where there is nothing to compare. Raises HsmUnavailable.
        """
        try:
            stamped = Stamped(cookie)
        except BadRequest:
            return None
        if not await self._parts.stamps.is_right(LABEL, stamped):
            return None
        known = await self._proven(LoginId(stamped.id))
        if known is None or stamped.number != known.value.renewals or not self._stands(known.value, where):
            return None
        try:
            return await self._noted(known)
        except Overtaken:  # by another use, or by its end
            return await self.find(cookie, where)

    async def complete(self, session: Session, second: Factor, where: Where) -> str:
        """Complete a session by a second factor that was right; return the text of its new cookie.

        The first time from a browser the signer is written to. Raises Unauthenticated where the session is over or
        complete, Forbidden for a factor that is not taken, HsmUnavailable.
        """
        p, now = self._parts, self._parts.clock.now()
        if second not in p.limits.second:
            raise Forbidden("this second factor is not taken")
        known = await self._proven(session.id)
        if known is None or known.value.standing is not Standing.HALF or not self._stands(known.value, where):
            raise Unauthenticated("this sign-in is over: begin again")
        draft = await p.seals.draft(known, known.value.completed(second, now, p.limits.lifetime))
        new = draft.value
        cookie = await p.stamps.write(LABEL, new.id, new.renewals)
        user = await p.users.get(new.user_id)
        letter = await p.notify.seal(letters.new_browser_letter(user.reader, new.agent, new.address, now))
        try:
            async with p.database.write() as connection:
                await p.seals.write(connection, draft, Event("login.done", new.actor, known.name, details=_told(new)))
                if await store.remember_browser(connection, user.id, new.browser_sha256, now):
                    await p.notify.enqueue(connection, letter)
        except Overtaken as fault:
            raise Unauthenticated("this sign-in is over: begin again") from fault
        if where.browser:
            await self._end_replaced(new)
        await self._end_surplus(user.id, Standing.FULL)
        return cookie

    async def living(self, user_id: UserId) -> list[Session]:
        """Return a signer's complete sessions that live, newest first. Raises Tampered, HsmUnavailable."""
        p, now = self._parts, self._parts.clock.now()
        async with p.database.read() as connection:
            stored = await store.open_sessions(connection, user_id, now)
        proven = [sealed.value for sealed in await p.seals.prove_all(stored)]
        return [one for one in proven if one.standing is Standing.FULL and one.lives(now, p.limits.idle)]

    async def end(self, id: LoginId, user_id: UserId, why: str, actor: str) -> bool:
        """End a session of a signer; return False where there is no such session, or it is over."""
        for _ in range(ATTEMPTS):
            known = await self._proven(id)
            if known is None or known.value.user_id != user_id or known.value.standing is Standing.ENDED:
                return False
            try:
                await self._end(known, why, actor)
            except Overtaken:
                continue
            return True
        raise Overtaken("another change of the session came first; try again")

    async def endings(self, user_id: UserId, spare: LoginId | None, why: str, actor: str) -> Endings:
        """Draft the end of all sessions of a signer but one, half ones too. Raises HsmUnavailable.

        One that cannot be proven opens nothing, and is left to whoever looks at the alarm.
        """
        p = self._parts
        async with p.database.read() as connection:
            stored = await store.open_sessions(connection, user_id, p.clock.now())
        faults = await p.seals.faults(stored)
        sound = [one for one, fault in zip(stored, faults, strict=True) if fault is None and one.row["id"] != spare]
        drafts = [await p.seals.draft(one, one.value.ended()) for one in await p.seals.prove_all(sound)]
        return Endings(user_id, frozenset(one.row["id"] for one in stored), tuple(drafts), why, actor)

    async def write_endings(self, connection: AsyncConnection, endings: Endings) -> None:
        """End sessions in the caller's transaction. Raises Overtaken when one changed, or a further one began."""
        p = self._parts
        standing = await store.open_session_ids(connection, endings.user_id, p.clock.now())
        if not standing <= endings.seen:
            raise Overtaken("a session began meanwhile")
        for draft in endings.drafts:
            event = Event("login.ended", endings.actor, draft.sealed.name, details={"why": endings.why})
            await p.seals.write(connection, draft, event)

    async def end_all(self, user_id: UserId, spare: LoginId | None, why: str, actor: str) -> int:
        """End all sessions of a signer but one; return how many. Raises Overtaken, HsmUnavailable."""
        for _ in range(ATTEMPTS):
            endings = await self.endings(user_id, spare, why, actor)
            try:
                async with self._parts.database.write() as connection:
                    await self.write_endings(connection, endings)
            except Overtaken:
                continue
            return len(endings.drafts)
        raise Overtaken("another change of the sessions came first; try again")

    def _new(self, first: First, where: Where) -> Session:
        now = self._parts.clock.now()
        return Session(
            id=LoginId(self._parts.ids.new()),
            user_id=first.user_id,
            standing=Standing.HALF,
            first=first.factor,
            second=None,
            browser_sha256=where.browser_sha256,
            address=_shown(where.address),
            agent=_shown(where.agent),
            renewals=0,
            created_at=now,
            used_at=now,
            ends_at=now + AFTER_FIRST,
        )

    async def _proven(self, id: LoginId) -> Sealed[Session] | None:
        """Return a session; one that cannot be proven is none, and an alarm besides."""
        async with self._parts.database.read() as connection:
            stored = await store.session(connection, id)
        try:
            return None if stored is None else await self._parts.seals.prove(stored)
        except Tampered:
            return None

    def _stands(self, session: Session, where: Where | None) -> bool:
        same = where is None or hmac.compare_digest(session.browser_sha256, where.browser_sha256)
        return same and session.lives(self._parts.clock.now(), self._parts.limits.idle)

    async def _noted(self, known: Sealed[Session]) -> Session:
        """Write down that a session is used, unless that was done a moment ago. Raises Overtaken."""
        p, now = self._parts, self._parts.clock.now()
        if now - known.value.used_at < min(NOTED_EVERY, p.limits.idle / 4):
            return known.value
        draft = await p.seals.draft(known, known.value.used(now))
        async with p.database.write() as connection:
            await p.seals.write(connection, draft, Event("login.used", draft.value.actor, known.name))
        return draft.value

    async def _end_replaced(self, new: Session) -> None:
        """End the complete sessions that the same browser had before, of the same signer: it has lost their cookie."""
        p = self._parts
        async with p.database.read() as connection:
            stored = await store.open_sessions(connection, new.user_id, p.clock.now())
        for row in (one.row for one in stored):
            same = row["standing"] == Standing.FULL.value and row["browser_sha256"] == new.browser_sha256
            if same and row["id"] < new.id:  # an id is of its time: of two at once one stays
                await self.end(row["id"], new.user_id, "replaced", new.actor)

    async def _end_surplus(self, user_id: UserId, standing: Standing) -> None:
        """End the oldest sessions beyond the most that there may be."""
        p, now = self._parts, self._parts.clock.now()
        async with p.database.read() as connection:
            stored = await store.open_sessions(connection, user_id, now)
        ids = [one.row["id"] for one in stored if one.row["standing"] == standing.value]
        for id in ids[MOST:]:
            await self.end(id, user_id, "too many", "server")

    async def _end(self, known: Sealed[Session], why: str, actor: str) -> None:
        p = self._parts
        draft = await p.seals.draft(known, known.value.ended())
        async with p.database.write() as connection:
            await p.seals.write(connection, draft, Event("login.ended", actor, known.name, details={"why": why}))


def _told(session: Session) -> dict[str, str]:
    factors: Collection[Factor] = [factor for factor in (session.first, session.second) if factor]
    return {"user": session.user_id, "by": " ".join(factors), "address": session.address}


def _shown(text: str) -> str:
    """Return what people are shown of a text that a browser sent."""
    return "".join(character for character in text if character.isascii() and character.isprintable())[:SHOWN]
