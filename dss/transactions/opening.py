"""The verb open: turn a relying application's wish into a transaction that a phone can be shown."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dss.audit.seals import Sealed
from dss.credentials import subject as subjects
from dss.credentials.model import LIVING, Credential
from dss.devices.items import Item, Shown
from dss.devices.request import Kind
from dss.documents.model import Document, PrepareFor
from dss.kernel import b64
from dss.kernel.digest import Digest
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import ClientId, CredentialId, DeviceId, DocumentId
from dss.kernel.keyspec import Scheme, require_fit
from dss.kernel.policy import SAYS_NOTHING, Mode, Policy
from dss.transactions import prepared, rules
from dss.transactions.admitting import Asker
from dss.transactions.asking import Pair
from dss.transactions.browsers import Browser, reach
from dss.transactions.drafting import Draft, Drafting, Ready
from dss.transactions.model import Asking, Entry, OpenCreation, OpenSigning, Reach, Transaction
from dss.transactions.parts import Parts
from dss.transactions.placing import Placing
from dss.transactions.policies import effective
from dss.users.model import User


def named(credential: Credential) -> dict[str, Any]:
    """Return how a request names a key that is there: its certificate, and how its password's secret is made."""
    digest = b64.url_encode(Digest.of(credential.certificate or b"").value)
    return {"id": credential.id, "certificate_sha256": digest}


def named_to_open(credential: Credential) -> dict[str, Any]:
    """Return how a request names a key that the answer must open."""
    return named(credential) | ({} if credential.password is None else {"password": credential.password})


@dataclass(frozen=True, slots=True)
class Footing:
    """What a wish of a relying application rests on: the key, whose it is, and how they are asked.

    mode: how the person makes sure. policy: the strictest of all. reach: who comes to know, from this browser.
    """

    key: Sealed[Credential]
    user: User
    mode: Mode
    policy: Policy
    browser: Browser
    reach: Reach


@dataclass(frozen=True, slots=True)
class Grounds(Footing):
    """What a wish for signatures rests on: besides, how documents are prepared, and the session if it is in one."""

    how: PrepareFor
    session: Transaction | None


class Opening:
    """Opens transactions for relying applications and operators."""

    def __init__(self, parts: Parts, drafting: Drafting, placing: Placing) -> None:
        self._parts = parts
        self._drafting = drafting
        self._placing = placing

    async def open_signing(self, wish: OpenSigning) -> Transaction:
        """Prepare what is to be signed, and ask the signer's phone; or none, where it is within a session.

        Raises Invalid, DeceptiveText, BadDigest, BadDocument, NotFound, Conflict, TooMany, Forbidden, Expired,
        IdempotencyConflict.
        """
        p = self._parts
        rules.require_acceptable(wish, p.limits)
        if known := await self._drafting.known(wish.client_id, wish.idempotency):
            return known
        grounds = await self.grounds(wish)
        if wish.hashes:
            return await self.ask(wish, grounds, _hashes(wish, grounds.how))
        made = await self._prepared(wish, await self.documents(wish, grounds), grounds.how)
        try:
            grounds = await self.grounds(wish)  # once more: a policy may have been raised while documents were prepared
        except BaseException:
            await self._drafting.discard(made)
            raise
        return await self.ask(wish, grounds, made)

    async def footing(self, kind: Kind, client_id: ClientId, credential_id: CredentialId, asked: Asking) -> Footing:
        """Return what a wish concerning a key rests on. Raises NotFound, Conflict, Invalid, Tampered."""
        p = self._parts
        key = await p.credentials.sealed(credential_id)
        credential = key.value
        await p.credentials.require_usable(credential)
        user = await p.users.get(credential.user_id)
        await self._require_phone(user, credential.holders)
        policy = await effective(p, client_id, credential.policy)
        browser = Browser.named(user.id, client_id, asked.browser)
        return Footing(
            key=key,
            user=user,
            mode=Mode.strictest((policy.mode_of(kind.value), asked.mode)),
            policy=policy,
            browser=browser,
            reach=await reach(p, policy.device_link, browser),
        )

    async def grounds(self, wish: OpenSigning) -> Grounds:
        """Return what a wish for signatures rests on. Raises as `footing`."""
        asked = Asking(wish.text, wish.mode, wish.browser, wish.expires_in)
        on = await self.footing(Kind.SIGN, wish.client_id, wish.credential_id, asked)
        how, session = self._how(wish, on.key.value, on.user), None
        if wish.session_id is not None:
            session = await self._placing.session_of(wish, wish.session_id, on.key.value, on.policy)
        return Grounds(on.key, on.user, on.mode, on.policy, on.browser, on.reach, how, session)

    async def documents(self, wish: OpenSigning, grounds: Grounds) -> Mapping[DocumentId, Document]:
        """Return those of a wish's documents that are there, where they may be prepared.

        Raises Forbidden, TooMany, Conflict, Invalid.
        """
        await self.require_room(wish, grounds)
        found = await self._parts.documents.among(wish.client_id, set(wish.documents))
        rules.require_documents(wish, found, self._parts.limits)
        return found

    async def require_room(self, wish: OpenSigning, grounds: Grounds) -> None:
        """Raise Forbidden or TooMany where the signer would not be asked now; in a session they are not asked."""
        if grounds.session is None:
            pair = Pair(grounds.user.id, wish.client_id)
            asker = Asker(pair.user_id, f"client:{pair.client_id}", pair, reach=grounds.reach)
            await self._drafting.require_room(asker)

    async def ask(
        self, wish: OpenSigning, grounds: Grounds, made: tuple[Entry, ...], ready: Ready | None = None
    ) -> Transaction:
        """Ask the signer's phone to confirm what was prepared. Raises TooMany, IdempotencyConflict."""
        p, credential = self._parts, grounds.key.value
        draft = Draft(
            kind=Kind.SIGN,
            client_id=wish.client_id,
            user=grounds.user,
            credential=named_to_open(credential),
            text=wish.text,
            entries=made,
            confirm_within=wish.expires_in or p.limits.confirm_within,
            idempotency=wish.idempotency,
            key=grounds.key,
            ready=ready,
        )
        if grounds.session is not None:
            return await self._placing.open(draft, grounds.session)
        asking = replace(
            draft,
            more={"relock": True} if credential.relock else {},
            mode=grounds.mode,
            answer_by=grounds.policy.answer_by,
            reach=grounds.reach,
            browser_sha256=grounds.browser.sha256,
        )
        return await self._drafting.open(asking)

    async def open_creation(self, wish: OpenCreation) -> Transaction:
        """Ask the signer's phone to confirm a new key, and the end of the one that it replaces.

        Raises Invalid or DeceptiveText when a certificate cannot name the signer, NotFound, Conflict,
        TooMany, IdempotencyConflict.
        """
        p = self._parts
        if known := await self._drafting.known(wish.client_id, wish.idempotency):
            return known
        user = await self._reachable(wish.login)
        old = await self._replaced(wish.replaces, user)
        policy = await effective(p, wish.client_id, SAYS_NOTHING if old is None else old.policy)
        subject = subjects.of(user).rfc4514()
        wanted = {"subject": subject, "key_type": wish.key_spec.value, "validity_days": p.limits.certificate_days}
        draft = Draft(
            kind=Kind.CREATE,
            client_id=wish.client_id,
            operator=wish.operator,
            user=user,
            credential={"id": p.ids.new(), **wanted} | ({} if old is None else {"replaces": named(old)}),
            confirm_within=p.limits.confirm_within,
            idempotency=wish.idempotency,
            mode=Mode.strictest((policy.mode_of(Kind.CREATE.value), wish.mode)),
        )
        if wish.client_id is not None:
            browser = Browser.named(user.id, wish.client_id, wish.browser)
            reached = await reach(p, policy.device_link, browser)
            draft = replace(draft, reach=reached, browser_sha256=browser.sha256)
        return await self._drafting.open(draft)

    async def _replaced(self, id: CredentialId | None, user: User) -> Credential | None:
        if id is None:
            return None
        old = await self._parts.credentials.find(id)
        if old is None or old.user_id != user.id:
            raise NotFound("the signer has no such credential to replace")
        if old.state not in LIVING:
            raise Conflict(f"the credential to replace is {old.state}")
        return old

    async def _reachable(self, login: str) -> User:
        """Return a signer who has a phone; that there is no such signer, and that they have none, look alike."""
        try:
            user = await self._parts.users.by_login(login)
            await self._require_phone(user)
        except (NotFound, Conflict) as fault:
            raise NotFound("there is no such signer with a phone that can answer now") from fault
        return user

    async def _require_phone(self, user: User, among: Collection[DeviceId] | None = None) -> None:
        """Raise Conflict unless the signer has a phone that can answer now, among those that are given."""
        now = self._parts.clock.now()
        phones = await self._parts.devices.of_user(user.id)
        if not any(phone.may_answer(now) for phone in phones if among is None or phone.id in among):
            raise Conflict("the signer has no phone that can answer now")

    def _how(self, wish: OpenSigning, credential: Credential, user: User) -> PrepareFor:
        spec = credential.key_spec
        scheme = wish.scheme or Scheme.default_for(spec)
        require_fit(spec, scheme)
        chain = (credential.certificate or b"", *credential.chain)
        return PrepareFor(chain, spec, scheme, user.name, self._parts.clock.now())

    async def _prepared(
        self, wish: OpenSigning, found: Mapping[DocumentId, Document], how: PrepareFor
    ) -> tuple[Entry, ...]:
        if not all(id in found for id in wish.documents):
            raise NotFound("there is no such document")
        made: list[Entry] = []
        try:
            for index, id in enumerate(wish.documents):
                made.append(await self.prepared(index, found[id], how))
        except BaseException:
            await self._drafting.discard(made)
            raise
        return tuple(made)

    async def prepared(self, index: int, document: Document, how: PrepareFor) -> Entry:
        """Give a document its place for the signature. Raises BadDocument, Invalid, Unavailable."""
        made = await self._parts.documents.prepare(document, how)
        shown = Shown(document.name, document.media_type, document.size, document.digest)
        item = Item(index, "PAdES-B-B", how.scheme.name, made.to_sign, shown)
        return Entry(item, document.id, prepared.to_json(made))


def _hashes(wish: OpenSigning, how: PrepareFor) -> tuple[Entry, ...]:
    return tuple(
        Entry(Item(index, "hash", how.scheme.name, Digest(wish.hash_algorithm, value)))
        for index, value in enumerate(wish.hashes)
    )
