"""Passkeys as a second factor. Source: W3C Web Authentication Level 2, sections 7.1 and 7.2."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from sqlalchemy.exc import IntegrityError
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from dss.audit.event import Event, Outcome
from dss.audit.seals import Sealed
from dss.kernel.errors import BadRequest, Conflict, NotFound
from dss.kernel.ids import PasskeyId, UserId
from dss.kernel.text import require_plain
from dss.login import passkeys_store as store
from dss.login.challenges import GOOD_FOR, Challenges, Purpose
from dss.login.model import Factor, Session
from dss.login.parts import Parts
from dss.login.passkeys_store import PASSKEYS, Passkey
from dss.notify import letters

MOST = 10  # of a signer
LONGEST_NAME = 64  # characters
LONGEST = 64 * 1024  # characters of a browser's answer
ALGORITHMS = [COSEAlgorithmIdentifier.ECDSA_SHA_256, COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256]
VERIFIED = UserVerificationRequirement.REQUIRED
TIMEOUT_MS = int(GOOD_FOR.total_seconds() * 1000)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Site:
    """This server as browsers know it: the host for which passkeys are made, and the origin of its pages."""

    host: str
    origin: str

    @classmethod
    def of(cls, url: str) -> "Site":
        """Return the site of a base URL."""
        parts = urlsplit(url)
        return cls(parts.hostname or "", f"{parts.scheme}://{parts.netloc}")


class Passkeys:
    """Adds, checks and removes passkeys; name: of this server, as browsers show it."""

    def __init__(self, parts: Parts, name: str) -> None:
        self._parts = parts
        self._name = name
        self._site = Site.of(parts.server)
        self._challenges = Challenges(parts.stamps, parts.clock)

    async def options(self, session: Session) -> str:
        """Return what `navigator.credentials.create` is given, as JSON. Raises Tampered, HsmUnavailable."""
        user, known = await self._parts.users.get(session.user_id), await self._of(session.user_id)
        options = generate_registration_options(
            rp_id=self._site.host,
            rp_name=self._name,
            user_id=user.id.encode(),
            user_name=user.login,
            user_display_name=user.name,
            challenge=await self._challenges.make(session, Purpose.ADD),
            timeout=TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=VERIFIED
            ),
            exclude_credentials=_named(known),
            supported_pub_key_algs=ALGORITHMS,
        )
        return options_to_json(options)

    async def add(self, session: Session, answer: str, name: str) -> Passkey:
        """Keep the passkey that a browser made; answer: its credential as JSON. name: as its owner calls it.

        The owner is written to.
        Raises BadRequest for what is none or was not asked for, Conflict for one that is known, and for an eleventh,
        Invalid or DeceptiveText for the name, Tampered, HsmUnavailable.
        """
        p = self._parts
        if not name:
            raise BadRequest("a passkey needs a name")
        require_plain(name, LONGEST_NAME, "the name")
        made = _read(parse_registration_credential_json, answer)
        challenge = await self._challenge(made, session, Purpose.ADD)
        verified = _checked(lambda: self._verified_new(made, challenge))
        if len(await self._of(session.user_id)) >= MOST:
            raise Conflict(f"a signer has at most {MOST} passkeys")
        new = Passkey(
            id=PasskeyId(p.ids.new()),
            user_id=session.user_id,
            credential_id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            name=name,
            added_at=p.clock.now(),
        )
        draft = await p.seals.draft_new(PASSKEYS, store.row_of(new))
        reader = (await p.users.get(new.user_id)).reader
        letter = await p.notify.seal(letters.factor_added_letter(reader, Factor.PASSKEY, name, new.added_at))
        try:
            async with p.database.write() as connection:
                await self._challenges.spend(connection, challenge)
                await p.seals.write(connection, draft, Event("passkey.added", session.actor, draft.sealed.name))
                await p.notify.enqueue(connection, letter)
        except IntegrityError as fault:
            raise Conflict("the passkey is known already") from fault
        return new

    async def challenge(self, session: Session) -> str:
        """Return what `navigator.credentials.get` is given, as JSON. Raises NotFound without a passkey, Tampered."""
        known = await self._of(session.user_id)
        if not known:
            raise NotFound("the signer has no passkey")
        options = generate_authentication_options(
            rp_id=self._site.host,
            challenge=await self._challenges.make(session, Purpose.CHECK),
            timeout=TIMEOUT_MS,
            allow_credentials=_named(known),
            user_verification=VERIFIED,
        )
        return options_to_json(options)

    async def check(self, session: Session, answer: str) -> bool:
        """Tell whether a browser's answer, a credential as JSON, is by a passkey of who signs in.

        Raises Tampered, HsmUnavailable.
        """
        try:
            given = _read(parse_authentication_credential_json, answer)
            key = await self._one(session.user_id, lambda passkey: passkey.credential_id == given.raw_id)
            challenge = await self._challenge(given, session, Purpose.CHECK)
            count = _checked(lambda: self._verified(given, challenge, key.value)).new_sign_count
            if await self._went_back(key, count):
                return False
            await self._use(key, count, challenge)
        except (BadRequest, NotFound, Conflict):
            return False
        return True

    async def list(self, user_id: UserId) -> tuple[Passkey, ...]:
        """Return a signer's passkeys, oldest first. Raises Tampered, HsmUnavailable."""
        return tuple(one.value for one in await self._of(user_id))

    async def remove(self, user_id: UserId, id: PasskeyId, actor: str = "") -> None:
        """Let a passkey open nothing any more, and write to its owner; actor: who does it, if not the owner.

        Raises NotFound, also for another's, Overtaken, Tampered.
        """
        p, now = self._parts, self._parts.clock.now()
        key = await self._one(user_id, lambda passkey: passkey.id == id)
        draft = await p.seals.draft(key, key.value.removed(now))
        reader = (await p.users.get(user_id)).reader
        letter = await p.notify.seal(letters.factor_removed_letter(reader, Factor.PASSKEY, key.value.name, now))
        async with p.database.write() as connection:
            await p.seals.write(connection, draft, Event("passkey.removed", actor or f"user:{user_id}", key.name))
            await p.notify.enqueue(connection, letter)

    async def _one(self, user_id: UserId, is_meant: Callable[[Passkey], bool]) -> Sealed[Passkey]:
        for known in await self._of(user_id):
            if is_meant(known.value):
                return known
        raise NotFound

    async def _of(self, user_id: UserId) -> Sequence[Sealed[Passkey]]:
        async with self._parts.database.read() as connection:
            stored = await store.of_user(connection, user_id)
        return await self._parts.seals.prove_all(stored)

    async def _challenge(
        self, given: RegistrationCredential | AuthenticationCredential, session: Session, purpose: Purpose
    ) -> bytes:
        """Return the challenge that an answer is to. Raises BadRequest for one that this session was not given."""
        challenge = _checked(lambda: parse_client_data_json(given.response.client_data_json)).challenge
        if not await self._challenges.is_right(challenge, session, purpose):
            raise BadRequest("the challenge is not one of this session, or too old: begin anew")
        return challenge

    def _verified_new(self, made: RegistrationCredential, challenge: bytes) -> VerifiedRegistration:
        return verify_registration_response(
            credential=made,
            expected_challenge=challenge,
            expected_rp_id=self._site.host,
            expected_origin=self._site.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )

    def _verified(self, given: AuthenticationCredential, challenge: bytes, key: Passkey) -> VerifiedAuthentication:
        return verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=self._site.host,
            expected_origin=self._site.origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=0,  # a count that goes back is told of, not only refused
            require_user_verification=True,
        )

    async def _went_back(self, key: Sealed[Passkey], count: int) -> bool:
        """Tell whether two authenticators hold a key, with an event where they do (section 6.1.1)."""
        known = key.value.sign_count
        if count > known or (count, known) == (0, 0):
            return False
        event = Event("alarm.passkey_copied", f"user:{key.value.user_id}", key.name, Outcome.REFUSED)
        async with self._parts.database.write() as connection:
            await self._parts.seals.audit.record(connection, event)
        return True

    async def _use(self, key: Sealed[Passkey], count: int, challenge: bytes) -> None:
        draft = await self._parts.seals.draft(key, key.value.used(count))
        event = Event("passkey.used", f"user:{key.value.user_id}", key.name)
        async with self._parts.database.write() as connection:
            await self._challenges.spend(connection, challenge)
            await self._parts.seals.write(connection, draft, event)


def _named(known: Sequence[Sealed[Passkey]]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=one.value.credential_id) for one in known]


def _read(parse: Callable[[str], Result], answer: str) -> Result:
    """Read a browser's answer. Raises BadRequest."""
    if len(answer) > LONGEST:
        raise BadRequest("the answer is too long to be a passkey's")
    return _checked(lambda: parse(answer))


def _checked(check: Callable[[], Result]) -> Result:
    """Return what a check of the library returns. Raises BadRequest for whatever it raises.

    It lets out what the decoders of JSON, CBOR and keys raise: none of it can be told beforehand.
    """
    try:
        return check()
    except Exception as fault:
        raise BadRequest("the answer is not that of a passkey which was asked") from fault
