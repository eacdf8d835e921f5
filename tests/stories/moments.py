"""The moments at which whoever can write to the database edits a sealed row, each with what goes on around it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dss.clients.tables import client_policies, clients
from dss.credentials.tables import activations, credentials, offline_keys, sessions
from dss.devices.tables import box_keys, devices, enrolments, shares
from dss.kernel.errors import DssError
from dss.kernel.ids import ClientId, CredentialId, Ids
from dss.kernel.policy import Bounds, Policy
from dss.operators.service import Approvals
from dss.operators.tables import proposals
from dss.transactions.machine import Work
from dss.transactions.tables import blocks
from dss.users.tables import users
from mobile_mock.errors import PhoneError
from tests.stories.robbery import Robbery
from tests.stories.test_answers import HASH
from tests.world.world import OPERATOR, PIN

BOUNDS = Bounds(100, 60)
Edit = Callable[[str], Awaitable[None]]
Play = Callable[[Robbery, Edit], Awaitable[str | None]]


@dataclass(frozen=True)
class Moment:
    """When a row is edited.

    play:  lets everything go on around the edit, which takes the row's id; returns a transaction that must have failed.
    found_by: the columns by which the row is looked for: with another value there it is absent, which nobody can alarm.
    """

    table: sa.Table
    play: Play
    found_by: tuple[str, ...] = ()


async def go_on(stage: Robbery, id: str | None = None) -> None:
    """Let the phone answer, the server work, and the application ask again."""
    await stage.try_confirm(id)
    await stage.world.settle()
    await stage.try_confirm(await stage.ask())
    await stage.world.settle()


def of_the_signer(stage: Robbery, table: sa.Table) -> str:
    named = {devices: stage.alice.phone.kept().device, credentials: stage.alice.credential_id}
    return (named | {users: stage.alice.user.id})[table]


def before_opening(table: sa.Table) -> Play:
    async def play(stage: Robbery, edit: Edit) -> None:
        await edit(of_the_signer(stage, table))
        await stage.try_confirm(await stage.ask())
        await stage.world.settle()

    return play


def before_the_answer(table: sa.Table) -> Play:
    async def play(stage: Robbery, edit: Edit) -> None:
        id = await stage.open()
        await edit(of_the_signer(stage, table))
        await go_on(stage, id)
        await stage.application.http.post(f"/v1/signatures/{id}/cancel")

    return play


def before_the_work(table: sa.Table, begin: Callable[[Robbery], Awaitable[str]]) -> Play:
    async def play(stage: Robbery, edit: Edit) -> str:
        id = await begin(stage)
        if table is activations:
            await edit(id)
            await stage.world.settle()
        else:
            await edit(of_the_signer(stage, table))
            await go_on(stage)
        return id

    return play


def before_the_signature(table: sa.Table) -> Play:
    return before_the_work(table, Robbery.confirmed)


def before_the_key_is_made(table: sa.Table) -> Play:
    async def asked(stage: Robbery) -> str:
        return (await stage.asked_for_a_key())[1]

    return before_the_work(table, asked)


def before_the_certificate(table: sa.Table) -> Play:
    async def play(stage: Robbery, edit: Edit) -> str:
        credential, id = await stage.asked_for_a_key()
        await stage.work(Work.KEY)
        made = {activations: id, credentials: credential}
        await edit(made[table] if table in made else of_the_signer(stage, table))
        await stage.world.settle()
        await stage.try_confirm()
        return id

    return play


async def before_a_box_key_is_given_out(stage: Robbery, edit: Edit) -> None:
    before = {row["slot"]: row["id"] for row in await stage.intruder.rows(box_keys)}
    await edit(max(before.values()))
    await stage.ask()
    for row in await stage.intruder.rows(box_keys):
        if row["seal"] is not None and row["created_at"] == stage.world.clock.now():
            await stage.intruder.delete(box_keys, row["id"])


def while_enrolling(before: str) -> Play:
    async def play(stage: Robbery, edit: Edit) -> None:
        qr, code = await stage.world.invite(stage.alice.user)
        newest = (await stage.intruder.rows(enrolments))[-1]["id"]
        stage.watched.before[f"{before} /device/v1/enrolments/"] = lambda: edit(newest)
        with suppress(PhoneError):
            await stage.world.new_phone().enrol(qr, code, PIN, "Key 2")

    return play


async def before_a_share_is_taken(stage: Robbery, edit: Edit) -> None:
    phone = await stage.second_phone()
    id = await stage.alice.phone.share(await phone.share_code())
    await stage.alice.phone.confirm(await stage.alice.phone.show(id), PIN)
    await stage.world.settle()
    await edit(id)
    with suppress(PhoneError):
        await phone.take_shares()
    assert not phone.kept().shares
    for row in await stage.intruder.rows(shares):
        await stage.intruder.delete(shares, row["id"])


async def before_a_second_operator_agrees(stage: Robbery, edit: Edit) -> None:
    s = stage.world.services
    approvals = Approvals(s.database, s.seals, s.clock, Ids(s.clock), two=True)
    await approvals.second("device.unlock", "device:1", "operator:one")
    (proposal,) = await stage.intruder.rows(proposals)
    await edit(proposal["id"])
    with suppress(DssError):
        assert await approvals.second("device.unlock", "device:1", "operator:two") is not None
    for row in await stage.intruder.rows(proposals):
        await stage.intruder.delete(proposals, row["id"])


async def before_an_application_logs_in(stage: Robbery, edit: Edit) -> None:
    await edit(stage.application.id)
    form = {"grant_type": "client_credentials"}
    known = (stage.application.id, stage.application.secret)
    answer = await stage.application.http.post("/oauth/token", data=form, auth=known)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def before_its_name_is_shown(stage: Robbery, edit: Edit) -> None:
    await edit(stage.application.id)
    await stage.try_confirm(await stage.ask())
    await stage.world.settle()


async def before_an_application_asks(stage: Robbery, edit: Edit) -> None:
    id = ClientId(stage.application.id)
    await stage.world.services.policies.change_client(id, Policy(biometric=False), OPERATOR)
    await edit(id)
    await stage.try_confirm(await stage.ask())
    await stage.world.settle()


async def before_an_application_that_was_stopped_asks(stage: Robbery, edit: Edit) -> None:
    if stage.stopped is None:
        stage.stopped = await stage.world.application("Stopped Ltd")
        asked = await stage.stopped.ask_hashes(stage.alice, HASH)
        await stage.alice.phone.decline(await stage.alice.phone.show(asked["id"]), cause="not_me")
    (block,) = await stage.intruder.rows(blocks)
    await stage.stopped.log_in()
    await edit(block["id"])
    await stage.stopped.http.post("/v1/signatures", json=wish_of(stage))


async def before_a_session_is_used(stage: Robbery, edit: Edit) -> None:
    session = await standing_session(stage)
    await edit(session)
    await stage.application.http.post("/v1/signatures", json=wish_of(stage) | {"session_id": session})
    await stage.world.settle()


async def between_place_and_signature(stage: Robbery, edit: Edit) -> str:
    session = await standing_session(stage)
    asked = await stage.application.post("/v1/signatures", wish_of(stage) | {"session_id": session})
    await edit(session)
    await stage.world.settle()
    return str(asked["id"])


async def standing_session(stage: Robbery) -> str:
    """Return a session that goes on and has a place left; the signer confirms one where there is none."""
    await stage.application.log_in()
    for told in (await stage.application.get("/v1/sessions"))["items"]:
        if told["used"] < told["signatures"]:
            return str(told["id"])
    key = CredentialId(stage.alice.credential_id)
    await stage.world.services.policies.change_credential(key, Policy(session=BOUNDS), OPERATOR)
    wish = {"credential_id": key, "signatures": BOUNDS.signatures, "minutes": BOUNDS.minutes}
    id = str((await stage.application.post("/v1/sessions", wish))["id"])
    await stage.alice.phone.confirm(await stage.alice.phone.show(id), PIN)
    return id


async def before_a_code_is_typed(stage: Robbery, edit: Edit) -> None:
    key, phone = CredentialId(stage.alice.credential_id), stage.alice.phone
    if not await stage.intruder.rows(offline_keys):
        await stage.world.services.policies.change_credential(key, Policy(offline=True), OPERATOR)
        await phone.confirm(await phone.show(await phone.change("offline", credential=key)), PIN)
        await stage.world.settle()
    id = await stage.open()
    qr = (await stage.application.get(f"/v1/transactions/{id}/offline-qr"))["text"]
    code = (await phone.offline_codes(phone.show_offline(qr), PIN)).confirm
    await edit(key)
    await stage.application.http.post(f"/v1/transactions/{id}/offline-code", json={"code": code})
    await stage.world.settle()
    await stage.application.http.post(f"/v1/signatures/{id}/cancel")


def wish_of(stage: Robbery) -> dict[str, Any]:
    return {"credential_id": stage.alice.credential_id, "text": "Please sign", "hashes": [HASH]}


MOMENTS = {
    "person before opening": Moment(users, before_opening(users), ("id",)),
    "person before the certificate": Moment(users, before_the_certificate(users), ("id",)),
    "application before it logs in": Moment(clients, before_an_application_logs_in, ("id",)),
    "application before its name is shown": Moment(clients, before_its_name_is_shown, ("id",)),
    "phone before opening": Moment(devices, before_opening(devices)),
    "phone before the answer": Moment(devices, before_the_answer(devices)),
    "phone before the signature": Moment(devices, before_the_signature(devices)),
    "phone before the key is made": Moment(devices, before_the_key_is_made(devices)),
    "phone before the certificate": Moment(devices, before_the_certificate(devices)),
    "key before opening": Moment(credentials, before_opening(credentials)),
    "key before the answer": Moment(credentials, before_the_answer(credentials)),
    "key before the signature": Moment(credentials, before_the_signature(credentials)),
    "key before the certificate": Moment(credentials, before_the_certificate(credentials), ("id",)),
    "confirmation before the signature": Moment(activations, before_the_signature(activations), ("transaction_id",)),
    "confirmation before the key": Moment(activations, before_the_key_is_made(activations), ("transaction_id",)),
    "confirmation before the certificate": Moment(
        activations, before_the_certificate(activations), ("transaction_id",)
    ),
    "box key before it is given out": Moment(box_keys, before_a_box_key_is_given_out, ("slot",)),
    "enrolment before its offer": Moment(enrolments, while_enrolling("GET"), ("id",)),
    "enrolment before the phone's keys": Moment(enrolments, while_enrolling("POST"), ("id",)),
    "share before it is taken": Moment(shares, before_a_share_is_taken, ("to_device_id", "state")),
    "proposal before a second agrees": Moment(proposals, before_a_second_operator_agrees, ("action", "subject")),
    "block before its application asks": Moment(blocks, before_an_application_that_was_stopped_asks, ("id",)),
    "session before it is used": Moment(sessions, before_a_session_is_used, ("transaction_id",)),
    "session between place and signature": Moment(sessions, between_place_and_signature, ("transaction_id",)),
    "codes before one is typed": Moment(offline_keys, before_a_code_is_typed, ("credential_id",)),
    "policy before its application asks": Moment(client_policies, before_an_application_asks, ("client_id",)),
}
