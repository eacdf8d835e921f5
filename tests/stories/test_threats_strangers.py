"""T32: every call of a phone, every phone, every transaction: a phone reaches its owner's and nobody else's."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
import pytest_asyncio

from dss.kernel import canonical
from dss.web.device.api import DEVICE
from mobile_mock.answer import Answer
from tests.protocol.prover import Prover, payload_of
from tests.protocol.scene import ABSENT, HASH, Refusal, Scene, assert_refused, scene
from tests.stories.witness import quick_pins, row
from tests.world.jws import sign
from tests.world.pdfs import simple_pdf
from tests.world.world import PIN, Signer

__all__ = ["quick_pins", "scene"]

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("quick_pins")]

PRIVATE = [one.declared for one in DEVICE.operations if not one.declared.public]
NAMED = [one for one in PRIVATE if "{id}" in one.path]
UNNAMED = [one for one in PRIVATE if "{id}" not in one.path and one.method == "GET" and one.path[-6:] != "stream"]
PEOPLE = ("alice", "bob")


@dataclass
class People:
    """Two people with phones and credentials, and for each a transaction in each of some states."""

    scene: Scene
    signers: dict[str, Signer]
    transactions: dict[str, dict[str, str]]

    def prover(self, name: str) -> Prover:
        """A person's phone."""
        return Prover.of(self.scene.world, self.signers[name].phone)

    def objects(self, name: str) -> dict[str, list[str]]:
        """A person's objects, as paths name them."""
        signer, transactions = self.signers[name], list(self.transactions[name].values())
        return {
            "transactions": transactions,
            "credentials": [signer.credential_id],
            "phones": [signer.phone.kept().device],
            "shares": transactions,
            "sessions": transactions,
            "history": transactions,
        }

    def others(self, name: str) -> dict[str, list[str]]:
        """The other person's objects."""
        (other,) = set(PEOPLE) - {name}
        return self.objects(other)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def people(scene: Scene) -> AsyncIterator[People]:
    signers = {"alice": scene.alice, "bob": await scene.world.signer(scene.shop, "bob")}
    yield People(scene, signers, {name: await in_all_states(scene, signer) for name, signer in signers.items()})


async def in_all_states(scene: Scene, signer: Signer) -> dict[str, str]:
    """Ask for signatures, and bring them into states."""
    states = ("signed", "declined", "awaiting")
    made = {state: str((await scene.shop.ask(signer, simple_pdf()))["id"]) for state in states}
    await signer.phone.confirm(await signer.phone.show(made["signed"]), PIN)
    await scene.world.settle()
    await signer.phone.decline(await signer.phone.show(made["declined"]))
    return made


def kind_of(operation: Any) -> str:
    """What an operation's path names: transactions, phones and so on."""
    return str(operation.path.removeprefix("/device/v1/").partition("/")[0])


def called(operation: Any) -> str:
    return f"{operation.method} {operation.path}"


@pytest.mark.parametrize("caller", PEOPLE)
@pytest.mark.parametrize("operation", NAMED, ids=called)
async def test_t32_what_is_another_s_looks_as_if_it_did_not_exist(people: People, operation: Any, caller: str):
    """Byte for byte, whatever its state; and nothing changes."""
    prover = people.prover(caller)
    nothing = await refused(prover, operation, ABSENT)
    for id in people.others(caller)[kind_of(operation)]:
        assert await refused(prover, operation, id) == nothing


async def refused(prover: Prover, operation: Any, id: str) -> bytes:
    """The body of a refusal to a call about an object."""
    more = {"json": {"answer": "a.b.c"} if operation.path.endswith("/answer") else {}}
    path = operation.path.format(id=id, index=0)
    call = prover.call(operation.method, path, **(more if operation.method == "POST" else {}))
    return (await assert_refused(prover.world, call, Refusal(404, "not_found"), f"device:{prover.device}")).content


@pytest.mark.parametrize("owner", PEOPLE)
@pytest.mark.parametrize("operation", [one for one in NAMED if kind_of(one) == "transactions"], ids=called)
async def test_t32_what_is_one_s_own_is_given(people: People, operation: Any, owner: str):
    """So that the refusals above are for whose it is; what is to be signed goes when its transaction ends."""
    for state, id in people.transactions[owner].items():
        more = {"json": {"answer": "a.b.c"}} if operation.method == "POST" else {}
        reply = await people.prover(owner).call(operation.method, operation.path.format(id=id, index=0), **more)
        to_be_signed = "/documents/" in operation.path or operation.path.endswith("/items")
        gone = to_be_signed and state in {"signed", "declined"}
        assert (reply.status_code == 404) is gone, reply.text


@pytest.mark.parametrize("caller", PEOPLE)
@pytest.mark.parametrize("operation", UNNAMED, ids=called)
async def test_t32_no_list_names_what_is_another_s(people: People, operation: Any, caller: str):
    reply = await people.prover(caller).call(operation.method, operation.path)
    assert reply.status_code == 200
    named = [id for ids in people.others(caller).values() for id in ids if id in reply.text]
    assert named == []


@pytest.mark.parametrize(
    ("caller", "key", "kid", "said", "path"),
    [combination for combination in product(PEOPLE, repeat=5) if len(set(combination)) > 1],
)
async def test_t32_an_answer_of_two_people_s_parts_is_refused(
    people: People, caller: str, key: str, kid: str, said: str, path: str
):
    """Who calls, whose key signed, whom the header names, whose request was answered, whose is called upon."""
    answer = await right_answer(people, said)
    header = {"alg": "ES256", "typ": "dss-answer+jws", "kid": people.prover(kid).device}
    mixed = sign(header, canonical.encode(payload_of(answer.jws)), people.prover(key).key)
    id = people.transactions[path]["awaiting"]
    body = {"answer": mixed, "box": answer.box}
    reply = await people.prover(caller).call("POST", f"/device/v1/transactions/{id}/answer", json=body)

    assert reply.status_code == (403 if caller == path else 404), reply.text
    states = [(await row(people.scene.world, people.transactions[name]["awaiting"])).state for name in PEOPLE]
    assert states == ["awaiting", "awaiting"]


async def right_answer(people: People, name: str) -> Answer:
    """A right answer of somebody's to the request that awaits it."""
    phone = people.signers[name].phone
    return await phone.prepare(await phone.show(people.transactions[name]["awaiting"]), PIN)


async def test_t32_an_answer_of_one_person_s_parts_is_accepted(people: People):
    """The very calls from above, for a request of its own."""
    for name in PEOPLE:
        id = (await people.scene.shop.ask_hashes(people.signers[name], HASH))["id"]
        phone = people.signers[name].phone
        answer = await phone.prepare(await phone.show(id), PIN)
        header = {"alg": "ES256", "typ": "dss-answer+jws", "kid": people.prover(name).device}
        jws = sign(header, canonical.encode(payload_of(answer.jws)), people.prover(name).key)
        path = f"/device/v1/transactions/{id}/answer"
        reply = await people.prover(name).call("POST", path, json={"answer": jws, "box": answer.box})
        assert reply.json() == {"state": "confirmed"}
