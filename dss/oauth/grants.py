"""The verbs over grants: begin, issue a code, redeem it, refresh, end.

A code is redeemed once and a refresh token is used once; what is handed in a second time ends the grant, with all that
was given for it. So of any number that come at once one is served, and the others take away what it got: the server
cannot know which of them was the client. Source: docs/authorization.md section 5; RFC 6749 section 4.1.2, RFC 9700
section 4.14.2.
"""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.seals import Draft, Sealed, Seals
from dss.clients.model import Client
from dss.hsm.stamps import Stamped, Stamps
from dss.infra import once
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import BadRequest, Conflict, NotFound, Overtaken, Tampered
from dss.kernel.ids import ClientId, GrantId, Ids, UserId
from dss.oauth import store
from dss.oauth.errors import InvalidGrant
from dss.oauth.grant import Grant, NewGrant, Redemption, Stage
from dss.oauth.issuer import LONGEST_TOKEN, Lifetimes
from dss.oauth.registers import GRANTS, row_of
from dss.oauth.revoked import Revoked

CODE = "dss/code/v1"
REFRESH = "dss/refresh/v1"
ASKED = "grant"

# Each loser of a race finds the row one step further, and there are few steps; refreshing alone has many.
TRIES = 16

# One answer: who guesses or has stolen a text does not learn what was wrong with it.
REFUSED = "the code or token is wrong, over, or not this client's"


@dataclass(frozen=True, slots=True)
class Parts:
    """What grants are made of. stamps: by the key of the authorization server."""

    database: Database
    seals: Seals
    stamps: Stamps
    revoked: Revoked
    lifetimes: Lifetimes
    clock: Clock
    ids: Ids


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a grant: decided and sealed, and not taken yet. text: the refresh token that goes with it, or empty."""

    draft: Draft[Grant]
    event: Event
    text: str = field(default="", repr=False)

    @property
    def grant(self) -> Grant:
        """The grant after the step."""
        return self.draft.value


class Grants:
    """Keeps what signers allowed to clients."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def issue(self, new: NewGrant) -> str:
        """Write a new grant and return its code. Raises HsmUnavailable."""
        now = self._parts.clock.now()
        return await self._issue(await self._first("grant.issued", self._begun(new).issued(now)))

    async def issue_once(self, new: NewGrant, asked: str, until: datetime) -> str:
        """Write a new grant for what can be asked only once, and return its code: the same, while that is good.

        asked: what names it; until: how long it is known. Raises Conflict afterwards, Tampered, HsmUnavailable.
        """
        now = self._parts.clock.now()
        step = await self._first("grant.issued", self._begun(new).issued(now))
        async with self._parts.database.write() as connection:
            first = await once.use(connection, ASKED, asked, until)
            if first:
                await self.take(connection, step)
        given = [step.grant] if first else [one for one in await self.living(new.user_id) if one.is_of(new)]
        if not given:
            raise Conflict("it was allowed, and the code was used or is over")
        return await self._parts.stamps.write(CODE, given[0].id)

    async def begin(self, new: NewGrant) -> GrantId:
        """Write a new grant that waits for the phone: until `expires_at`. Raises HsmUnavailable."""
        step = await self._first("grant.begun", self._begun(new))
        await self._take_now(step)
        return step.grant.id

    async def issue_pending(self, id: GrantId) -> str:
        """Return the code of a grant that the phone has confirmed: the same each time, until it is redeemed.

        Raises NotFound, Conflict for a grant that is redeemed or over, Tampered, HsmUnavailable.
        """
        for _ in range(TRIES):
            known, now = await self._find(id), self._parts.clock.now()
            if not known.value.lives(now) or known.value.stage is Stage.REDEEMED:
                raise Conflict("the authorization was used, or is over")
            if known.value.stage is Stage.ISSUED:
                return await self._parts.stamps.write(CODE, id)
            try:
                return await self._issue(await self._next(known, "grant.issued", known.value.issued(now)))
            except Overtaken:
                continue
        raise Overtaken("too much happens to the authorization at once")

    async def redeeming(self, code: str, told: Redemption) -> Step:
        """Return the step by which a code is redeemed; `take` takes it.

        Raises InvalidGrant for anything else than a code that is good, in the right hands, with all that belongs to it:
        a right code that is not ends its grant, and a text that is no code of this server changes nothing. Raises
        HsmUnavailable.
        """
        known, _ = await self._named(CODE, code)
        grant, now = known.value, self._parts.clock.now()
        await self._require_good(grant, grant.misuse_of_code(told), told.client)
        redeemed = grant.redeemed(told, self._parts.lifetimes, now)
        return await self._next(known, "grant.redeemed", redeemed, told.client)

    async def refreshing(self, token: str, client: Client, jkt: str) -> Step:
        """Return the step by which a refresh token is used; `take` takes it. jkt: of the proven key, or empty.

        Raises InvalidGrant as `redeeming` does, HsmUnavailable.
        """
        known, number = await self._named(REFRESH, token)
        grant = known.value
        await self._require_good(grant, grant.misuse_of_refresh(number, client.id, jkt), client)
        return await self._next(known, "grant.refreshed", grant.refreshed(), client)

    async def given(self, new: NewGrant) -> Step:
        """Return the step by which a signer's password gives a token at once: there is neither code nor refresh token.

        Raises HsmUnavailable.
        """
        until = self._parts.clock.now() + self._parts.lifetimes.token
        return await self._first("grant.given", self._begun(new).spent(until))

    async def take(self, connection: AsyncConnection, step: Step) -> None:
        """Take a step in the caller's transaction. Raises Overtaken where another came first: decide again."""
        await self._parts.seals.write(connection, step.draft, step.event)

    async def end(self, id: GrantId, why: str, actor: str) -> None:
        """End a grant, with its refresh token and its access tokens; one that has ended stays as it is.

        why: up to 64 characters. Raises NotFound, Tampered, Overtaken, HsmUnavailable.
        """
        parts = self._parts
        for _ in range(TRIES):
            known = await self._find(id)
            if known.value.stage is Stage.ENDED:
                return
            try:
                await self._end(known, why, actor)
            except Overtaken:
                continue
            parts.revoked.note(id)
            return
        raise Overtaken("too much happens to the authorization at once")

    async def end_all_of(self, user_id: UserId, why: str, actor: str) -> None:
        """End all that a signer allowed. Raises as `end`."""
        for grant in await self.living(user_id):
            await self.end(grant.id, why, actor)

    async def end_all_between(self, user_id: UserId, client_id: ClientId, why: str, actor: str) -> None:
        """End all that a signer allowed a client. Raises as `end`."""
        for grant in await self.living(user_id):
            if grant.client_id == client_id:
                await self.end(grant.id, why, actor)

    async def end_all_of_client(self, client_id: ClientId, why: str, actor: str) -> None:
        """End all that signers allowed a client. Raises as `end`."""
        for grant in await self.living_of_client(client_id):
            await self.end(grant.id, why, actor)

    async def living(self, user_id: UserId) -> list[Grant]:
        """Return a signer's grants that are not over, oldest first. Raises Tampered, HsmUnavailable."""
        async with self._parts.database.read() as connection:
            stored = await store.living(connection, user_id, self._parts.clock.now())
        return [known.value for known in await self._parts.seals.prove_all(stored)]

    async def living_of_client(self, client_id: ClientId) -> list[Grant]:
        """Return the grants of a client that are not over, oldest first. Raises Tampered, HsmUnavailable."""
        async with self._parts.database.read() as connection:
            stored = await store.living_of_client(connection, client_id, self._parts.clock.now())
        return [known.value for known in await self._parts.seals.prove_all(stored)]

    async def get(self, id: GrantId) -> Grant:
        """Return a grant. Raises NotFound, Tampered, HsmUnavailable."""
        return (await self._find(id)).value

    def _begun(self, new: NewGrant) -> Grant:
        now = self._parts.clock.now()
        return Grant.begun(GrantId(self._parts.ids.new()), new, now)

    async def _first(self, kind: str, grant: Grant) -> Step:
        draft = await self._parts.seals.draft_new(GRANTS, row_of(grant))
        return Step(draft, Event(kind, grant.actor, draft.sealed.name, details=_told(grant)))

    async def _next(self, known: Sealed[Grant], kind: str, grant: Grant, client: Client | None = None) -> Step:
        """Seal the next step; client: who takes it, by default the signer."""
        actor = grant.actor if client is None else f"client:{client.id}"
        draft = await self._parts.seals.draft(known, grant)
        refreshes = client is not None and grant.generation > 0
        text = await self._parts.stamps.write(REFRESH, grant.id, grant.generation) if refreshes else ""
        return Step(draft, Event(kind, actor, known.name, details=_told(grant)), text)

    async def _issue(self, step: Step) -> str:
        code = await self._parts.stamps.write(CODE, step.grant.id)
        await self._take_now(step)
        return code

    async def _take_now(self, step: Step) -> None:
        async with self._parts.database.write() as connection:
            await self.take(connection, step)

    async def _end(self, known: Sealed[Grant], why: str, actor: str) -> None:
        parts, grant = self._parts, known.value
        draft = await parts.seals.draft(known, grant.ended(why))
        event = Event("grant.ended", actor, known.name, details={"why": why})
        async with parts.database.write() as connection:
            await parts.seals.write(connection, draft, event)
            await parts.revoked.add(connection, grant.id, parts.clock.now() + LONGEST_TOKEN)

    async def _named(self, label: str, text: str) -> tuple[Sealed[Grant], int | None]:
        """Return the grant that a code or token of this server names, and the number in it. Raises InvalidGrant."""
        try:
            stamped = Stamped(text)
        except BadRequest as fault:
            raise InvalidGrant(REFUSED) from fault
        if not await self._parts.stamps.is_right(label, stamped):
            raise InvalidGrant(REFUSED)
        try:
            return await self._find(GrantId(stamped.id)), stamped.number
        except (NotFound, Tampered) as fault:  # what was altered is an alarm, and looks like what is unknown
            raise InvalidGrant(REFUSED) from fault

    async def _require_good(self, grant: Grant, misuse: str, client: Client) -> None:
        """Raise InvalidGrant for a grant that is over, and for a misused one, which ends by it."""
        if grant.lives(self._parts.clock.now()):
            if not misuse:
                return
            await self.end(grant.id, misuse, f"client:{client.id}")
        raise InvalidGrant(REFUSED)

    async def _find(self, id: GrantId) -> Sealed[Grant]:
        async with self._parts.database.read() as connection:
            stored = await store.get(connection, id)
        return await self._parts.seals.prove(stored)


def _told(grant: Grant) -> dict[str, str]:
    """Return how the log tells of a grant."""
    return {"client": grant.client_id, "scope": " ".join(grant.scopes)}
