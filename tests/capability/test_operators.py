"""Two operators by policy: nobody agrees with themselves, and an agreement is good once, on both databases."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from dss.audit.seals import Seals
from dss.audit.service import Audit
from dss.hsm.servicekeys import KeyName
from dss.infra.db import Database
from dss.kernel.errors import Conflict, Tampered
from dss.kernel.ids import Ids
from dss.operators.model import Proposal
from dss.operators.service import Approvals
from dss.operators.tables import proposals
from tests.world.clock import START, HandClock
from tests.world.servicekeys import SoftwareServiceKeys

RESUME = ("resume", "credential:01KAJ9T8VX3N5Q7R9S1T2V4W6Y")
ANN, BEN, CAL = "operator:ann", "operator:ben", "operator:client:01KAJ9T8VX3N5Q7R9S1T2V4W6Z"
DAY_S = 24 * 3600
TRIES = 20


class Held(SoftwareServiceKeys):
    """Lets its next HMACs wait for one another: whoever asks for one has read what it is to decide on."""

    def __init__(self) -> None:
        super().__init__()
        self._awaited = 0
        self._all_here = asyncio.Event()

    def hold(self, count: int) -> None:
        """Let so many wait for one another."""
        self._awaited = count
        self._all_here.clear()

    async def hmac(self, name: KeyName, data: bytes) -> bytes:
        if self._awaited:
            self._awaited -= 1
            if not self._awaited:
                self._all_here.set()
            await self._all_here.wait()
        return await super().hmac(name, data)


@pytest.fixture
def keys() -> Held:
    return Held()


@pytest.fixture
def approvals(database: Database, keys: Held, audit: Audit, clock: HandClock, ids: Ids) -> Approvals:
    return Approvals(database, Seals(keys, audit), clock, ids, two=True)


async def proposed(approvals: Approvals, actor: str = ANN) -> Proposal:
    proposal = await approvals.second(*RESUME, actor)
    assert proposal is not None
    assert proposal.proposed_by == actor
    return proposal


async def kinds(audit: Audit, subject: str = RESUME[1]) -> list[str]:
    return [recorded.event.kind for recorded in await audit.of_subject(subject)]


async def edit(database: Database, **values: object) -> None:
    async with database.write() as connection:
        await connection.execute(sa.update(proposals).values(**values))


async def test_without_the_policy_one_operator_is_enough(
    database: Database, keys: Held, audit: Audit, clock: HandClock, ids: Ids
) -> None:
    alone = Approvals(database, Seals(keys, audit), clock, ids, two=False)

    assert await alone.second(*RESUME, ANN) is None
    assert (await alone.list_open(), await kinds(audit)) == ([], [])


async def test_the_first_operator_proposes_and_the_second_acts(approvals: Approvals, audit: Audit) -> None:
    proposal = await proposed(approvals)
    assert (proposal.action, proposal.subject) == RESUME
    assert (proposal.proposed_at, proposal.expires_at) == (START, START + timedelta(hours=24))
    assert await approvals.list_open() == [proposal]

    assert await approvals.second(*RESUME, BEN) is None

    assert await approvals.list_open() == []
    made, approved = [one.event for one in await audit.of_subject(RESUME[1])]
    told = {"action": "resume", "proposal": proposal.id}
    assert (made.kind, made.actor, made.details) == ("proposal.made", ANN, told)
    assert (approved.kind, approved.actor, approved.details) == ("proposal.approved", BEN, told | {"proposed_by": ANN})


async def test_an_operator_never_agrees_with_themselves(approvals: Approvals, audit: Audit) -> None:
    proposal = await proposed(approvals)

    assert [await approvals.second(*RESUME, ANN) for _ in range(3)] == [proposal] * 3
    assert await kinds(audit) == ["proposal.made"]


async def test_an_agreement_is_good_for_one_act(approvals: Approvals) -> None:
    await proposed(approvals)
    assert await approvals.second(*RESUME, BEN) is None

    again = await proposed(approvals, BEN)

    assert await approvals.list_open() == [again]
    assert await approvals.second(*RESUME, ANN) is None


@pytest.mark.parametrize("other", [("resume", "credential:01KAJ9T8VX3N5Q7R9S1T2V4W70"), ("unlock", RESUME[1])])
async def test_a_proposal_is_for_its_own_action_and_subject(approvals: Approvals, other: tuple[str, str]) -> None:
    await proposed(approvals)

    assert await approvals.second(*other, BEN) is not None
    assert len(await approvals.list_open()) == 2


async def test_a_proposal_is_open_for_a_day(approvals: Approvals, clock: HandClock) -> None:
    await proposed(approvals)
    clock.move(DAY_S - 1)

    assert await approvals.second(*RESUME, BEN) is None


async def test_an_expired_proposal_is_agreed_with_by_nobody(approvals: Approvals, clock: HandClock) -> None:
    first = await proposed(approvals)
    clock.move(DAY_S)
    assert await approvals.list_open() == []

    late = await proposed(approvals, BEN)

    assert late.expires_at == first.expires_at + timedelta(hours=24)
    assert await approvals.second(*RESUME, ANN) is None


async def test_of_twenty_operators_who_agree_at_the_same_moment_exactly_one_acts(
    approvals: Approvals, keys: Held, audit: Audit
) -> None:
    await proposed(approvals)
    keys.hold(TRIES)

    outcomes = await asyncio.gather(
        *(approvals.second(*RESUME, f"operator:{n}") for n in range(TRIES)), return_exceptions=True
    )

    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == TRIES - 1
    assert await kinds(audit) == ["proposal.made", "proposal.approved"]


async def test_an_operator_who_agrees_twenty_times_at_once_acts_once(approvals: Approvals, audit: Audit) -> None:
    await proposed(approvals)

    outcomes = await asyncio.gather(*(approvals.second(*RESUME, BEN) for _ in range(TRIES)), return_exceptions=True)

    assert outcomes.count(None) == 1
    assert (await kinds(audit)).count("proposal.approved") == 1


async def test_two_operators_who_propose_at_the_same_moment_have_agreed(
    approvals: Approvals, keys: Held, audit: Audit
) -> None:
    keys.hold(2)

    outcomes = await asyncio.gather(*(approvals.second(*RESUME, actor) for actor in (ANN, BEN)))

    assert {type(outcome) for outcome in outcomes} == {Proposal, type(None)}
    assert await kinds(audit) == ["proposal.made", "proposal.approved"]


@pytest.mark.parametrize(
    "edited",
    [
        {"proposed_by": CAL},
        {"expires_at": START + timedelta(days=30)},
        {"proposed_at": START - timedelta(days=1)},
        {"approved_by": None, "version": 7},
        {"seal": None},
        {"seal": bytes(32)},
    ],
    ids=lambda edited: next(iter(edited)),
)
async def test_an_edited_proposal_is_an_alarm_and_agreed_with_by_nobody(
    database: Database, approvals: Approvals, audit: Audit, edited: dict[str, object]
) -> None:
    """T18, T59: who writes to the database makes no second operator."""
    proposal = await proposed(approvals)
    await edit(database, **edited)

    for actor in (ANN, BEN):
        with pytest.raises(Tampered):
            await approvals.second(*RESUME, actor)
    with pytest.raises(Tampered):
        await approvals.list_open()

    assert await kinds(audit) == ["proposal.made"]
    assert set(await kinds(audit, f"proposal:{proposal.id}")) == {"alarm.seal_broken"}


async def test_a_proposal_of_another_action_cannot_be_turned_into_this_one(
    database: Database, approvals: Approvals
) -> None:
    await approvals.second("unlock", RESUME[1], ANN)
    await edit(database, action="resume")

    with pytest.raises(Tampered):
        await approvals.second(*RESUME, BEN)


async def test_a_proposal_that_nobody_made_is_an_alarm(
    database: Database, approvals: Approvals, ids: Ids, audit: Audit
) -> None:
    forged = Proposal.made(ids.new(), *RESUME, ANN, START)  # type: ignore[arg-type]
    row = {name: getattr(forged, name) for name in ("id", "action", "subject", "proposed_by")}
    times = {"proposed_at": forged.proposed_at, "expires_at": forged.expires_at}
    async with database.write() as connection:
        await connection.execute(sa.insert(proposals).values(**row, **times, version=1, seal=bytes(32)))

    with pytest.raises(Tampered):
        await approvals.second(*RESUME, BEN)
    assert await kinds(audit, f"proposal:{forged.id}") == ["alarm.seal_broken"]


async def test_a_proposal_that_was_used_cannot_be_put_back(database: Database, approvals: Approvals) -> None:
    """Its seal was right once, but the log knows a newer one."""
    await proposed(approvals)
    async with database.read() as connection:
        old = dict((await connection.execute(sa.select(proposals))).mappings().one())
    assert await approvals.second(*RESUME, BEN) is None
    await edit(database, **old)

    with pytest.raises(Tampered):
        await approvals.second(*RESUME, BEN)
