"""Who can write to the database and has no PIN of the HSM is no relying application, and reads nothing of one. T18."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from dss.clients import secret as secrets
from dss.clients.tables import clients
from dss.credentials.tables import sessions
from dss.kernel import canonical
from dss.kernel.errors import Tampered
from dss.kernel.ids import CredentialId
from dss.kernel.policy import Policy
from dss.transactions.tables import transactions
from tests.stories.moments import BOUNDS, standing_session
from tests.stories.robbery import Robbery, robbed, robbed_on_each_database
from tests.stories.test_answers import HASH
from tests.world.pdfs import simple_pdf
from tests.world.world import OPERATOR, PIN, Application

__all__ = ["robbed", "robbed_on_each_database"]

Edit = Callable[[Robbery, Application, str], Awaitable[None]]


async def token(stage: Robbery, secret: str) -> httpx.Response:
    """Let somebody log in as the application with a secret."""
    form, as_them = {"grant_type": "client_credentials"}, (stage.application.id, secret)
    return await stage.application.http.post("/oauth/token", data=form, auth=as_them)


# --- who it is ---


async def test_t18_with_a_secret_put_in_by_sql_nobody_signs_in_a_session_that_a_person_confirmed(
    robbed_on_each_database: Robbery,
) -> None:
    stage = robbed_on_each_database
    session = await standing_session(stage)
    row = await stage.intruder.row(clients, stage.application.id)
    mallory, hashed = secrets.new()
    await stage.intruder.edit(clients, stage.application.id, secret_hash=hashed)
    before = await stage.fruits()

    refused = await token(stage, mallory)

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert await stage.alarms(f"client:{stage.application.id}") == 1
    assert (await stage.fruits(), (await stage.intruder.row(sessions, session))["used"]) == (before, 0)
    await stage.intruder.edit(clients, stage.application.id, **row)
    assert (await token(stage, stage.application.secret)).status_code == 200


async def test_t18_no_phone_is_shown_a_name_that_was_written_by_sql(robbed: Robbery) -> None:
    """The token is from before, and good for minutes still."""
    await robbed.intruder.edit(clients, robbed.application.id, name="Tax Office")
    wish = {"credential_id": robbed.alice.credential_id, "text": "Please sign", "hashes": [HASH]}

    refused = await robbed.application.http.post("/v1/signatures", json=wish)

    assert (refused.status_code, refused.json()["title"]) == (423, Tampered.title)
    assert await robbed.alice.phone.waiting() == []
    assert await robbed.alarms(f"client:{robbed.application.id}") == 1


# --- what it collects ---


async def only_the_row(stage: Robbery, mallory: Application, id: str) -> None:
    await stage.intruder.edit(transactions, id, client_id=mallory.id)


async def the_request_too(stage: Robbery, mallory: Application, id: str) -> None:
    """In bytes that nobody signed."""
    row = await stage.intruder.row(transactions, id)
    said = canonical.decode(row["request"]) | {"relying_application": {"id": mallory.id, "name": "Mallory"}}
    await stage.intruder.edit(transactions, id, client_id=mallory.id, request=canonical.encode(said))


async def a_signed_request_of_their_own(stage: Robbery, mallory: Application, id: str) -> None:
    own = (await mallory.ask_hashes(stage.alice, HASH))["id"]
    row = await stage.intruder.row(transactions, own)
    signed = {name: row[name] for name in ("request", "request_jws")}
    await stage.intruder.edit(transactions, id, client_id=mallory.id, **signed)


@pytest.mark.parametrize("edit", [only_the_row, the_request_too, a_signed_request_of_their_own])
async def test_t18_t32_a_transaction_that_is_given_to_another_application_by_sql_is_collected_by_nobody(
    robbed_on_each_database: Robbery, edit: Edit
) -> None:
    stage, mallory = robbed_on_each_database, await robbed_on_each_database.world.application("Mallory")
    id = (await stage.application.ask(stage.alice, simple_pdf()))["id"]
    await stage.alice.phone.confirm(await stage.alice.phone.show(id), PIN)
    await stage.world.settle()
    file, row = f"/v1/signatures/{id}/documents/0", await stage.intruder.row(transactions, id)
    assert (await stage.application.http.get(file)).status_code == 200
    await edit(stage, mallory, id)

    for path in (f"/v1/signatures/{id}", file, f"/v1/signatures/{id}/evidence", f"/v1/transactions/{id}/device-link"):
        assert (await mallory.http.get(path)).status_code == 423, path
        assert (await stage.application.http.get(path)).status_code == 404, path
    assert (await mallory.http.post(f"/v1/signatures/{id}/cancel")).status_code == 423
    assert (await mallory.http.get(f"/v1/signatures/{id}/results")).status_code == 423
    assert await stage.alarms(f"transaction:{id}") == 6
    await stage.intruder.edit(transactions, id, **row)
    assert (await stage.application.http.get(file)).status_code == 200


async def test_t18_t32_a_session_that_is_given_to_another_application_by_sql_is_nobody_s(robbed: Robbery) -> None:
    mallory, session = await robbed.world.application("Mallory"), await standing_session(robbed)
    await robbed.intruder.edit(transactions, session, client_id=mallory.id)
    before = await robbed.fruits()
    wish: dict[str, Any] = {"credential_id": robbed.alice.credential_id, "text": "Please sign", "hashes": [HASH]}

    for application, status in ((mallory, 423), (robbed.application, 404)):
        assert (await application.http.get(f"/v1/sessions/{session}")).status_code == status
        assert (await application.http.post(f"/v1/sessions/{session}/end")).status_code == status
        tried = await application.http.post("/v1/signatures", json=wish | {"session_id": session})
        assert 400 <= tried.status_code < 500
    await robbed.world.settle()
    assert (await robbed.fruits(), (await robbed.intruder.row(sessions, session))["used"]) == (before, 0)


async def test_t18_what_was_confirmed_for_one_application_is_not_signed_for_another(robbed: Robbery) -> None:
    mallory, id = await robbed.world.application("Mallory"), await robbed.confirmed()
    await robbed.intruder.edit(transactions, id, client_id=mallory.id)
    before = await robbed.fruits()

    await robbed.world.settle()

    assert await robbed.fruits() == before
    assert await robbed.end(id) == ("failed", "the request is another transaction's")


@pytest.mark.parametrize("client_id", [None, "0" * 26])
async def test_t18_nor_for_an_operator_or_for_nobody(robbed: Robbery, client_id: str | None) -> None:
    id = await robbed.confirmed()
    await robbed.intruder.edit(transactions, id, client_id=client_id)
    before = await robbed.fruits()

    await robbed.world.settle()

    assert (await robbed.fruits(), (await robbed.end(id))[0]) == (before, "failed")


# --- the end of one ---


async def test_an_application_that_cannot_be_proven_is_ended_with_all_that_it_has_asked(
    robbed_on_each_database: Robbery,
) -> None:
    stage, id = robbed_on_each_database, robbed_on_each_database.application.id
    session, waiting = await standing_session(stage), await stage.open()
    await stage.intruder.edit(clients, id, name="Tax Office", scopes=["operators"])

    assert await stage.world.services.mending.end("client", id, OPERATOR) is None

    row = await stage.intruder.row(clients, id)
    assert (row["name"], row["scopes"], row["secret_hash"], row["jwks"]) == (f"ended {id}", [], None, None)
    assert await stage.world.services.mending.check() == []
    assert [(await stage.end(one))[0] for one in (session, waiting)] == ["cancelled", "cancelled"]
    assert (await token(stage, stage.application.secret)).status_code == 401
    assert await stage.alice.phone.waiting() == []


async def test_keys_and_policies_of_people_outlast_their_application(robbed: Robbery) -> None:
    key = CredentialId(robbed.alice.credential_id)
    await robbed.world.services.policies.change_credential(key, Policy(session=BOUNDS), OPERATOR)
    await robbed.intruder.edit(clients, robbed.application.id, name="Tax Office")
    await robbed.world.services.mending.end("client", robbed.application.id, OPERATOR)

    other = await robbed.world.application("Contracts Ltd")

    asked = await other.ask_hashes(robbed.alice, HASH)
    await robbed.alice.phone.confirm(await robbed.alice.phone.show(asked["id"]), PIN)
    await robbed.world.settle()
    assert (await robbed.end(asked["id"]))[0] == "signed"
