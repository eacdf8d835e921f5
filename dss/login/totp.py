"""Authenticator apps as a second factor. Source: RFC 6238 and RFC 4226, with SHA-1, 6 digits and steps of 30 s."""

import base64
import hmac
import re
import secrets

import pyotp
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.seals import Draft, Sealed
from dss.infra.secretbox import SecretBox
from dss.kernel.errors import Conflict, Overtaken
from dss.kernel.ids import UserId
from dss.login import totp_store as store
from dss.login.model import Where
from dss.login.parts import Parts
from dss.login.totp_store import AUTHENTICATORS, Authenticator
from dss.login.tries import Tries, Way
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
        known = await self._find(user_id)
        return known is not None and known.value.confirmed

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
        return _codes(secret).provisioning_uri(name=user.login, issuer_name=self._name)

    async def confirm(self, user_id: UserId, code: str) -> bool:
        """Take the first code of a new app, which counts from then on; return False for a wrong one.

        Raises Conflict where none was begun, Overtaken, Tampered, HsmUnavailable.
        """
        known = await self._find(user_id)
        if known is None or known.value.confirmed or not known.value.sealed_secret:
            raise Conflict("no authenticator app waits for its first code")
        step = await self._step(known.value, code)
        if step is None:
            return False
        await self._write(await self._parts.seals.draft(known, known.value.taken(step)), "added")
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

    async def remove(self, user_id: UserId) -> None:
        """Forget a signer's app; none is no fault. Raises Overtaken, Tampered, HsmUnavailable."""
        known = await self._find(user_id)
        if known is not None and known.value.sealed_secret:
            await self._write(await self._parts.seals.draft(known, known.value.removed()), "removed")

    async def _find(self, user_id: UserId) -> Sealed[Authenticator] | None:
        async with self._parts.database.read() as connection:
            stored = await store.of_user(connection, user_id)
        return None if stored is None else await self._parts.seals.prove(stored)

    async def _step(self, authenticator: Authenticator, code: str) -> int | None:
        """Return the step of a code that may be used, or None."""
        if CODE.fullmatch(code) is None:
            return None
        box = await self._box(authenticator.user_id)
        codes = _codes(box.open(authenticator.sealed_secret, _place(authenticator.user_id)))
        now = int(self._parts.clock.now().timestamp()) // STEP_S
        right = [now + by for by in AROUND if hmac.compare_digest(codes.generate_otp(now + by), code)]
        return next((step for step in right if step > authenticator.last_step), None)

    async def _write(self, draft: Draft[Authenticator], what: str, *right: Way) -> None:
        """Write an app as it is now; right: the ways of tries that were right. Raises Overtaken."""
        event = Event(f"authenticator.{what}", f"user:{draft.value.user_id}", draft.sealed.name)
        try:
            async with self._parts.database.write() as connection:
                await self._put(connection, draft, event, right)
        except IntegrityError as fault:
            raise Overtaken("another change came first; try again") from fault

    async def _put(
        self, connection: AsyncConnection, draft: Draft[Authenticator], event: Event, right: tuple[Way, ...]
    ) -> None:
        await self._parts.seals.write(connection, draft, event)
        await self._tries.reset(connection, *right)

    async def _box(self, user_id: UserId) -> SecretBox:
        return SecretBox(await self._parts.stamps.mac("dss/totp/v1", user_id))


def _codes(secret: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(base64.b32encode(secret).decode())


def _place(user_id: UserId) -> bytes:
    return f"authenticators/{user_id}".encode()
