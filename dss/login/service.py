"""The verbs of signing in. Source: docs/authorization.md section 7."""

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from dss.audit.event import Event, Outcome
from dss.audit.seals import Sealed
from dss.infra import once
from dss.infra.pretence import kept_if
from dss.kernel.errors import NotFound, Overtaken, Tampered, Unauthenticated
from dss.kernel.ids import LoginId, UserId
from dss.login import store
from dss.login.certificates import Certificates
from dss.login.model import Factor, Password, Session, Signed, Where
from dss.login.parts import Parts
from dss.login.password_letters import PasswordLetters
from dss.login.passwords import Passwords, require_acceptable
from dss.login.sessions import First, Sessions
from dss.login.setting import Change, Setting
from dss.login.tries import AFTER_A_PAUSE, Tries, Way, site_of
from dss.login.unknown import way_of_unknown
from dss.notify import letters
from dss.users.model import User

REFUSAL_TOLD_EVERY = timedelta(minutes=1)  # of one way: whoever guesses must not fill the log
UNKNOWN = "nobody"


@dataclass(frozen=True, slots=True)
class _Right:
    """Whose login and password these are, what is kept of the password, and the way whose tries it ends."""

    user: User
    password: Sealed[Password]
    way: Way


class Login:
    """Signs signers in and out, and looks after their passwords.

    tries, certificates, letters: the parts of it that others call for themselves.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.tries = Tries(parts.database, parts.clock)
        self.certificates = Certificates(parts)
        self._passwords = Passwords(parts.stamps)
        self._sessions = Sessions(parts, self.tries)
        self._setting = Setting(parts, self._sessions, self.tries)
        self.letters = PasswordLetters(parts, self.tries, self._passwords, self._setting)

    # --- first factors ---

    async def by_password(self, login: str, password: str, where: Where) -> Signed:
        """Begin a session by login and password; it waits for the second factor.

        Raises Unauthenticated, with one answer after the same work for a login that is unknown and a password that is
        wrong; TooMany with the seconds to wait while the way is closed; HsmUnavailable.
        """
        right = await self._checked(login, password, where)
        first = First(right.user.id, Factor.PASSWORD, right.way, right.password)
        try:
            return await self._sessions.begin(first, where)
        except Overtaken as fault:  # the password was changed since it was checked
            raise _refusal() from fault

    async def by_certificate(self, der: bytes, where: Where) -> Signed:
        """Begin a session by the certificate that TLS proved. Raises Unauthenticated, TooMany, HsmUnavailable."""
        await self.tries.count_address(where)
        owner = await self.certificates.owner(der)
        if owner is None:
            await self._tell_refusal(None, b"certificate", "certificate")
            raise Unauthenticated("nobody signs in by this certificate")
        return await self._sessions.begin(First(owner, Factor.CERTIFICATE), where)

    async def check_password(self, login: str, password: str, where: Where) -> UserId:
        """Return whose login and password these are, without a session. Raises as `by_password`."""
        right = await self._checked(login, password, where)
        name = f"user:{right.user.id}"
        async with self._parts.database.write() as connection:
            await self.tries.reset(connection, right.way)
            await self.tries.give_back(connection, where)
            event = Event("login.checked", name, name, details={"address": where.address})
            await self._parts.seals.audit.record(connection, event)
        return right.user.id

    # --- sessions ---

    async def session(self, cookie: str, where: Where | None) -> Session | None:
        """Return the session of a cookie, half or full, and note its use; None for every other text.

        where: the browser it must be of. Raises HsmUnavailable.
        """
        return await self._sessions.find(cookie, where)

    async def second_factors(self, user_id: UserId) -> tuple[Factor, ...]:
        """Return the second factors that a signer has and that are taken, in the order of the settings."""
        p, now = self._parts, self._parts.clock.now()
        phones = await p.devices.of_user(user_id)
        async with p.database.read() as connection:
            has = {
                Factor.PHONE: any(phone.may_answer(now) for phone in phones),
                Factor.TOTP: await store.has_authenticator(connection, user_id),
                Factor.PASSKEY: await store.has_passkey(connection, user_id),
            }
        return tuple(factor for factor in p.limits.second if has[factor])

    async def complete(self, session: Session, second: Factor, where: Where) -> str:
        """Complete a session by a second factor that was right; return the text of its new cookie.

        Raises Unauthenticated where the session is over or complete, Forbidden for a factor that is not taken,
        HsmUnavailable.
        """
        return await self._sessions.complete(session, second, where)

    async def sessions_of(self, user_id: UserId) -> list[Session]:
        """Return a signer's sessions that live, newest first. Raises Tampered, HsmUnavailable."""
        return await self._sessions.living(user_id)

    async def end(self, session: Session) -> None:
        """End a session: its signer signs out. Raises Overtaken, HsmUnavailable."""
        await self._sessions.end(session.id, session.user_id, "signed out", session.actor)

    async def end_one(self, session: Session, id: LoginId) -> None:
        """End another session of the same signer. Raises NotFound for one that is not, or is over; HsmUnavailable."""
        if not await self._sessions.end(id, session.user_id, "ended by the signer", session.actor):
            raise NotFound("there is no such session")

    async def end_others(self, session: Session) -> int:
        """End all other sessions of the same signer; return how many. Raises Overtaken, HsmUnavailable."""
        return await self._sessions.end_all(session.user_id, session.id, "ended by the signer", session.actor)

    async def end_all(self, user_id: UserId, why: str, actor: str) -> int:
        """End all sessions of a signer; return how many. Raises Overtaken, HsmUnavailable."""
        return await self._sessions.end_all(user_id, None, why, actor)

    # --- passwords ---

    async def change(self, session: Session, old: str, new: str, where: Where) -> None:
        """Change a signer's password: the other sessions end, and the signer is written to.

        Raises Unauthenticated for a wrong old one, TooMany, Invalid for a new one that may not be, NotFresh, Conflict,
        HsmUnavailable.
        """
        p = self._parts
        session.require_fresh(p.clock.now())
        user = await p.users.get(session.user_id)
        require_acceptable(new, user.login)
        right = await self._checked(user.login, old, where)
        with self._passwords.place(site_of(where.address)):
            hash = await self._passwords.hash(await self._passwords.peppered(user.id, new))
        told = letters.password_set_letter(user.reader, p.clock.now())
        change = Change(
            hash,
            "password.set",
            session.actor,
            over=right.password,
            spare=session.id,
            letters=(told,),
            also=partial(self.tries.give_back, where=where),
        )
        await self._setting.set(user, change)

    async def send_letter(self, login: str, actor: str) -> datetime:
        """Send the letter by which a signer sets a password; return until when it is good. Raises NotFound."""
        return await self.letters.send(login, actor)

    async def forgot(self, login: str, where: Where) -> None:
        """Send such a letter to who asks for it; there is one answer, whoever it is. Raises TooMany."""
        await self.letters.forgot(login, where)

    async def set_by_letter(self, code: str, new: str, where: Where) -> None:
        """Set a password by the code of a letter's link. Raises NotFound, Invalid, TooMany, HsmUnavailable."""
        await self.letters.set(code, new, where)

    async def distrust(self, user_id: UserId, actor: str) -> None:
        """Make a signer's password useless, and end all sessions and what applications were allowed.

        Somebody who is not the signer knew it.

        The signer and the operators are written to. Raises NotFound, Tampered, HsmUnavailable.
        """
        p, user = self._parts, await self._parts.users.get(user_id)
        told = [letters.password_ended_letter(user.reader, p.clock.now())]
        if p.operators is not None:
            told.append(letters.not_my_login_letter(p.operators, user.login))
        await self._setting.reset(user, Change("", "password.distrusted", actor, letters=tuple(told)))

    # --- how a password is checked ---

    async def _checked(self, login: str, password: str, where: Where) -> _Right:
        """Return whose login and password these are.

        The address is counted before any work; the way before the check, and after all that may fail for reasons of
        ours.
        """
        await self.tries.count_address(where)
        with self._passwords.place(site_of(where.address)):
            user, known, way = await self._tried(login, where)
            peppered = await self._passwords.peppered(user.id if user else None, password)
            await self.tries.count(way, AFTER_A_PAUSE)
            right = await self._passwords.is_right(peppered, known.value.hash if known else None)
            if user is None or known is None or not right:
                await self._tell_refusal(user, way, "password")
                raise _refusal()
            return _Right(user, await self._of_today(known, peppered), way)

    async def _of_today(self, known: Sealed[Password], peppered: str) -> Sealed[Password]:
        """Return what is kept of a password that was right, hashed as is done today."""
        if not self._passwords.is_old(known.value.hash):
            return known
        try:
            return await self._setting.rehash(known, await self._passwords.hash(peppered))
        except Overtaken as fault:  # changed, or hashed anew by another sign-in: the next one will see
            raise _refusal() from fault

    async def _tried(self, login: str, where: Where) -> tuple[User | None, Sealed[Password] | None, Way]:
        """Find a signer, what is kept of the password, and the way in; what was altered is an alarm, and not there."""
        user = password = None
        unknown = await way_of_unknown(self._parts.stamps, login)
        with contextlib.suppress(NotFound, Tampered):
            user = await self._parts.users.by_login(login)
        with contextlib.suppress(Tampered):
            password = await self._setting.password_of(user.id if user else UserId(""))
        kind, who = (Factor.PASSWORD, login) if user else (UNKNOWN, unknown)
        return user, password, await self.tries.way(kind, who, user.id if user else None, where)

    async def _tell_refusal(self, user: User | None, way: Way, what: str) -> None:
        """Write a wrong try to the log, once a minute for each signer, and for all that are nobody's together.

        It is written once a minute for each way, and taken back where another was told: the same work for all.
        """
        p, now = self._parts, self._parts.clock.now()
        subject = f"user:{user.id}" if user else "login:unknown"
        event = Event("login.refused", "server", subject, Outcome.REFUSED, {"by": what})
        minute, until = int(now.timestamp() // REFUSAL_TOLD_EVERY.total_seconds()), now + 2 * REFUSAL_TOLD_EVERY
        async with p.database.write() as connection:
            if await once.use(connection, "login.refused", f"{way.hex()}|{minute}", until):
                first = await once.use(connection, "login.refused", f"{subject}|{minute}", until)
                async with kept_if(first, connection):
                    await p.seals.audit.record(connection, event)


def _refusal() -> Unauthenticated:
    return Unauthenticated("the login or the password is wrong")
