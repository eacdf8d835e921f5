"""T08: a person who did not ask for a request stops its application, until they or an operator let it ask again."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from dss.kernel.errors import NotFound
from dss.kernel.ids import ClientId, CredentialId
from dss.kernel.keyspec import KeySpec
from dss.kernel.policy import Bounds, Policy
from dss.transactions.model import OpenCreation
from dss.transactions.tables import blocks
from tests.stories.pestering import Stage, shared_world, stage, stage_on_each_database, staged, usual_world
from tests.world.owners import HASH
from tests.world.softhsm import SoftHsm
from tests.world.world import OPERATOR, PIN

__all__ = ["shared_world", "stage", "stage_on_each_database"]

SECOND_OPERATOR = "operator:second"

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_t08_not_me_stops_the_application_and_ends_what_it_has_asked(stage_on_each_database: Stage) -> None:
    stage = stage_on_each_database
    others = [await stage.asked(), await stage.asked()]
    foreign = await stage.asked(stage.bank)
    id = await stage.asked()
    await stage.decline(id, "I am not buying anything", "not_me")

    told = await stage.state(id)
    assert (told["state"], told["reason"], told["cause"]) == ("declined", "I am not buying anything", "not_me")
    assert [(await stage.state(other))["state"] for other in others] == ["cancelled", "cancelled"]
    assert [notice.id for notice in await stage.alice.phone.waiting()] == [foreign]
    refused = await stage.ask()
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:dss:error:forbidden")
    await stage.shop.post("/v1/credentials", {"user": stage.alice.user.login, "key_type": "P-256"}, status=403)
    assert len(await stage.alice.phone.waiting()) == 1
    await stage.asked(stage.bank)
    (block,) = await stage.alice.phone.blocks()
    assert (block.application.id, block.application.name) == (stage.shop.id, "Shop of alice")


async def test_t08_operators_are_told_of_a_request_that_was_not_the_signer_s(stage: Stage) -> None:
    id = await stage.asked()
    await stage.decline(id, cause="not_me")

    assert (await stage.world.tells(f"transaction:{id}"))[-2:] == ["transaction.declined", "alarm.not_me"]
    (alarm, *_) = await stage.world.services.audit.newest(100, "alarm.")
    assert alarm.event.details == {"signer": stage.alice.user.id, "client": stage.shop.id}
    assert await stage.world.tells(f"block:{stage.alice.user.id}/{stage.shop.id}") == ["block.set"]
    (letter,) = await stage.letters_to_operators()
    assert f"Shop of {stage.alice.user.login}" in letter
    assert "until the signer or an operator" in letter


async def test_t08_a_refusal_of_an_operator_s_request_stops_nobody_and_is_told(stage: Stage) -> None:
    wish = OpenCreation(None, stage.alice.user.login, KeySpec.P256, operator=OPERATOR)
    id = (await stage.world.services.opening.open_creation(wish)).id
    await stage.decline(id, cause="not_me")

    assert "alarm.not_me" in await stage.world.tells(f"transaction:{id}")
    assert await stage.alice.phone.blocks() == []
    (letter,) = await stage.letters_to_operators()
    assert "Demo signature server" in letter
    assert "until the signer or an operator" not in letter
    await stage.asked()


async def test_t08_the_signer_allows_an_application_again_by_a_confirmed_change(stage: Stage) -> None:
    await stage.decline(await stage.asked(), cause="not_me")
    shown = await stage.alice.phone.show(await stage.alice.phone.change("allow", relying_application=stage.shop.id))
    assert (await stage.ask()).status_code == 403, "opened is not confirmed"

    await stage.alice.phone.confirm(shown, PIN)
    await stage.world.settle()
    assert await stage.alice.phone.state(shown.id) == "signed"
    assert await stage.alice.phone.blocks() == []
    await stage.decline(await stage.asked(), cause="not_me")
    assert (await stage.ask()).status_code == 403, "and stops it again"
    assert await stage.allow() == "signed"


async def test_t08_an_operator_allows_an_application_again_and_the_signer_is_written_to(stage: Stage) -> None:
    await stage.decline(await stage.asked(), cause="not_me")
    blocking, shop = stage.world.services.blocking, ClientId(stage.shop.id)
    lifted = await blocking.allow(stage.alice.user.id, shop, OPERATOR)

    assert (await stage.world.tells(f"block:{lifted.pair.key}"))[-1:] == ["block.lifted"]
    letter = (await stage.letters_to(stage.alice.user.email))[-1]
    assert f"Shop of {stage.alice.user.login}" in letter
    with pytest.raises(NotFound):
        await blocking.allow(stage.alice.user.id, shop, OPERATOR)
    await stage.asked()


async def test_t08_where_two_operators_are_the_policy_one_alone_lifts_no_block(
    softhsm: SoftHsm, sqlite_url: str, tmp_path: Path
) -> None:
    async with usual_world(softhsm, sqlite_url, tmp_path, two_operators=True) as world:
        stage = await staged(world)
        await stage.decline(await stage.asked(), cause="not_me")
        blocking, shop = stage.world.services.blocking, ClientId(stage.shop.id)
        await blocking.allow(stage.alice.user.id, shop, OPERATOR)
        await blocking.allow(stage.alice.user.id, shop, OPERATOR)
        assert (await stage.ask()).status_code == 403

        await blocking.allow(stage.alice.user.id, shop, SECOND_OPERATOR)
        await stage.asked()


async def test_t08_nothing_slips_in_beside_the_answer_that_stops_an_application(stage_on_each_database: Stage) -> None:
    stage = stage_on_each_database
    ids = [await stage.asked() for _ in range(3)]
    shown = [await stage.alice.phone.show(id) for id in ids]
    asking = [stage.ask() for _ in range(20)]
    declining = stage.alice.phone.decline(shown[1], cause="not_me")
    *_, declined = await asyncio.gather(*asking, declining)

    assert declined == "declined"
    assert await stage.alice.phone.waiting() == []
    assert (await stage.ask()).status_code == 403
    assert {(await stage.state(id))["state"] for id in (ids[0], ids[2])} == {"cancelled"}


async def test_t08_a_session_ends_with_the_answer_that_stops_its_application(stage: Stage) -> None:
    key = CredentialId(stage.alice.credential_id)
    await stage.world.services.policies.change_credential(key, Policy(session=Bounds(5, 30)), OPERATOR)
    wish = {"credential_id": key, "text": "Today's letters", "signatures": 5, "minutes": 30}
    session = (await stage.shop.post("/v1/sessions", wish))["id"]
    await stage.confirm(session)
    in_session = {"credential_id": key, "session_id": session, "hashes": [HASH]}
    await stage.shop.post("/v1/signatures", in_session)
    await stage.decline(await stage.asked(), cause="not_me")

    assert (await stage.shop.get(f"/v1/sessions/{session}"))["state"] == "cancelled"
    await stage.shop.post("/v1/signatures", in_session, status=409)


async def test_t08_a_block_that_was_lifted_behind_the_server_s_back_is_an_alarm_and_no_permission(stage: Stage) -> None:
    await stage.decline(await stage.asked(), cause="not_me")
    mine = sa.update(blocks).where(blocks.c.user_id == stage.alice.user.id)
    async with stage.world.services.database.write() as connection:
        await connection.execute(mine.values(lifted_at=stage.world.clock.now(), lifted_by=OPERATOR))

    refused = await stage.ask()
    assert (refused.status_code, refused.json()["type"]) == (423, "urn:dss:error:tampered")
    (alarm, *_) = await stage.world.services.audit.newest(100, "alarm.")
    assert (alarm.event.kind, alarm.event.subject.partition(":")[0]) == ("alarm.seal_broken", "block")


async def test_t08_a_block_whose_row_is_gone_is_not_taken_for_none(stage: Stage) -> None:
    await stage.decline(await stage.asked(), cause="not_me")
    mine = sa.delete(blocks).where(blocks.c.user_id == stage.alice.user.id)
    async with stage.world.services.database.write() as connection:
        await connection.execute(mine)

    assert (await stage.ask()).status_code == 423
    (alarm, *_) = await stage.world.services.audit.newest(100, "alarm.")
    assert alarm.event.subject == f"block:{stage.alice.user.id}/{stage.shop.id}"
    await stage.asked(stage.bank)
