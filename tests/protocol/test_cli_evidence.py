"""`dss evidence export`: the record of any transaction for an operator, and the log tells who took it.

Source: docs/evidence.md section 5.
"""

import asyncio
import base64
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result

from dss.cli.running import OPERATOR
from dss.evidence.record import Record
from dss.evidence.verifying import verify
from dss.settings import TokenName
from tests.protocol.cli_world import Command, dss
from tests.stories.batches import digests
from tests.world.owners import HASH
from tests.world.pdfs import simple_pdf
from tests.world.stranger import trust
from tests.world.world import PIN, Application, Signer, World

__all__ = ["dss"]

DECLINED = 7


@dataclass
class Desk:
    """An operator at the command line, beside a relying application and a signer."""

    world: World
    dss: Command
    application: Application
    alice: Signer
    out: Path

    async def export(self, id: str, *options: str) -> Result:
        """Run the command."""
        self.out.unlink(missing_ok=True)
        words = ("evidence", "export", id, "--out", str(self.out), *options)
        return await asyncio.to_thread(self.dss, *words, pins=(TokenName.SERVICE,))

    async def refused(self, id: str, *options: str) -> str:
        """Run the command, which must leave no file; return why."""
        done = await self.export(id, *options)
        assert (done.exit_code, self.out.exists()) == (1, False)
        return done.stderr

    async def told(self) -> list[tuple[str, str, Mapping[str, str]]]:
        """Who took what, as the log tells it."""
        events = [one.event for one in await self.world.services.audit.newest(kind="evidence.exported")]
        return [(event.actor, event.subject, event.details) for event in events]

    async def batch(self) -> str:
        """Have a batch signed, but for one document; return its id."""
        texts = [base64.b64encode(digest).decode() for digest in digests(101)]
        id = str((await self.application.ask_hashes(self.alice, *texts))["id"])
        await self.alice.phone.confirm(await self.alice.phone.show(id), PIN, declined_documents=(DECLINED,))
        await self.world.settle()
        return id


@pytest.fixture
async def desk(world: World, dss: Command, tmp_path: Path) -> Desk:
    dss.environment.setenv("DSS_LOG_ORIGIN", world.services.settings.log_origin)
    application = await world.application()
    return Desk(world, dss, application, await world.signer(application), tmp_path / "record.json")


async def test_an_operator_takes_evidence_and_the_log_tells_who(desk: Desk) -> None:
    id = str((await desk.application.ask(desk.alice, simple_pdf()))["id"])
    assert "there is no evidence" in await desk.refused(id)
    await desk.alice.phone.decline(await desk.alice.phone.show(id))
    assert "has not sealed it yet" in await desk.refused(id)
    await desk.world.seal()
    assert await desk.told() == []

    done = await desk.export(id)

    assert done.exit_code == 0, done.stderr
    proven = verify(desk.out.read_bytes(), await trust(desk.world.services))
    assert (proven.transaction, stat.S_IMODE(desk.out.stat().st_mode)) == (id, 0o600)
    assert await desk.told() == [(OPERATOR, f"transaction:{id}", {})]


async def test_of_a_batch_each_document_is_taken_by_itself(desk: Desk) -> None:
    id = await desk.batch()
    await desk.world.seal()

    assert "each of its documents: ask for one of them by its index" in await desk.refused(id)
    assert "has no signature" in await desk.refused(id, "--index", str(DECLINED))
    assert "no document 101" in await desk.refused(id, "--index", "101")
    assert await desk.told() == []
    done = await desk.export(id, "--index", "100")

    assert done.exit_code == 0, done.stderr
    record = Record.read(desk.out.read_bytes())
    assert record.leaf is not None
    assert record.leaf.piece.index == 100
    proven = verify(record.encoded(), await trust(desk.world.services))
    assert [item.to_sign.value for item in proven.documents] == [digests(101)[100]]
    assert await desk.told() == [(OPERATOR, f"transaction:{id}", {"index": "100"})]


async def test_an_index_is_for_batches_and_a_transaction_that_is_not_there_has_no_evidence(desk: Desk) -> None:
    id = str((await desk.application.ask_hashes(desk.alice, HASH))["id"])
    await desk.alice.phone.confirm(await desk.alice.phone.show(id), PIN)
    await desk.world.settle()
    await desk.world.seal()

    assert "ask for it without an index" in await desk.refused(id, "--index", "0")
    assert "no such thing" in await desk.refused("0" * 26)
    assert (await desk.export(id, "--index", "-1")).exit_code == 2
    assert (await desk.export(id)).exit_code == 0
