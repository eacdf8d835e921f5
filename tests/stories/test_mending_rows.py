"""What an operator ends beside phones and keys, what is refused, and how one looks for rows that do not prove. T18."""

import asyncio
from datetime import timedelta

import pytest

from dss.audit.tables import audit_events
from dss.credentials.registers import ACTIVATIONS
from dss.credentials.tables import activations, credentials
from dss.devices.tables import box_keys, enrolments, shares
from dss.kernel.errors import Conflict, Invalid, NotFound, Tampered
from dss.kernel.ids import CredentialId, DeviceId, Ids
from dss.operators.service import Approvals
from dss.operators.tables import proposals
from dss.transactions.mending import Finding, Mending
from dss.transactions.plans import Plans
from dss.users.tables import users
from dss.wiring.kinds import KINDS
from tests.stories.robbery import Robbery, robbed, robbed_on_each_database
from tests.stories.test_mending import REQUESTS, an_unsealed_phone, in_order, phone
from tests.world.world import OPERATOR, PIN

__all__ = ["robbed", "robbed_on_each_database"]


def mending_by_two(stage: Robbery) -> Mending:
    """The verbs as they are where two operators are the policy."""
    s, parts = stage.world.services, stage.world.services.mending._parts
    approvals = Approvals(s.database, s.seals, s.clock, Ids(s.clock), two=True)
    return Mending(parts, Plans(parts), approvals, s.tokens.service, KINDS)


# --- the other kinds ---


async def test_an_enrolment_that_cannot_be_proven_is_dead(robbed: Robbery) -> None:
    await robbed.world.invite(robbed.alice.user)
    id = (await robbed.intruder.rows(enrolments))[-1]["id"]
    await robbed.intruder.edit(enrolments, id, attempts=-100)

    await robbed.world.services.mending.end("enrolment", id, OPERATOR)

    row = await robbed.intruder.row(enrolments, id)
    assert (row["state"], row["sealed_secret"], await in_order(robbed)) == ("dead", None, True)


async def test_a_box_key_that_cannot_be_proven_is_destroyed_in_the_hsm_too(robbed: Robbery) -> None:
    await robbed.open()
    id = (await robbed.intruder.rows(box_keys))[-1]["id"]
    await robbed.intruder.edit(box_keys, id, superseded_at=robbed.world.clock.now() + timedelta(days=9))
    service = robbed.world.services.tokens.service
    assert id in await service.box_key_ids()

    await robbed.world.services.mending.end("box_key", id, OPERATOR)

    row = await robbed.intruder.row(box_keys, id)
    assert (row["destroyed_at"], row["slot"]) == (robbed.world.clock.now(), None)
    assert id not in await service.box_key_ids()
    assert await in_order(robbed)
    later = await robbed.confirmed()
    await robbed.world.settle()
    assert await robbed.end(later) == ("signed", "")


async def test_a_share_that_cannot_be_proven_is_stopped(robbed: Robbery) -> None:
    second = await robbed.second_phone()
    id = await robbed.alice.phone.share(await second.share_code())
    await robbed.alice.phone.confirm(await robbed.alice.phone.show(id), PIN)
    await robbed.world.settle()
    await robbed.intruder.edit(shares, id, request_jws="another")

    await robbed.world.services.mending.end("share", id, OPERATOR)

    row = await robbed.intruder.row(shares, id)
    assert (row["state"], row["jwe"], await in_order(robbed)) == ("stopped", None, True)
    assert await second.take_shares() == []


async def test_a_confirmation_that_cannot_be_proven_is_spent(robbed: Robbery) -> None:
    id = await robbed.confirmed()
    await robbed.intruder.edit(activations, id, lease=-7)

    await robbed.world.services.mending.end("activation", id, OPERATOR)
    await robbed.world.settle()

    row = await robbed.intruder.row(activations, id)
    assert (row["consumed_at"], (await robbed.end(id))[0]) == (robbed.world.clock.now(), "failed")
    assert (await in_order(robbed), len(robbed.used)) == (True, REQUESTS)


async def test_a_proposal_that_cannot_be_proven_is_used_up_and_made_anew(robbed: Robbery) -> None:
    s = robbed.world.services
    approvals = Approvals(s.database, s.seals, s.clock, Ids(s.clock), two=True)
    await approvals.second("device.unlock.pin", "device:1", "operator:one")
    (row,) = await robbed.intruder.rows(proposals)
    await robbed.intruder.edit(proposals, row["id"], proposed_by="operator:nobody")

    await s.mending.end("proposal", row["id"], OPERATOR)

    assert await in_order(robbed)
    assert await approvals.list_open() == []
    assert await approvals.second("device.unlock.pin", "device:1", "operator:two") is not None
    assert await approvals.second("device.unlock.pin", "device:1", "operator:one") is None


# --- what is refused ---


async def test_a_row_that_proves_is_not_ended(robbed: Robbery) -> None:
    mending = robbed.world.services.mending
    for kind, id in (("device", phone(robbed)), ("credential", robbed.alice.credential_id)):
        with pytest.raises(Conflict, match="in order"):
            await mending.end(kind, id, OPERATOR)
    assert await robbed.world.services.approvals.list_open() == []


async def test_a_person_is_not_ended_and_is_believed_again_once_the_row_is_restored(robbed: Robbery) -> None:
    id, mending = robbed.alice.user.id, robbed.world.services.mending
    before = await robbed.intruder.row(users, id)
    await robbed.intruder.edit(users, id, surname="Mallory")

    assert await mending.check() == [Finding("user", id, "the row does not fit its seal")]
    with pytest.raises(Conflict, match="from a backup"):
        await mending.end("user", id, OPERATOR)

    await robbed.intruder.edit(users, id, **before)
    assert await in_order(robbed)


async def test_what_is_not_there_is_not_ended(robbed: Robbery) -> None:
    mending = robbed.world.services.mending
    with pytest.raises(Invalid, match="device, enrolment"):
        await mending.end("transaction", "1", OPERATOR)
    with pytest.raises(NotFound):
        await mending.end("device", "1", OPERATOR)


async def test_a_row_that_says_what_cannot_be_read_is_left_to_a_backup(robbed: Robbery) -> None:
    """Were it sealed, whoever lists it would fail."""
    id = robbed.alice.credential_id
    await robbed.intruder.edit(credentials, id, key_spec="P-0")
    with pytest.raises(Conflict, match="from a backup"):
        await robbed.world.services.mending.end("credential", id, OPERATOR)


# --- two operators ---


async def test_where_two_operators_are_the_policy_the_second_ends_a_row(robbed: Robbery) -> None:
    id, mending = await an_unsealed_phone(robbed), mending_by_two(robbed)

    for _ in range(2):
        proposal = await mending.end("device", id, "operator:one")
        assert proposal is not None
        assert (proposal.action, proposal.subject) == ("row.end", f"device:{id}")
    with pytest.raises(Tampered):
        await robbed.world.services.devices.get(DeviceId(id))

    assert await mending.end("device", id, "operator:two") is None
    assert (await robbed.world.services.devices.get(DeviceId(id))).is_removed


# --- with an event put into the log ---


async def test_an_event_that_is_put_into_the_log_makes_no_older_row_the_newest_and_the_end_goes_above_it(
    robbed: Robbery,
) -> None:
    id = robbed.alice.credential_id
    older = await robbed.intruder.row(credentials, id)
    await robbed.world.services.keys.suspend(CredentialId(id), OPERATOR)
    *_, event = await robbed.intruder.rows(audit_events)
    forged = {"id": f"{event['id'][:-1]}~", "sealed_row": f"credential:{id}", "sealed_version": 1000}
    await robbed.intruder.add(audit_events, event | forged | {"seal": older["seal"]})
    await robbed.intruder.edit(credentials, id, **older)

    assert await robbed.world.services.mending.check() == [
        Finding("credential", id, "the row is not the newest that the log knows")
    ]
    await robbed.world.services.mending.end("credential", id, OPERATOR)

    assert await in_order(robbed)
    assert (await robbed.intruder.row(credentials, id))["version"] == 1001


# --- two at a time ---


async def test_of_two_who_end_a_row_at_once_one_does(robbed_on_each_database: Robbery) -> None:
    stage, id = robbed_on_each_database, robbed_on_each_database.alice.credential_id
    await stage.intruder.edit(credentials, id, subject="CN=Mallory")
    end = stage.world.services.mending.end

    done = await asyncio.gather(*(end("credential", id, OPERATOR) for _ in range(2)), return_exceptions=True)

    assert [type(one) for one in done if one is not None] == [Conflict]
    assert (await stage.world.tells(f"credential:{id}")).count("row.ended") == 1
    assert await in_order(stage)


# --- looking ---


async def test_a_look_finds_every_row_that_does_not_prove_and_tells_no_alarm(
    robbed_on_each_database: Robbery, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = robbed_on_each_database
    monkeypatch.setattr("dss.transactions.mending.PAGE", 1)
    id = await stage.confirmed()
    await stage.confirmed()
    assert await in_order(stage)
    before = await stage.intruder.rows(audit_events)
    await stage.intruder.edit(activations, id, lease=-7)
    await stage.intruder.edit(credentials, stage.alice.credential_id, seal=None)
    await stage.intruder.cut_log("device", phone(stage), after=0)

    found = {finding.kind: (finding.id, finding.why) for finding in await stage.world.services.mending.check()}

    assert found == {
        "device": (phone(stage), "the row is not the newest that the log knows"),
        "credential": (stage.alice.credential_id, "the row has no seal"),
        ACTIVATIONS.kind: (id, "the row does not fit its seal"),
    }
    kinds = [row["kind"] for row in await stage.intruder.rows(audit_events)]
    assert (len(kinds) < len(before), "alarm.seal_broken" in kinds) == (True, False)


async def test_the_alarm_of_a_row_that_never_had_a_seal_names_the_remedy(robbed: Robbery) -> None:
    id = await an_unsealed_phone(robbed)
    await robbed.intruder.cut_log("device", id, after=0)
    with pytest.raises(Tampered):
        await robbed.world.services.devices.get(DeviceId(id))
    *_, alarm = await robbed.world.services.audit.newest(100, "alarm.")
    assert "dss audit adopt" in alarm.event.details["why"]
