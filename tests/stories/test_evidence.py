"""Stories of evidence: what a phone answered proves itself to a stranger, whatever becomes of phone, key and files.

Source: docs/evidence.md sections 1 to 3.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from dss.ca.model import Reason
from dss.devices.answer import Decision
from dss.devices.request import Action, Kind
from dss.evidence.record import Record
from dss.evidence.tables import evidence
from dss.evidence.verifying import verify
from dss.hsm.userkeys import UserKeys
from dss.kernel.errors import Conflict
from dss.kernel.ids import CredentialId, TransactionId
from tests.stories.shop import Shop, held_in_the_hsm
from tests.world.owners import HASH, NEW_PIN, Owner, Street, alice, id_of, quick_proofs, street
from tests.world.pdfs import simple_pdf
from tests.world.stranger import proven, sealed_evidence, trust
from tests.world.world import OPERATOR, PIN, SERVER, World

__all__ = ["alice", "street"]

module_loop = pytest.mark.asyncio(loop_scope="module")

LEASE_S, DAY_S = 61, 24 * 3600
PASSWORD = "Correct7Horse"


async def signed(alice: Owner) -> str:
    """Let a PDF be signed; return the transaction."""
    id = str((await alice.application.ask(alice.signer, simple_pdf()))["id"])
    assert await alice.confirms(await alice.phone.show(id)) == "signed"
    return id


async def record_of(alice: Owner, id: str) -> Record:
    """The evidence of a transaction, which must verify."""
    services = alice.world.services
    record = await sealed_evidence(services, id)
    assert verify(record.encoded(), await trust(services)).transaction == id
    return record


async def count_evidence(world: World, id: str) -> int:
    """How often evidence of a transaction is kept."""
    query = sa.select(sa.func.count()).where(evidence.c.transaction_id == id)
    async with world.services.database.read() as connection:
        return (await connection.execute(query)).scalar_one()


# --- each row of the table of what there is evidence of ---


@module_loop
async def test_a_signed_document_proves_who_signed_what_when_on_which_phone_and_for_whom(alice: Owner) -> None:
    id = await signed(alice)
    told = await proven(alice.world.services, id)

    assert (told.server, told.transaction, told.kind, told.decision) == (SERVER, id, Kind.SIGN, Decision.CONFIRM)
    assert (told.signer.id, told.signer.login) == (alice.user.id, alice.user.login)
    assert (told.relying_application.id, told.text) == (alice.application.id, "Please sign")
    assert (told.phone.id, told.verification) == (id_of(alice.phone), "pin")
    (document,), (piece,) = told.documents, told.signatures
    assert document.document is not None
    assert (document.document.name, document.format, piece.attributes != b"") == ("contract.pdf", "PAdES-B-B", True)
    assert told.logged.at == alice.world.clock.now()


@module_loop
async def test_hashes_that_were_signed_are_proven_in_their_order_and_as_often_as_they_stand(alice: Owner) -> None:
    id = (await alice.application.ask_hashes(alice.signer, HASH, HASH))["id"]
    assert await alice.confirms(await alice.phone.show(id)) == "signed"
    pieces = (await record_of(alice, id)).core.signatures
    assert [(piece.index, piece.attributes) for piece in pieces] == [(0, b""), (1, b"")]


@module_loop
@pytest.mark.parametrize("key_type", ["P-384", "RSA-2048"])
async def test_the_evidence_of_every_kind_of_key_verifies(street: Street, key_type: str) -> None:
    await street.application.log_in()
    signer = await street.world.signer(street.application, f"holder-{key_type.lower()}", key_type)
    alice = Owner(street.world, street.application, signer.user, signer.phone, signer.credential_id)
    assert (await proven(street.world.services, await signed(alice))).certificate is not None


@module_loop
async def test_a_new_key_is_proven_with_its_certificate_up_to_the_root(alice: Owner) -> None:
    asked = await alice.application.post("/v1/credentials", {"user": alice.user.login, "key_type": "P-256"})
    id = asked["transaction_id"]
    assert await alice.confirms(await alice.phone.show(id)) == "signed"

    core = (await record_of(alice, id)).core
    key = await alice.world.services.credentials.get(CredentialId(asked["id"]))
    assert (core.signatures, core.certificates) == ((), (key.certificate, *key.chain))
    assert core.certificates[-1] == (await trust(alice.world.services)).root


@module_loop
async def test_each_change_that_a_signer_confirmed_is_proven(alice: Owner) -> None:
    other, key = await alice.joined(), {"credential": alice.credential_id}
    changes: list[tuple[Action, dict[str, Any], dict[str, Any]]] = [
        (Action.REMOVE, {"phone": id_of(other)}, {}),
        (Action.PASSWORD, key, {"new_key_password": PASSWORD}),
        (Action.RELOCK, key, {"key_password": PASSWORD}),
        (Action.REVOKE, {**key, "reason": "keyCompromise"}, {}),
        (Action.PIN, {}, {"new_pin": NEW_PIN}),
    ]
    for action, about, typed in changes:
        shown = await alice.wishes(action.value, **about)
        assert await alice.confirms(shown, **typed) == "signed", action
        told = await proven(alice.world.services, shown.id)
        assert told.change is not None
        assert (told.kind, told.change.action, told.signatures) == (Kind.CHANGE, action, ())


@module_loop
async def test_a_share_that_a_signer_confirmed_is_proven_by_the_phone_that_gave_it(alice: Owner) -> None:
    other = await alice.second()
    told = await proven(alice.world.services, await alice.shares(other))
    assert told.share is not None
    assert (told.kind, told.phone.id, told.share.phone.id) == (Kind.SHARE, id_of(alice.phone), id_of(other))


@module_loop
async def test_what_was_declined_is_proven_with_the_reason_whatever_was_asked(alice: Owner) -> None:
    signature = (await alice.application.ask(alice.signer, simple_pdf()))["id"]
    key = (await alice.application.post("/v1/credentials", {"user": alice.user.login}))["transaction_id"]
    change = await alice.phone.change("destroy", credential=alice.credential_id)

    for id, kind in ((signature, Kind.SIGN), (key, Kind.CREATE), (change, Kind.CHANGE)):
        assert await alice.phone.decline(await alice.phone.show(id), "not mine") == "declined"
        told, core = await proven(alice.world.services, id), (await record_of(alice, id)).core
        assert (told.kind, told.decision, told.reason) == (kind, Decision.DECLINE, "not mine")
        assert (core.signatures, core.certificates) == ((), ())


@module_loop
async def test_there_is_none_of_what_was_not_answered_and_of_what_came_to_nothing(alice: Owner) -> None:
    cancelled, failed, expired = [(await alice.asked()).id for _ in range(3)]
    await alice.application.post(f"/v1/signatures/{cancelled}/cancel", {}, status=200)
    await alice.phone.confirm(await alice.phone.show(failed), PIN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(UserKeys, "sign_all", _refuse)
        await alice.world.settle()
    await alice.later(301)

    for id, state in ((cancelled, "cancelled"), (failed, "failed"), (expired, "expired")):
        assert await alice.phone.state(id) == state
        with pytest.raises(Conflict):
            await alice.world.services.evidence.of(TransactionId(id))
        assert await count_evidence(alice.world, id) == 0


async def _refuse(*_: object) -> bytes:
    raise Conflict("not today")


# --- it outlives everything ---


@module_loop
async def test_evidence_stays_when_results_phone_and_key_are_gone(alice: Owner) -> None:
    id = await signed(alice)
    core = (await record_of(alice, id)).core
    services, key = alice.world.services, CredentialId(alice.credential_id)

    await alice.later(DAY_S + 1)
    assert await services.transactions.forget_uncollected() >= 1
    assert (await alice.application.get(f"/v1/signatures/{id}"))["documents"][0]["signature"] is None
    assert (await record_of(alice, id)).core == core
    await services.keys.destroy(key, OPERATOR)
    assert (await record_of(alice, id)).core == core
    await services.keys.revoke(key, Reason.KEY_COMPROMISE, OPERATOR)
    assert (await record_of(alice, id)).core == core
    await services.phones.remove(id_of(alice.phone), OPERATOR)
    assert (await record_of(alice, id)).core == core


# --- exactly once, whoever is late or dies (the log tells of each attempt) ---


@pytest_asyncio.fixture
async def bobs_shop(world_on_each_database: World) -> AsyncIterator[Shop]:
    """A shop of the test's own, on each database."""
    with quick_proofs():
        yield Shop(world_on_each_database, await world_on_each_database.application())


async def test_t25_an_attempt_that_comes_late_adds_neither_a_release_nor_evidence(bobs_shop: Shop) -> None:
    world, bob = bobs_shop.world, await bobs_shop.signer()
    id, shown = await bobs_shop.ask(bob)
    await bob.phone.confirm(shown, PIN)
    async with held_in_the_hsm(bobs_shop):
        world.clock.move(LEASE_S)
        await world.settle()
        first = await sealed_evidence(world.services, id)

    assert await told_of_release(world, id) == [
        "activation.reserved",
        "activation.reserved",
        "transaction.signed",
        "transaction.late_result_discarded",
    ]
    assert await count_evidence(world, id) == 1
    assert (await sealed_evidence(world.services, id)).core == first.core


async def test_t26_between_the_hsm_and_the_commit_a_dead_node_leaves_its_intent_and_no_evidence(
    bobs_shop: Shop,
) -> None:
    """The log tells that the key was about to be used; the next attempt releases once, with evidence once."""
    world, bob = bobs_shop.world, await bobs_shop.signer()
    id, shown = await bobs_shop.ask(bob)
    await bob.phone.confirm(shown, PIN)
    await die_after_the_hsm(bobs_shop)
    assert await told_of_release(world, id) == ["activation.reserved"]
    assert await count_evidence(world, id) == 0

    world.clock.move(LEASE_S)
    await world.settle()
    assert await told_of_release(world, id) == ["activation.reserved", "activation.reserved", "transaction.signed"]
    assert await count_evidence(world, id) == 1
    assert (await proven(world.services, id)).transaction == id


class Killed(BaseException):
    """The process is no more: nothing in it runs any further."""


async def die_after_the_hsm(shop: Shop) -> None:
    """Let a node take the work up, and end once the HSM has signed."""
    sign = UserKeys.sign_all

    async def sign_and_die(*arguments: object) -> bytes:
        await sign(*arguments)  # type: ignore[arg-type]
        raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(UserKeys, "sign_all", sign_and_die)
        await shop.world.settle()


async def told_of_release(world: World, id: str) -> list[str]:
    """What the log tells of a transaction after its confirmation."""
    told = await world.tells(f"transaction:{id}")
    return told[told.index("transaction.confirmed") + 1 :]
