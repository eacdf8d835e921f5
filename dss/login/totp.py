"""Authenticator apps as a second factor. Source: RFC 6238 and RFC 4226, with SHA-1, 6 digits and steps of 30 s."""

import base64
import hmac
import re
import secrets

import pyotp
from sqlalchemy.exc import IntegrityError

from dss.audit.event import Event
from dss.audit.seals import Draft, Sealed
from dss.infra.secretbox import SecretBox
from dss.kernel.errors import Conflict, Overtaken
from dss.kernel.ids import UserId
from dss.login import totp_store as store
from dss.login.model import Factor, Where
from dss.login.parts import Parts
from dss.login.totp_store import AUTHENTICATORS, Authenticator
from dss.login.tries import Tries, Way
from dss.notify import letters
from dss.notify.model import Letter, Reader
from dss.users.model import User

SECRET_BYTES = 20  # RFC 4226 section 4, R6
STEP_S = 30
AROUND = (-1, 0, 1)  # steps by which the app's clock may be off (RFC 6238 section 5.2)
CODE = re.compile("[0-9]{6}")
BEFORE_ALL = -1


class Authenticators:
    """Adds, checks and removes authenticator apps; name: of this server, as the apps show it."""

    def __init__(self, parts: Parts, tries: Tries, name: str) -> None:
        self._parts = parts
        self._tries = tries
        self._name = name

    async def is_there(self, user_id: UserId) -> bool:
        """Tell whether a signer has an app that counts. Raises Tampered, HsmUnavailable."""
        known = await self.get(user_id)
        return known is not None and known.confirmed

    async def get(self, user_id: UserId) -> Authenticator | None:
        """Return a signer's app, which may wait for its first code, or None. Raises Tampered, HsmUnavailable."""
        known = await self._find(user_id)
        return known.value if known is not None and known.value.sealed_secret else None

    async def begin(self, user: User) -> str:
        """Make a secret, which counts once a first code of it came; return it as otpauth URI, for a QR.

        Raises Conflict where there is an app already, Overtaken, Tampered, HsmUnavailable.
        """
        p, known = self._parts, await self._find(user.id)
        if known is not None and known.value.confirmed:
            raise Conflict("there is an authenticator app already: remove it first")
        secret = secrets.token_bytes(SECRET_BYTES)
        sealed = (await self._box(user.id)).seal(secret, _place(user.id))
        new = Authenticator(user.id, sealed, confirmed=False, last_step=BEFORE_ALL, added_at=p.clock.now())
        if known is None:
            draft = await p.seals.draft_new(AUTHENTICATORS, store.row_of(new))
        else:
            draft = await p.seals.draft(known, new)
        await self._write(draft, "begun")
        return self._uri(user, secret)

    async def begun(self, user: User) -> str | None:
        """Return the otpauth URI of an app that waits for its first code, or None. Raises Tampered, HsmUnavailable."""
        known = await self._find(user.id)
        if known is None or known.value.confirmed or not known.value.sealed_secret:
            return None
        return self._uri(user, await self._secret(known.value))

    async def confirm(self, user_id: UserId, code: str) -> bool:
        """Take the first code of a new app, which counts from then on; return False for a wrong one.

        The signer is written to.
        Raises Conflict where none was begun, Overtaken, Tampered, HsmUnavailable.
        """
        known = await self._find(user_id)
        if known is None or known.value.confirmed or not known.value.sealed_secret:
            raise Conflict("no authenticator app waits for its first code")
        step = await self._step(known.value, code)
        if step is None:
            return False
        now = self._parts.clock.now()
        letter = letters.factor_added_letter(await self._reader(user_id), Factor.TOTP, "", now)
        await self._write(await self._parts.seals.draft(known, known.value.added(step, now)), "added", letter=letter)
        return True

    async def check(self, user_id: UserId, code: str, where: Where) -> bool:
        """Tell whether a code is right now, and was not used; it is worth nothing afterwards.

        Raises TooMany after wrong ones, Tampered, HsmUnavailable.
        """
        way = await self._tries.way("totp", user_id, user_id, where)
        await self._tries.count(way)
        known = await self._find(user_id)
        if known is None or not known.value.confirmed:
            return False
        step = await self._step(known.value, code)
        if step is None:
            return False
        try:
            await self._write(await self._parts.seals.draft(known, known.value.taken(step)), "used", way)
        except Overtaken:  # the same code came at the same moment, and was first
            return False
        return True

    async def remove(self, user_id: UserId, actor: str = "") -> None:
        """Forget a signer's app, and write to the signer where it counted; none is no fault.

        actor: who does it, if not the signer. Raises Overtaken, Tampered, HsmUnavailable.
        """
        known = await self._find(user_id)
        if known is None or not known.value.sealed_secret:
            return
        letter = None
        if known.value.confirmed:
            now = self._parts.clock.now()
            letter = letters.factor_removed_letter(await self._reader(user_id), Factor.TOTP, "", now)
        draft = await self._parts.seals.draft(known, known.value.removed())
        await self._write(draft, "removed", actor=actor, letter=letter)

    async def _find(self, user_id: UserId) -> Sealed[Authenticator] | None:
        async with self._parts.database.read() as connection:
            stored = await store.of_user(connection, user_id)
        return None if stored is None else await self._parts.seals.prove(stored)

    async def _step(self, authenticator: Authenticator, code: str) -> int | None:
        """Return the step of a code that may be used, or None."""
        if CODE.fullmatch(code) is None:
            return None
        codes = _codes(await self._secret(authenticator))
        now = int(self._parts.clock.now().timestamp()) // STEP_S
        right = [now + by for by in AROUND if hmac.compare_digest(codes.generate_otp(now + by), code)]
        return next((step for step in right if step > authenticator.last_step), None)

    async def _write(
        self, draft: Draft[Authenticator], what: str, *right: Way, actor: str = "", letter: Letter | None = None
    ) -> None:
        """Write an app as it is now; right: the ways of tries that were right. Raises Overtaken."""
        p, signer = self._parts, f"user:{draft.value.user_id}"
        event = Event(f"authenticator.{what}", actor or signer, draft.sealed.name)
        post = [] if letter is None else [await p.notify.seal(letter)]
        try:
            async with p.database.write() as connection:
                await p.seals.write(connection, draft, event)
                await self._tries.reset(connection, *right)
                for one in post:
                    await p.notify.enqueue(connection, one)
        except IntegrityError as fault:
            raise Overtaken("another change came first; try again") from fault

    async def _reader(self, user_id: UserId) -> Reader:
        return (await self._parts.users.get(user_id)).reader

    def _uri(self, user: User, secret: bytes) -> str:
        return _codes(secret).provisioning_uri(name=user.login, issuer_name=self._name)

    async def _secret(self, authenticator: Authenticator) -> bytes:
        box = await self._box(authenticator.user_id)
        return box.open(authenticator.sealed_secret, _place(authenticator.user_id))

    async def _box(self, user_id: UserId) -> SecretBox:
        return SecretBox(await self._parts.stamps.mac("dss/totp/v1", user_id))


def _codes(secret: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(base64.b32encode(secret).decode())


def _place(user_id: UserId) -> bytes:
    return f"authenticators/{user_id}".encode()
