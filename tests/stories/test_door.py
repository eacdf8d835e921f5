"""The door to people's keys: what `credentials.sign` refuses, whatever the transaction's row says.

Source: docs/security.md; docs/adr/0001-the-activation-proves-itself.md.
"""

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from dss.audit.tables import audit_events
from dss.ca.model import Reason
from dss.credentials.activation import Activation
from dss.credentials.tables import activations
from dss.devices import enrolment
from dss.kernel import b64, canonical
from dss.kernel.errors import AnswerRefused, Conflict, DssError, Expired, Locked
from dss.kernel.ids import CredentialId, DeviceId, TransactionId
from dss.transactions import store
from dss.wiring import opened
from mobile_mock import jose
from mobile_mock.answer import Answer, Signer
from tests.stories.robbery import note_signings
from tests.stories.test_answers import HASH, OTHER, open_one, start
from tests.world.intruder import Intruder
from tests.world.softhsm import SoftHsm
from tests.world.spending import spend
from tests.world.world import OPERATOR, PIN, Application, World, new_world
from tests.world.world import Signer as Person


async def activation(world: World, id: str, lease: int = 1) -> Activation:
    """What a performing node would hand to the door for a confirmed transaction."""
    async with world.services.database.read() as connection:
        held = await store.get(connection, TransactionId(id))
    assert held.answer
    assert held.box
    assert held.device_id
    return Activation(held.request, held.request_jws, held.answer, held.box, held.device_id, lease, held.share)


async def confirmed(world: World, application: Application, signer: Person, value: str = HASH) -> Activation:
    """A right Activation, not spent yet."""
    id, shown = await open_one(world, application, signer, value)
    await signer.phone.confirm(shown, PIN)
    return await activation(world, id)


async def why_refused(world: World, forged: Activation) -> DssError:
    """Require that the door refuses an Activation, and return how."""
    with pytest.raises(DssError) as refusal:
        await spend(world.services, forged)
    assert 400 <= refusal.value.status < 500
    return refusal.value


@pytest.fixture
def signings(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the HSM was asked to sign with people's keys, from the moment on that a test empties this."""
    monkeypatch.setattr(enrolment, "PIN_ITERATIONS", 1)
    return note_signings(monkeypatch)


def changed(value: Any) -> Any:
    """Return another value of the same form."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return ("0" if value[:1] != "0" else "1") + value[1:]


def forgeries(value: Any) -> Iterator[Any]:
    """Give a JSON value with each member at any depth changed, left out, and given once more."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from ({**value, name: other} for other in forgeries(inner))
            yield {key: kept for key, kept in value.items() if key != name}
        yield {**value, "more": "x"}
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from ([*value[:index], other, *value[index + 1 :]] for other in forgeries(inner))
        yield [*value[:-1]] if value else ["x"]
        yield [*value, *value[-1:]] if value else [{}]
    else:
        yield changed(value)


async def test_t18_with_any_member_of_the_request_forged_nothing_is_signed(
    world: World, signings: list[object]
) -> None:
    application, alice = await start(world)
    right = await confirmed(world, application, alice)
    signings.clear()
    request = canonical.decode(right.request)
    forged = [replace(right, request=canonical.encode(other)) for other in forgeries(request)]
    assert len(forged) > 2 * len(request)
    for one in (*forged, replace(right, request=right.request[:-1]), replace(right, request=b"{}")):
        await why_refused(world, one)

    assert signings == []
    assert len(await spend(world.services, right)) == 1


async def test_t18_with_any_member_of_the_answer_forged_nothing_is_signed_even_if_the_phone_s_own_key_did_it(
    world: World, signings: list[object]
) -> None:
    application, alice = await start(world)
    right = await confirmed(world, application, alice)
    signings.clear()
    header, claims = (json.loads(b64.url_decode(part)) for part in right.answer.split(".")[:2])
    kept = alice.phone.kept()
    own, strange = jose.read_private(kept.signature_key), jose.new_key()
    by_the_phone, by_another = (Signer(kept.device, key).sign for key in (own, strange))
    forged = [sign(other) for other in forgeries(claims) for sign in (by_the_phone, by_another)]
    forged += [by_another(claims), by_the_phone(claims), right.answer[:-4], right.answer + "AAAA", ""]
    for other in forgeries(header):
        forged.append(f"{b64.url_encode(canonical.encode(other))}.{right.answer.partition('.')[2]}")
    for answer in forged:
        await why_refused(world, replace(right, answer=answer))
    for box in ("", right.box[:-4] + "AAAA", jose.seal({"pin_proof": "A" * 43}, _box_key(right), b"0" * 32)):
        await why_refused(world, replace(right, box=box))
    await why_refused(world, replace(right, share=right.box))
    await why_refused(world, replace(right, device=DeviceId("0" * 26)))

    assert signings == []
    assert len(await spend(world.services, right)) == 1


def _box_key(of: Activation) -> jose.BoxKey:
    member = canonical.decode(of.request)["box_key"]
    return jose.BoxKey(member["kid"], member["jwk"])


async def test_t02_t32_parts_of_another_transaction_user_phone_or_server_sign_nothing(
    world: World, softhsm: SoftHsm, sqlite_template: Path, tmp_path: Path, signings: list[object]
) -> None:
    application, alice = await start(world)
    bob = await world.signer(application, "bob")
    right = await confirmed(world, application, alice)
    others = [await confirmed(world, application, alice, OTHER), await confirmed(world, application, bob)]
    shutil.copyfile(sqlite_template, tmp_path / "elsewhere.db")
    async with new_world(softhsm, f"sqlite:///{tmp_path / 'elsewhere.db'}", tmp_path / "elsewhere") as elsewhere:
        others.append(await confirmed(elsewhere, *await start(elsewhere)))
    signings.clear()

    for other in others:
        for spliced in splices(right, other):
            if spliced not in (right, other):
                await why_refused(world, spliced)
    await why_refused(world, others[-1])
    assert signings == []


def splices(right: Activation, other: Activation) -> Iterator[Activation]:
    """Give an Activation with any of its parts exchanged for those of another."""
    parts = ("request", "request_jws", "answer", "box", "device")
    for count in range(1, len(parts) + 1):
        for names in combinations(parts, count):
            yield replace(right, **{name: getattr(other, name) for name in names})


async def test_t02_an_activation_is_good_at_the_server_that_asked_only(world: World) -> None:
    application, alice = await start(world)
    right = await confirmed(world, application, alice)
    renamed = replace(world.services.settings, public_url="http://other.test")
    async with opened(renamed, world.clock) as same_rows:
        with pytest.raises(AnswerRefused):
            await spend(same_rows, right)
    await spend(world.services, right)


async def test_t18_an_answer_that_the_server_never_accepted_signs_nothing(world: World, signings: list[object]) -> None:
    """Neither one that is younger than all that was counted, nor one that was overtaken."""
    application, alice = await start(world)
    overtaken = await alice.phone.prepare((await open_one(world, application, alice))[1], PIN)
    right = await confirmed(world, application, alice)
    younger = await alice.phone.prepare((await open_one(world, application, alice))[1], PIN)
    signings.clear()

    for planted in (overtaken, younger):
        assert type(await why_refused(world, await _planted(world, planted, right))) is AnswerRefused
    await Intruder(world.services.database).delete(activations, right.asked().transaction)
    assert "never accepted" in (await why_refused(world, right)).detail
    assert signings == []


async def _planted(world: World, answer: Answer, like: Activation) -> Activation:
    async with world.services.database.read() as connection:
        held = await store.get(connection, TransactionId(answer.transaction))
    return replace(like, request=held.request, request_jws=held.request_jws, answer=answer.jws, box=answer.box or "")


async def test_t47_a_key_or_a_phone_that_may_no_longer_sign_signs_nothing_that_was_confirmed_before(
    world: World, signings: list[object]
) -> None:
    application, alice = await start(world)
    carol, dave = await world.signer(application, "carol"), await world.signer(application, "dave")
    keys, phones, intruder = world.services.keys, world.services.phones, Intruder(world.services.database)
    first = [await confirmed(world, application, person) for person in (alice, carol, dave)]
    signings.clear()

    async def refused_though_the_log_is_cut(right: Activation, kind: type[DssError], says: str) -> None:
        await why_refused(world, right)
        ends = await intruder.cut_end(right.asked().transaction)
        fault = await why_refused(world, right)
        for event in ends:
            await intruder.add(audit_events, event)
        assert (type(fault), says in fault.detail) == (kind, True), fault.detail

    await keys.suspend(CredentialId(alice.credential_id), OPERATOR)
    await refused_though_the_log_is_cut(first[0], Conflict, "suspended")
    await keys.revoke(CredentialId(alice.credential_id), Reason.KEY_COMPROMISE, OPERATOR)
    await refused_though_the_log_is_cut(first[0], Conflict, "revoked")
    await keys.destroy(CredentialId(carol.credential_id), OPERATOR)
    await refused_though_the_log_is_cut(first[1], Conflict, "destroyed")
    await phones.block(DeviceId(dave.phone.kept().device), OPERATOR)
    await refused_though_the_log_is_cut(first[2], Locked, "locked")
    await phones.remove(DeviceId(dave.phone.kept().device), OPERATOR)
    await refused_though_the_log_is_cut(first[2], Locked, "removed")
    assert signings == []


async def test_a_certificate_that_has_expired_signs_nothing(world: World, signings: list[object]) -> None:
    application, alice = await start(world)
    right = await confirmed(world, application, alice)
    signings.clear()
    credential = await world.services.credentials.get(CredentialId(alice.credential_id))
    assert credential.not_after
    world.clock.move((credential.not_after - world.clock.now()).total_seconds())

    assert "not valid now" in (await why_refused(world, right)).detail
    await application.log_in()
    assert "not valid now" in (await application.ask_hashes(alice, HASH, status=409))["detail"]
    assert signings == []


async def test_an_activation_that_nobody_spent_in_a_day_is_refused(world: World) -> None:
    application, alice = await start(world)
    right = await confirmed(world, application, alice)
    world.clock.move(24 * 3600)
    assert type(await why_refused(world, right)) is Expired


async def test_t25_a_digest_is_signed_by_the_newest_attempt_only(world_on_each_database: World) -> None:
    world = world_on_each_database
    application, alice = await start(world)
    right = await confirmed(world, application, alice)

    assert len(await spend(world.services, replace(right, lease=2))) == 1
    for late in (1, 2):
        assert type(await why_refused(world, replace(right, lease=late))) is Conflict


async def test_t07_t25_of_many_attempts_at_once_with_one_number_one_comes_in(
    world_on_each_database: World, signings: list[object]
) -> None:
    world = world_on_each_database
    application, alice = await start(world)
    right = await confirmed(world, application, alice)
    signings.clear()

    attempts = await asyncio.gather(*(spend(world.services, right) for _ in range(20)), return_exceptions=True)
    refused = [one for one in attempts if isinstance(one, BaseException)]
    assert (len(attempts) - len(refused), len(signings)) == (1, 1)
    assert all(isinstance(one, Conflict) for one in refused), refused


async def test_t01_an_activation_cannot_be_spent_again_after_its_release(world: World, signings: list[object]) -> None:
    application, alice = await start(world)
    right = await confirmed(world, application, alice)
    await world.settle()
    signings.clear()

    for lease in (1, 2, 99):
        assert type(await why_refused(world, replace(right, lease=lease))) is Conflict
    assert signings == []


async def test_t28_what_confirms_a_change_or_a_new_key_signs_nothing(world: World, signings: list[object]) -> None:
    application, alice = await start(world)
    asked = await application.post("/v1/credentials", {"user": "alice", "key_type": "P-256"})
    ids = (asked["transaction_id"], await alice.phone.change("destroy", credential=alice.credential_id))
    for id in ids:
        await alice.phone.confirm(await alice.phone.show(id), PIN)
    signings.clear()

    for id in ids:
        assert type(await why_refused(world, await activation(world, id))) is AnswerRefused
    signature = await confirmed(world, application, alice)
    with pytest.raises(AnswerRefused):
        await world.services.making.create(signature)
    assert signings == []
