"""T53: canaries in a whole flow. Each is found exactly where it must be, in all that anybody ever gets to see."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.stories import canary_faults as faults
from tests.stories import canary_outlets as outlets
from tests.stories.canaries import Canaries, taken_log
from tests.stories.canary_flow import (
    FILE_NAME,
    IN_DOCUMENT,
    REASON,
    TEXT,
    Flow,
    WatchedWorld,
    planted_by_phones,
    witness_key,
)
from tests.world import world as worlds
from tests.world.databases import Cluster
from tests.world.owners import quick_proofs
from tests.world.softhsm import SoftHsm

pytestmark = pytest.mark.asyncio(loop_scope="module")

DATABASE_PASSWORD = "canary-of-the-database"
YEARS = timedelta(days=7 * 366 + 1)
# The request as the phone was shown it, which the phone's answer signs.
REQUEST = {"transactions.request", "transactions.request_jws"}
# Evidence holds the request, and whoever may see it is told what it says.
SHOWN = {"evidence.core", "evidence", "evidence verify", "reports", "history on the phone"}
HOMES = {
    IN_DOCUMENT: {"documents"},  # the file itself, until it is collected
    FILE_NAME: {"documents.name", "transaction_entries.item"} | REQUEST | SHOWN,
    TEXT: {"transactions.text"} | REQUEST | SHOWN,
    REASON: {"transactions.answer", "transactions.why"}
    | SHOWN,  # the answer is the phone's; the application is told why
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def flow(
    softhsm: SoftHsm, postgres: Cluster, postgres_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Flow]:
    """The flow, run once for all tests, on a database that is opened by a password."""
    folder, witness = tmp_path_factory.mktemp("canaries"), Ed25519PrivateKey.generate()
    witnesses = tmp_path_factory.mktemp("witnesses") / "witnesses"
    witnesses.write_text(witness_key(witness).text)
    url = postgres.create("canaries", postgres_template).replace("@", f":{DATABASE_PASSWORD}@")
    settings = worlds.settings

    async def forgotten(_: object) -> None:
        """In this world's end its log has lost its events, as it should."""

    with pytest.MonkeyPatch.context() as patch, taken_log() as log, quick_proofs():
        patch.setattr(worlds, "settings", lambda *given: replace(settings(*given), witnesses=witnesses))
        patch.setattr(worlds, "audit_all", forgotten)
        async with worlds.new_world(softhsm, url, folder) as world:
            canaries = Canaries(world, log)
            watched = WatchedWorld(world.services, world.app, world.clock, folder, canaries=canaries)
            made = Flow(watched, witness)
            canaries.plant("the database's password", DATABASE_PASSWORD)
            for name in ("user", "ca", "service"):
                canaries.plant(f"the HSM's PIN of {name}", softhsm.spec(name).pin)
            for text, places in HOMES.items():
                canaries.plant(text, text, *places)
            with planted_by_phones(canaries):
                await made.run()
                yield made
    postgres.drop("canaries")


async def test_t53_after_a_whole_flow_every_secret_is_where_it_must_be_and_nowhere_else(
    flow: Flow, softhsm: SoftHsm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await outlets.read_log(flow)
    records = await outlets.read_evidence(flow, tmp_path_factory.mktemp("records"))
    await outlets.read_audit(flow, "Auditors")
    await outlets.look_back(flow)
    await outlets.run_commands(flow, softhsm, tmp_path_factory.mktemp("export"), records)

    found = await flow.canaries.look()
    assert {name: found[name] for name in found if found[name] != flow.canaries.home[name]} == {}
    assert len([name for name in found if name.startswith("sealed ")]) > 15
    assert {"the DPoP proofs", "the access tokens"} <= set(found)


async def test_t53_mistakes_and_faults_tell_no_secret_to_log_audit_or_caller(
    flow: Flow, softhsm: SoftHsm, postgres: Cluster
) -> None:
    await faults.provoke(flow)
    await faults.provoke_uvicorn(flow)
    await faults.alter_rows(flow)
    await faults.fail_as_nobody_thought_of(flow)
    await faults.let_tokens_expire(flow)
    await faults.mistake_the_database(flow, softhsm, DATABASE_PASSWORD)
    await faults.take_away_the_hsm(flow, softhsm)
    await faults.take_away_the_database(flow, postgres)
    await flow.world.seal()
    await outlets.read_audit(flow, "Later auditors")

    assert await flow.canaries.misplaced() == {}
    logged = flow.canaries.log.getvalue()
    assert "a fault that nobody thought of" in logged
    assert all(f'"logger": "{name}' in logged for name in ("dss.", "sqlalchemy.engine", "uvicorn.error"))


async def test_t53_what_is_left_after_the_years_of_retention_tells_no_secret_either(flow: Flow) -> None:
    await flow.revoke()
    await flow.world.seal()
    flow.world.clock.move(YEARS.total_seconds())
    assert await flow.world.services.retiring.round() > len(flow.ended)
    await flow.world.seal()
    assert await flow.canaries.misplaced() == {}
