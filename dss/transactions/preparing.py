"""The verb prepare: a wish for many documents becomes a transaction once all of them are ready.

Work is done in turns of some documents each, which come one after another and to all preparations in their order:
none keeps the others waiting, and a node that dies loses one turn.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome
from dss.infra.together import together
from dss.kernel.errors import BadDocument, Conflict, DssError, Overtaken, TooMany, Unavailable
from dss.kernel.ids import ClientId, DocumentId, TransactionId
from dss.transactions import entries, leasing, store
from dss.transactions import preparing_store as preparations
from dss.transactions.drafting import Drafting, Ready
from dss.transactions.machine import Late
from dss.transactions.model import Entry, Idempotency, OpenSigning, Transaction
from dss.transactions.opening import Grounds, Opening
from dss.transactions.parts import Parts, topic
from dss.transactions.preparation import MOST_AT_ONCE, Preparation, Stage, require_shown
from dss.transactions.working import work_on

log = structlog.get_logger(__name__)
PREPARE = "prepare"
TURN, AT_ONCE = 24, 2
RETRY, GIVE_UP = timedelta(seconds=5), timedelta(hours=24)


class Preparing:
    """Prepares documents beside the protocols, wherever a node left them."""

    def __init__(self, parts: Parts, drafting: Drafting, opening: Opening) -> None:
        self._parts = parts
        self._drafting = drafting
        self._opening = opening

    async def start(self, wish: OpenSigning) -> Preparation | Transaction:
        """Write a wish down; the phone is asked once the documents are ready.

        Returns what came of the same wish under the same key before. Raises NotFound, Conflict, Invalid, Forbidden,
        TooMany, IdempotencyConflict.
        """
        p, now = self._parts, self._parts.clock.now()
        require_shown(wish)
        await self._opening.documents(wish, await self._opening.grounds(wish))
        started = Preparation(TransactionId(p.ids.new()), wish, Stage.PREPARING, 0, now, now)
        details = {"items": str(started.count)}
        event = Event("preparation.started", f"client:{wish.client_id}", f"transaction:{started.id}", details=details)
        try:
            async with p.database.write() as connection:
                await _add(connection, started)
                await p.audit.record(connection, event)
        except (IntegrityError, Overtaken):
            if known := await self.known(wish.client_id, wish.idempotency):
                return known
            raise
        await p.bus.wake(PREPARE)
        return started

    async def known(self, client_id: ClientId, used: Idempotency | None) -> Preparation | Transaction | None:
        """Return what an idempotency key made. Raises IdempotencyConflict for another wish."""
        if used is None:
            return None
        # In this order: a preparation becomes a transaction, never the other way.
        async with self._parts.database.read() as connection:
            found = await preparations.by_idempotency(connection, client_id, used.key)
        if found is None:
            return await self._drafting.known(client_id, used)
        found.require_of(used)
        return found

    async def cancel(self, client_id: ClientId, id: TransactionId, actor: str = "") -> None:
        """Cancel a preparation; a second time changes nothing. Raises NotFound, Conflict.

        actor: who does it, if not the application.
        """
        p = self._parts
        async with p.database.write() as connection:
            current = await preparations.get(connection, client_id, id)
            if current.stage is Stage.CANCELLED:
                return
            current.require_going()
            await preparations.cancel(connection, id, p.clock.now())
            made = await entries.drop(connection, id)
            event = Event("preparation.cancelled", actor or f"client:{client_id}", f"transaction:{id}")
            await p.audit.record(connection, event)
        await self._drafting.discard(made)
        await p.bus.wake(topic(id))

    async def forget(self) -> int:
        """Delete preparations that came to nothing and whose time for collection has passed; return how many."""
        p = self._parts
        async with p.database.write() as connection:
            return await preparations.forget_ended(connection, p.clock.now() - p.limits.collect_within)

    async def run(self) -> None:
        """Work until cancelled."""
        await work_on(self._parts.bus, PREPARE, self.next)

    async def next(self) -> bool:
        """Take one turn at the preparation that has waited longest. Return False when there was none."""
        p, now = self._parts, self._parts.clock.now()
        async with p.database.write() as connection:
            held = await preparations.claim(connection, now, now + p.limits.lease)
        if held is None:
            return False
        try:
            async with leasing.renewed(p, partial(preparations.extend, held=held)):
                await self._turn(held)
        except Late:
            log.info("turn came too late", transaction=held.id)
        except (Unavailable, Overtaken, TooMany) as fault:
            await self._put_off(held, fault)
        except DssError as fault:
            await self._fail(held, fault.detail or fault.title)
        except Exception:
            log.exception("preparing failed", transaction=held.id)
            await self._fail(held, "the server failed")
        await p.bus.wake(topic(held.id))
        return True

    async def _turn(self, held: Preparation) -> None:
        require_shown(held.wish)
        left = held.wish.documents[held.prepared :]
        if left:
            grounds = await self._opening.grounds(held.wish)
            await self._opening.require_room(held.wish, grounds)
            await self._keep(held, await self._prepared(held, left[:TURN], grounds))
        else:
            await self._ask(held)

    async def _prepared(self, held: Preparation, documents: Sequence[DocumentId], grounds: Grounds) -> list[Entry]:
        numbered = enumerate(documents, held.prepared)
        return await together([partial(self._one, held.wish, index, id, grounds) for index, id in numbered], AT_ONCE)

    async def _one(self, wish: OpenSigning, index: int, id: DocumentId, grounds: Grounds) -> Entry:
        try:
            document = await self._parts.documents.get(wish.client_id, id)
            wish.require_meant(index, document.digest)
            return await self._opening.prepared(index, document, grounds.how)
        except (Unavailable, Conflict):
            raise
        except DssError as fault:
            raise BadDocument(f"documents[{index}]: {fault.detail or fault.title}") from fault

    async def _keep(self, held: Preparation, made: Sequence[Entry]) -> None:
        """Write what one turn prepared. What a late turn made is deleted with other files that no row names."""
        p = self._parts
        async with p.database.write() as connection:
            await preparations.advance(connection, held, len(made), p.clock.now())
            await entries.add(connection, held.id, made)

    async def _ask(self, held: Preparation) -> None:
        """Ask the signer, by the policies that hold now."""
        async with self._parts.database.read() as connection:
            made = await entries.of(connection, held.id)
        ready = Ready(held.id, lambda connection: preparations.give_way(connection, held))
        grounds = await self._opening.grounds(held.wish)
        asked = await self._opening.ask(held.wish, grounds, made, ready)
        if asked.id != held.id:
            raise Conflict("its Idempotency-Key made another signature")

    async def _put_off(self, held: Preparation, fault: DssError) -> None:
        p, now = self._parts, self._parts.clock.now()
        if now > held.asked_at + GIVE_UP:
            await self._fail(held, fault.detail or fault.title)
            return
        log.warning("preparing put off", transaction=held.id, error_code=fault.code)
        pause = timedelta(seconds=fault.retry_after or RETRY.total_seconds())
        with suppress(Late):
            async with p.database.write() as connection:
                await preparations.put_off(connection, held, now + pause)

    async def _fail(self, held: Preparation, why: str) -> None:
        p = self._parts
        event = Event("preparation.failed", "server", f"transaction:{held.id}", Outcome.FAILED, {"why": why})
        try:
            async with p.database.write() as connection:
                await preparations.fail(connection, held, why, p.clock.now())
                made = await entries.drop(connection, held.id)
                await p.audit.record(connection, event)
        except Late:
            return
        await self._drafting.discard(made)


async def _add(connection: AsyncConnection, started: Preparation) -> None:
    """Write a preparation. Raises TooMany, sqlalchemy's IntegrityError or Overtaken where its key was used."""
    wish = started.wish
    await preparations.take_turn(connection, wish.client_id)
    if await preparations.count_going(connection, wish.client_id) >= MOST_AT_ONCE:
        told = f"{MOST_AT_ONCE} signatures of this application are being prepared, and no more may"
        raise TooMany(told, retry_after=10)
    await preparations.add(connection, started)
    # After the row is written: whoever becomes a transaction under the same key has done so by then.
    if wish.idempotency and await store.by_idempotency(connection, wish.client_id, wish.idempotency):
        raise Overtaken("the Idempotency-Key was used meanwhile")
