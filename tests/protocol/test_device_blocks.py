"""Blocks by the device API: the list of those that the owner stopped, and the change that lets one ask again."""

from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from dss.devices.request import Action
from dss.kernel.clock import timestamp
from tests.protocol.prover import Prover, payload_of
from tests.protocol.scene import ABSENT, Refusal, assert_refused
from tests.world.owners import Owner, Street, street
from tests.world.world import Application

__all__ = ["street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

BLOCKS, CHANGES = "/device/v1/blocks", "/device/v1/changes"


@dataclass
class Desk:
    """An owner who stopped an application, another application that was not stopped, and a tester with the phone."""

    owner: Owner
    stopped: Application
    free: Application
    prover: Prover

    async def refuses(self, body: Any, expected: Refusal) -> None:
        """Assert how a change is refused."""
        call = self.prover.call("POST", CHANGES, json=body)
        await assert_refused(self.owner.world, call, expected, by=f"device:{self.prover.device}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(street: Street) -> Desk:
    """A desk for what is refused, and so changes nothing."""
    owner = await street.owner()
    stopped = await street.world.application("Stopped Ltd")
    await stop(owner, stopped)
    return Desk(owner, stopped, street.application, Prover.of(owner.world, owner.phone))


async def stop(owner: Owner, application: Application) -> None:
    """Let an application ask the owner, and be told that it was not them."""
    wish = {"user": owner.user.login, "key_type": "P-256"}
    id = (await application.post("/v1/credentials", wish))["transaction_id"]
    await owner.phone.decline(await owner.phone.show(id), cause="not_me")


async def test_the_list_names_each_stopped_application_since_when_and_no_more(desk: Desk, street: Street):
    answer = await desk.prover.call("GET", BLOCKS)
    application = {"id": desk.stopped.id, "name": "Stopped Ltd"}
    assert answer.json() == {
        "blocks": [{"relying_application": application, "blocked": timestamp(street.world.clock.now())}]
    }


async def test_t32_nobody_sees_or_lifts_another_s_block(desk: Desk, street: Street):
    other = await street.owner()
    prover = Prover.of(other.world, other.phone)
    assert (await prover.call("GET", BLOCKS)).json() == {"blocks": []}
    body = {"action": "allow", "relying_application": desk.stopped.id}
    assert (await prover.call("POST", CHANGES, json=body)).status_code == 404


async def test_only_what_was_stopped_can_be_allowed(desk: Desk):
    for id in (desk.free.id, ABSENT):
        await desk.refuses({"action": "allow", "relying_application": id}, Refusal(404, "not_found"))


@pytest.mark.parametrize("action", sorted(set(Action) - {Action.ALLOW}))
async def test_no_other_change_names_an_application(desk: Desk, action: str):
    body = {"action": action, "relying_application": desk.stopped.id}
    await desk.refuses(body, Refusal(422, "invalid", f"the change {action}"))


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "relying_application"),
        ({"relying_application": "x"}, "relying_application"),
        ({"relying_application": None}, "relying_application"),
        ({"relying_application": ABSENT, "credential": ABSENT}, "credential"),
        ({"relying_application": ABSENT, "phone": ABSENT}, "phone"),
        ({"relying_application": ABSENT, "reason": "superseded"}, "reason"),
    ],
    ids=str,
)
async def test_to_allow_takes_an_application_and_nothing_else(desk: Desk, given: dict[str, Any], named: str):
    await desk.refuses({"action": "allow"} | given, Refusal(422, "invalid", named))


async def test_the_request_names_the_application_as_it_was_called_and_no_key(street: Street):
    owner = await street.owner()
    application = await street.world.application("Once Ltd")
    await stop(owner, application)
    prover = Prover.of(owner.world, owner.phone)
    opened = await prover.call("POST", CHANGES, json={"action": "allow", "relying_application": application.id})
    shown = await prover.call("GET", f"/device/v1/transactions/{opened.json()['id']}")

    request = payload_of(shown.json()["request"])
    assert request["change"] == {
        "action": "allow",
        "relying_application": {"id": application.id, "name": "Once Ltd"},
    }
    assert request["relying_application"]["id"] == "owner"
    assert "credential" not in request


async def test_of_two_changes_that_allow_the_same_the_second_comes_to_nothing(street: Street):
    owner = await street.owner()
    application = await street.world.application("Twice Ltd")
    await stop(owner, application)
    both = [await owner.wishes("allow", relying_application=application.id) for _ in range(2)]

    assert [await owner.confirms(shown) for shown in both] == ["signed", "failed"]
    assert (await Prover.of(owner.world, owner.phone).call("GET", BLOCKS)).json() == {"blocks": []}
