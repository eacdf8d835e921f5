"""The operator's commands over blocks: who may not ask a signer, and letting one ask again."""

import pytest

from dss.cli import user
from tests.protocol.cli_world import Command, dss
from tests.protocol.test_cli_operators import SECOND, alice, run, tell
from tests.world.world import Application, Signer, World

__all__ = ["alice", "dss"]


@pytest.fixture
async def bank(world: World, alice: Signer) -> Application:
    """An application that Alice stopped."""
    application = await world.application("Savings Bank")
    asked = await application.post("/v1/credentials", {"user": "alice", "key_type": "P-256"})
    await alice.phone.decline(await alice.phone.show(asked["transaction_id"]), cause="not_me")
    return application


async def test_an_operator_sees_who_may_not_ask_a_signer_and_lets_them_ask_again(
    world: World, dss: Command, bank: Application
):
    (listed,) = await tell(dss, "user", "blocks", "alice")
    (allowed,) = await tell(dss, "user", "allow", "alice", bank.id)

    assert (listed["id"], listed["application"]) == (bank.id, "Savings Bank")
    assert allowed == {"login": "alice", "application": "Savings Bank", "state": "allowed"}
    assert await tell(dss, "user", "blocks", "alice") == []
    await bank.post("/v1/credentials", {"user": "alice", "key_type": "P-256"})


async def test_who_was_not_stopped_is_not_allowed(dss: Command, bank: Application):
    await tell(dss, "user", "allow", "alice", bank.id)
    again = await run(dss, "user", "allow", "alice", bank.id)
    assert (again.exit_code, "has not stopped" in again.stderr) == (1, True)


async def test_where_two_operators_are_the_policy_the_second_lifts_the_block(
    dss: Command, bank: Application, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DSS_TWO_OPERATORS", "true")
    first = await run(dss, "user", "allow", "alice", bank.id)
    assert SECOND in first.stdout
    assert len(await tell(dss, "user", "blocks", "alice")) == 1

    monkeypatch.setattr(user, "OPERATOR", "operator:somebody-else")
    (allowed,) = await tell(dss, "user", "allow", "alice", bank.id)
    assert allowed["state"] == "allowed"
