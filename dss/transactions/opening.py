"""The verb open: turn a relying application's wish into a transaction that a phone can be shown."""

from collections.abc import Collection
from typing import Any

from dss.credentials import subject as subjects
from dss.credentials.model import LIVING, Credential
from dss.devices.request import Item, Kind, Shown
from dss.documents.model import Document, PrepareFor
from dss.kernel import b64
from dss.kernel.digest import Digest
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import CredentialId, DeviceId
from dss.kernel.keyspec import Scheme, require_fit
from dss.transactions import prepared, rules
from dss.transactions.drafting import Draft, Drafting
from dss.transactions.model import Entry, OpenCreation, OpenSigning, Transaction
from dss.transactions.parts import Parts
from dss.users.model import User


def named(credential: Credential) -> dict[str, Any]:
    """Return how a request names a key that is there: its certificate, and how its password's secret is made."""
    digest = b64.url_encode(Digest.of(credential.certificate or b"").value)
    return {"id": credential.id, "certificate_sha256": digest}


def named_to_open(credential: Credential) -> dict[str, Any]:
    """Return how a request names a key that the answer must open."""
    return named(credential) | ({} if credential.password is None else {"password": credential.password})


class Opening:
    """Opens transactions for relying applications and operators."""

    def __init__(self, parts: Parts, drafting: Drafting) -> None:
        self._parts = parts
        self._drafting = drafting

    async def open_signing(self, wish: OpenSigning) -> Transaction:
        """Prepare what is to be signed, and ask the signer's phone.

        Raises Invalid, DeceptiveText, BadDigest, BadDocument, NotFound, Conflict, TooMany, IdempotencyConflict.
        """
        p = self._parts
        rules.require_acceptable(wish, p.limits)
        if known := await self._drafting.known(wish.client_id, wish.idempotency):
            return known
        key = await p.credentials.sealed(wish.credential_id)
        credential = key.value
        await p.credentials.require_usable(credential)
        user = await p.users.get(credential.user_id)
        await self._require_phone(user, credential.holders)
        draft = Draft(
            kind=Kind.SIGN,
            client_id=wish.client_id,
            user=user,
            credential=named_to_open(credential),
            text=wish.text,
            entries=await self._entries(wish, self._how(wish, credential, user)),
            confirm_within=wish.expires_in or p.limits.confirm_within,
            more={"relock": True} if credential.relock else {},
            idempotency=wish.idempotency,
            key=key,
        )
        return await self._drafting.open(draft)

    async def open_creation(self, wish: OpenCreation) -> Transaction:
        """Ask the signer's phone to confirm a new key, and the end of the one that it replaces.

        Raises Invalid or DeceptiveText when a certificate cannot name the signer, NotFound, Conflict,
        TooMany, IdempotencyConflict.
        """
        p = self._parts
        if known := await self._drafting.known(wish.client_id, wish.idempotency):
            return known
        user = await self._reachable(wish.login)
        subject = subjects.of(user).rfc4514()
        wanted = {"subject": subject, "key_type": wish.key_spec.value, "validity_days": p.limits.certificate_days}
        draft = Draft(
            kind=Kind.CREATE,
            client_id=wish.client_id,
            operator=wish.operator,
            user=user,
            credential={"id": p.ids.new(), **wanted, **await self._replaced(wish.replaces, user)},
            confirm_within=p.limits.confirm_within,
            idempotency=wish.idempotency,
        )
        return await self._drafting.open(draft)

    async def _replaced(self, id: CredentialId | None, user: User) -> dict[str, Any]:
        if id is None:
            return {}
        old = await self._parts.credentials.find(id)
        if old is None or old.user_id != user.id:
            raise NotFound("the signer has no such credential to replace")
        if old.state not in LIVING:
            raise Conflict(f"the credential to replace is {old.state}")
        return {"replaces": named(old)}

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

    async def _entries(self, wish: OpenSigning, how: PrepareFor) -> tuple[Entry, ...]:
        if wish.hashes:
            return tuple(
                Entry(Item(index, "hash", how.scheme.name, Digest(wish.hash_algorithm, value)))
                for index, value in enumerate(wish.hashes)
            )
        made: list[Entry] = []
        try:
            for index, id in enumerate(wish.documents):
                document = await self._parts.documents.get(wish.client_id, id)
                made.append(await self._prepared(index, document, how))
        except BaseException:
            await self._drafting.discard(made)
            raise
        return tuple(made)

    async def _prepared(self, index: int, document: Document, how: PrepareFor) -> Entry:
        made = await self._parts.documents.prepare(document, how)
        shown = Shown(document.name, document.media_type, document.size, document.digest)
        item = Item(index, "PAdES-B-B", how.scheme.name, made.to_sign, shown)
        return Entry(item, document.id, prepared.to_json(made))
