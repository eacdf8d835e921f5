"""An auditor who reads the whole log after each story: it must tell what the rows say, by legal steps only."""

import sqlalchemy as sa

from dss.audit.merkle import leaf_hash, root_of
from dss.audit.store import recorded
from dss.audit.tables import audit_events
from dss.credentials.tables import occurrences
from dss.infra.lease import leases
from dss.transactions.machine import STEPS, State
from dss.transactions.tables import entries, transactions
from dss.wiring import Services

STEP = {f"transaction.{state}": state for state in State}


async def audit_all(services: Services) -> None:
    """Check the log against itself, every transaction against its events, every signature against its occurrence."""
    await _audit_log(services)
    async with services.database.read() as connection:
        rows = list(await connection.execute(sa.select(transactions)))
        signed = list(await connection.execute(sa.select(entries).where(entries.c.signature.is_not(None))))
        spent = {(row.transaction_id, row.index): row for row in await connection.execute(sa.select(occurrences))}
    for row in rows:
        told_of = await services.audit.of_subject(f"transaction:{row.id}")
        events = [one for one in told_of if not one.event.kind.startswith("preparation.")]
        told = [STEP[recorded.event.kind] for recorded in events if recorded.event.kind in STEP]
        assert events[0].event.kind == "transaction.opened", row.id
        assert _ends_in(told) is _written(State(row.state)), f"{row.id} is {row.state}, its log says {told}"
        assert row.box is None or row.state in {State.CONFIRMED, State.SIGNING}, "a box outlived its transaction"
    for row in signed:
        assert spent[row.transaction_id, row.index].consumed_at is not None, "a signature without its occurrence"


async def _audit_log(services: Services) -> None:
    """Seal what waits, and compute the tree again from the events: the signed checkpoint must be over just these."""
    async with services.database.write() as connection:
        await connection.execute(sa.delete(leases))  # the node that held it may have been killed in the story
    await services.sealer.round()
    newest = await services.log.newest()
    async with services.database.read() as connection:
        rows = (await connection.execute(sa.select(audit_events).order_by(audit_events.c.leaf))).mappings()
        events = [recorded(row) for row in rows]
    assert newest is not None
    assert [event.leaf for event in events] == list(range(newest.head.size)), (
        "a leaf without an event, or an event twice"
    )
    hashes = [leaf_hash(event.entry()) for event in events]
    assert newest.head.root == root_of(hashes), "the checkpoint is not over the events"


def _ends_in(told: list[State]) -> State:
    """Walk the steps that the log tells; `signing` is a lease and leaves no event."""
    state = State.AWAITING
    for step in told:
        direct = step in STEPS[state]
        assert direct or (state is State.CONFIRMED and step in STEPS[State.SIGNING]), f"{state} cannot become {step}"
        state = step
    return state


def _written(state: State) -> State:
    return State.CONFIRMED if state is State.SIGNING else state
