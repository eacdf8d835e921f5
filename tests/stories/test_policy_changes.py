"""Stories of policies that change: by operators, under ceilings, and by hands that are found."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from dss.audit.seals import LABEL
from dss.clients.tables import client_policies
from dss.credentials.tables import credentials
from dss.hsm.servicekeys import KeyName
from dss.kernel import b64, canonical
from dss.kernel.errors import Invalid, Tampered
from dss.kernel.ids import ClientId, CredentialId
from dss.kernel.policy import NO_SESSION, SAYS_NOTHING, Bounds, Policy
from dss.operators.model import Proposal
from dss.transactions.policies import effective
from dss.wiring import opened
from tests.stories.test_policies import CHOOSE, COMPARE, ask, bank, modes, of_application, of_key
from tests.world.intruder import Intruder
from tests.world.owners import Owner, alice, street
from tests.world.world import OPERATOR, Application

__all__ = ["alice", "bank", "street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("how", ["edited", "deleted", "rolled back", "unsealed"])
async def test_t29_an_applications_policy_that_was_changed_by_hand_is_found(
    alice: Owner, bank: Application, how: str
) -> None:
    intruder = Intruder(alice.world.services.database)
    await of_application(alice, bank, COMPARE)
    old = await intruder.row(client_policies, bank.id)
    await of_application(alice, bank, CHOOSE)
    if how == "deleted":
        await intruder.delete(client_policies, bank.id)
    else:
        changes = {"edited": {"policy": {}}, "rolled back": old, "unsealed": {"policy": {}, "seal": None}}
        await intruder.edit(client_policies, bank.id, **changes[how])

    refused = await ask(bank, alice, status=423)
    assert refused["type"] == "urn:dss:error:tampered"
    assert "alarm.seal_broken" in await alice.world.tells(f"client_policy:{bank.id}")
    with pytest.raises(Tampered):
        await of_application(alice, bank, SAYS_NOTHING)
    report = await alice.world.services.auditing.verify()
    named = {finding.where for finding in report.findings}
    assert how == "edited" or f"client_policy:{bank.id}" in named


async def test_t29_a_keys_policy_that_was_changed_by_hand_is_found(alice: Owner, bank: Application) -> None:
    await of_key(alice, CHOOSE)
    await Intruder(alice.world.services.database).edit(credentials, alice.credential_id, policy=None)
    refused = await ask(bank, alice, status=423)
    assert refused["type"] == "urn:dss:error:tampered"


async def test_t29_a_broken_policy_is_ended_as_the_strictest(alice: Owner, bank: Application) -> None:
    await of_application(alice, bank, COMPARE)
    await Intruder(alice.world.services.database).edit(client_policies, bank.id, policy={})
    await alice.world.services.mending.end("client_policy", bank.id, OPERATOR)
    told = await ask(bank, alice)
    assert told["verification"]["mode"] == "choose"
    await of_application(alice, bank, SAYS_NOTHING)
    assert await modes(bank, alice, "none") == ["none"]


async def test_t29_every_change_is_told_with_old_and_new(alice: Owner, bank: Application) -> None:
    await of_application(alice, bank, COMPARE)
    await of_application(alice, bank, CHOOSE)
    await of_key(alice, CHOOSE)
    s = alice.world.services
    for subject in (f"client:{bank.id}", f"credential:{alice.credential_id}"):
        event = (await s.audit.of_subject(subject))[-1].event
        assert event.kind.endswith(".policy_changed")
        assert (event.actor, event.details["new"]) == (OPERATOR, '{"verification":{"sign":"choose"}}')
    told = [one.event.details for one in await s.audit.of_subject(f"client:{bank.id}")]
    assert told[-1]["old"] == '{"verification":{"sign":"compare"}}'


async def test_t29_two_operators_weaken_a_policy_and_one_strengthens_it(alice: Owner, bank: Application) -> None:
    settings = replace(alice.world.services.settings, two_operators=True)
    async with opened(settings, alice.world.clock) as services:
        changes = (
            lambda policy, who: services.policies.change_client(ClientId(bank.id), policy, f"operator:{who}"),
            lambda policy, who: services.policies.change_credential(
                CredentialId(alice.credential_id), policy, f"operator:{who}"
            ),
        )
        for change in changes:
            assert await change(CHOOSE, "one") == CHOOSE
            assert isinstance(await change(COMPARE, "one"), Proposal)
            assert isinstance(await change(COMPARE, "one"), Proposal)
            assert isinstance(await change(SAYS_NOTHING, "two"), Proposal), "another policy is another proposal"
            assert await change(COMPARE, "two") == COMPARE
        assert isinstance(await changes[1](replace(COMPARE, session=Bounds(1, 1)), "one"), Proposal)
        assert await changes[0](replace(COMPARE, session=NO_SESSION), "one") != COMPARE
    assert await modes(bank, alice, "none") == ["compare"]


@pytest.mark.parametrize("bounds", [Bounds(101, 1), Bounds(1, 61)], ids=repr)
async def test_t36_no_policy_above_the_ceiling_is_set(alice: Owner, bank: Application, bounds: Bounds) -> None:
    for attempt in (of_application(alice, bank, Policy(session=bounds)), of_key(alice, Policy(session=bounds))):
        with pytest.raises(Invalid, match="at most 100 signatures within 60 minutes"):
            await attempt


async def test_t36_a_policy_above_a_ceiling_that_was_lowered_is_read_as_the_ceiling(alice: Owner) -> None:
    await of_key(alice, Policy(session=Bounds(100, 60)))
    settings = replace(alice.world.services.settings, session_ceiling=Bounds(5, 10))
    async with opened(settings, alice.world.clock) as services:
        key = await services.credentials.get(CredentialId(alice.credential_id))
        assert key.policy.session == Bounds(100, 60)
        assert (await effective(services.opening._parts, None, key.policy)).session == Bounds(5, 10)


async def test_t36_an_application_has_no_session_that_the_keys_policy_does_not_allow(
    alice: Owner, bank: Application
) -> None:
    await of_application(alice, bank, Policy(session=Bounds(100, 60)))
    wish = {"credential_id": alice.credential_id, "signatures": 2, "minutes": 5}
    refused = await bank.post("/v1/sessions", wish, status=409)
    assert refused["type"] == "urn:dss:error:conflict"
    await of_key(alice, Policy(session=Bounds(2, 5)))
    assert (await bank.post("/v1/sessions", wish))["state"] == "awaiting"
    await bank.post("/v1/sessions", wish | {"signatures": 3}, status=422)


async def test_t29_a_key_that_was_sealed_before_there_were_policies_is_proven_as_it_is(alice: Owner) -> None:
    """An empty column that a later version added is not under the seal, and one that says something is."""
    s, intruder = alice.world.services, Intruder(alice.world.services.database)
    row = await intruder.row(credentials, alice.credential_id)
    assert row["policy"] is None
    assert "policy" not in members_of(row)
    text = {"row": f"credential:{row['id']}", "version": row["version"], "members": members_of(row)}
    assert await s.tokens.service.hmac(KeyName.SEAL, LABEL + canonical.encode(text)) == row["seal"]

    await of_key(alice, CHOOSE)
    row = await intruder.row(credentials, alice.credential_id)
    text = {"row": f"credential:{row['id']}", "version": row["version"], "members": members_of(row)}
    assert members_of(row)["policy"] == CHOOSE.member()
    assert await s.tokens.service.hmac(KeyName.SEAL, LABEL + canonical.encode(text)) == row["seal"]


def members_of(row: dict[str, Any]) -> dict[str, Any]:
    """What a seal is over: all columns but its own, without an empty policy."""
    told = {name: value for name, value in row.items() if name not in ("version", "seal")}
    if told["policy"] is None:
        del told["policy"]
    return {name: plain(value) for name, value in told.items()}


def plain(value: Any) -> Any:
    """A value as it stands under a seal: bytes in base64url, times in microseconds since 1970."""
    if isinstance(value, bytes):
        return b64.url_encode(value)
    return int(value.timestamp() * 1_000_000) if isinstance(value, datetime) else value
