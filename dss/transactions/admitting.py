"""Whether a request may be opened now: under a lock on the person, so that many at once are counted exactly.

A request that is refused leaves no transaction and wakes no phone; the log tells of it, once a minute for each reason.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome
from dss.audit.seals import Sealed
from dss.audit.tables import REFUSED
from dss.infra import once
from dss.kernel.errors import Conflict, DssError, Forbidden, Overtaken, Tampered, TooMany
from dss.kernel.ids import DeviceId, UserId
from dss.transactions import asking_store, store
from dss.transactions.asking import COLLIDED, COLLISION, Block, Collision, Full, Pair, full
from dss.transactions.model import Reach
from dss.transactions.parts import WAITING, Parts
from dss.transactions.plans import Ends, Plans

OWN_WAITING = 10
TOLD_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks whom.

    actor:    as the audit log names who asks. pair: where a relying application does.
    phone_id: the person's phone, where it asks for itself. reach: who comes to know of what is asked.
    signs_in: whether it is about a sign-in: behind it may be somebody who knows the password.
    """

    user_id: UserId
    actor: str
    pair: Pair | None = None
    phone_id: DeviceId | None = None
    reach: Reach = Reach.PHONES
    signs_in: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing is opened: the error for who asks, and the topics of what ended by it."""

    error: DssError
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A refusal that is not written yet; why: a word for the log. ends: what ends with it."""

    why: str
    error: DssError
    ends: Ends | None = None

    @classmethod
    def of(cls, reached: Full, now: datetime) -> Self:
        """Return the refusal of a limit that is reached."""
        return cls(reached.why, TooMany(reached.sentence, retry_after=reached.seconds(now), audited=True))


class Admitting:
    """Refuses what a person should not be bothered with."""

    def __init__(self, parts: Parts, plans: Plans) -> None:
        self._parts = parts
        self._plans = plans

    async def look(self, asker: Asker) -> Sealed[Block] | None:
        """Look before anything is made for a request; return the block of the pair, which does not stand.

        Raises as `admit` refuses: Forbidden, TooMany, Conflict; and Tampered, HsmUnavailable.
        """
        p = self._parts
        known = None if asker.pair is None else await block_of(p, asker.pair)
        async with p.database.read() as connection:
            likely = await self._refusal(connection, asker, known)
        if likely is None:
            return known
        async with p.database.write() as connection:
            refused = await self.admit(connection, asker, known)
        if refused is not None:
            await p.bus.wake(*refused.topics)
            raise refused.error
        return known

    async def require_room(self, asker: Asker) -> None:
        """Raise what would be refused by block or limits, before work is done for it: Forbidden, TooMany; as `look`.

        Another application's request that stands in the way is none of it: it may be over by then.
        """
        p = self._parts
        known = None if asker.pair is None else await block_of(p, asker.pair)
        async with p.database.read() as connection:
            refusal = await self._limit(connection, asker, known)
        if refusal is None:
            return
        async with p.database.write() as connection:
            await self._tell(connection, asker, refusal.why)
        raise refusal.error

    async def admit(self, connection: AsyncConnection, asker: Asker, known: Sealed[Block] | None) -> Refused | None:
        """Return None where a request may be opened in the caller's transaction; a refusal is written there.

        known: what `look` returned. Raises Overtaken when the pair was blocked meanwhile.
        """
        await asking_store.take_turn(connection, asker.user_id)
        refusal = await self._refusal(connection, asker, known)
        if refusal is None:
            return None
        topics = [] if refusal.ends is None else await self._plans.end(connection, refusal.ends, asker.actor)
        await self._tell(connection, asker, refusal.why)
        return Refused(refusal.error, tuple(topics))

    async def _refusal(self, connection: AsyncConnection, asker: Asker, known: Sealed[Block] | None) -> _Refusal | None:
        refusal = await self._limit(connection, asker, known)
        if refusal is None and asker.pair is not None:
            refusal = await self._collision(connection, asker.pair)
        return refusal

    async def _limit(self, connection: AsyncConnection, asker: Asker, known: Sealed[Block] | None) -> _Refusal | None:
        if asker.pair is not None:
            await self._require_same(connection, asker.pair, known)
            if known is not None and known.value.stands:
                sentence = "the signer takes no requests of this application"
                return _Refusal("blocked", Forbidden(sentence, audited=True))
        refusal = await self._no_room(connection, asker)
        if refusal is None and asker.pair is not None:
            refusal = await self._too_much(connection, asker.pair)
        if refusal is None and asker.signs_in:
            refusal = await self._too_many_logins(connection, asker.user_id)
        return refusal

    async def _require_same(self, connection: AsyncConnection, pair: Pair, known: Sealed[Block] | None) -> None:
        if known is not None:
            await self._parts.seals.require_unchanged(connection, known)
        elif await asking_store.has_block(connection, pair):
            raise Overtaken("another change came first; try again")

    async def _no_room(self, connection: AsyncConnection, asker: Asker) -> _Refusal | None:
        """Refuse when as much waits as may: a phone that opens changes leaves room for applications.

        What only a scan shows takes no room from what phones are told of.
        """
        now = self._parts.clock.now()
        if await store.count_awaiting(connection, asker.user_id, asker.reach, now) >= WAITING:
            told = f"{WAITING} transactions wait for this signer's answer, and no more may"
        elif asker.phone_id and await store.count_own(connection, asker.phone_id, now) >= OWN_WAITING:
            told = f"{OWN_WAITING} changes wait for this phone's answer, and no more may"
        else:
            return None
        return _Refusal("no room", TooMany(told, retry_after=60, audited=True))

    async def _too_much(self, connection: AsyncConnection, pair: Pair) -> _Refusal | None:
        limits, now = self._parts.limits.asking, self._parts.clock.now()
        reached = full(limits, await asking_store.facts(connection, pair, limits, now), now)
        return None if reached is None else _Refusal.of(reached, now)

    async def _too_many_logins(self, connection: AsyncConnection, user_id: UserId) -> _Refusal | None:
        limits, now = self._parts.limits.asking.of_logins, self._parts.clock.now()
        facts = await asking_store.facts_of_logins(connection, user_id, limits, now)
        reached = full(limits, facts, now, "requests to sign in")
        return None if reached is None else _Refusal.of(reached, now)

    async def _collision(self, connection: AsyncConnection, pair: Pair) -> _Refusal | None:
        """Refuse what comes while another application waits for the same person, where that is the policy."""
        policy = self._parts.limits.asking.on_collision
        if policy is Collision.ALLOW:
            return None
        others = asking_store.colliding(pair, self._parts.clock.now())
        if not await asking_store.any_of(connection, others):
            return None
        error = Conflict("the signer is being asked by another application at this time", audited=True)
        return _Refusal(COLLISION, error, _all(others) if policy is Collision.CANCEL else None)

    async def _tell(self, connection: AsyncConnection, asker: Asker, why: str) -> None:
        """Write that a request was refused, unless it was written within the minute: nobody may flood the log.

        Each collision is written, as it counts towards the limits; and so they end.
        """
        now = self._parts.clock.now()
        minute = int(now.timestamp()) // int(TOLD_EVERY.total_seconds())
        key = f"{asker.actor}/{asker.user_id}/{why}/{minute}"
        if why == COLLISION or await once.use(connection, "refused", key, now + TOLD_EVERY):
            event = Event(REFUSED, asker.actor, f"user:{asker.user_id}", Outcome.REFUSED, {"why": why})
            await self._parts.audit.record(connection, event)


async def block_of(parts: Parts, pair: Pair) -> Sealed[Block] | None:
    """Return the block of a pair, lifted or not, if there ever was one.

    Raises Tampered, also where the log tells of one and the row is gone; HsmUnavailable.
    """
    async with parts.database.read() as connection:
        stored = await asking_store.block_of(connection, pair)
        gone = stored is None and await asking_store.was_blocked(connection, pair)
    if gone:
        await parts.audit.alarm(f"block:{pair.key}", "the log tells of the block, and the row is gone")
        raise Tampered("a stored record is gone; the operators are told", audited=True)
    return None if stored is None else await parts.seals.prove(stored)


def _all(others: sa.ColumnElement[bool]) -> Ends:
    return Ends(COLLIDED, which=others)
