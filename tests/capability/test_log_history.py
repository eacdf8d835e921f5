"""What an auditor finds of a log that was cut off, put back or written anew.

What an intruder does consistently shows only in a checkpoint that was kept elsewhere, or in the log's own signature.
Source: docs/transparency-log.md sections 2 and 5; T52.
"""

import hashlib

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dss.audit.checkpoint import Checkpoint, cosigned_message
from dss.audit.merkle import Head
from dss.audit.note import COSIGNATURE, ED25519, Note, SignatureLine, VerifierKey
from dss.audit.service import Audit
from dss.audit.tables import log_cosignatures
from dss.hsm.servicekeys import KeyName
from dss.infra.db import Database
from tests.world.clock import HandClock
from tests.world.log_site import ORIGIN, Site, signed, site, site_on

__all__ = ["site"]


@pytest.fixture
def other_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"another key").digest())


async def test_t52_a_log_cut_back_to_an_older_signed_state_is_found_by_who_kept_a_newer_checkpoint(site: Site):
    await site.write(5)
    backup = await site.copy()
    await site.write(5)
    kept = await site.kept()
    await site.restore(backup)
    assert await site.kinds() == [], "nothing in the log itself tells"
    assert await site.kinds(kept) == ["log_shorter"]


async def test_t52_a_restored_backup_that_grew_on_is_found_by_its_root(site: Site):
    await site.write(5)
    backup = await site.copy()
    await site.write(5)
    kept = await site.kept()
    await site.restore(backup)
    await site.write(9, kind="thing.else")
    assert await site.kinds() == []
    assert await site.kinds(kept) == ["root_differs"]


async def test_an_older_kept_checkpoint_holds_for_a_log_that_only_grew(site: Site):
    for _ in range(4):
        await site.write(3)
        kept = await site.kept()
    await site.write(300)
    assert await site.kinds(kept) == []


async def test_t52_a_rewritten_log_is_found_by_its_own_checkpoint(site: Site):
    await site.write(10)
    await site.edit(4, kind="thing.undone")
    await site.rewrite(None)
    assert await site.kinds() == ["root_differs"]


async def test_t52_a_rewritten_log_that_another_key_signed_is_found(site: Site, other_key: Ed25519PrivateKey):
    await site.write(10)
    await site.edit(4, kind="thing.undone")
    await site.rewrite(other_key)
    site.clock.move(120)
    assert await site.kinds() == ["checkpoint_refused", "unsigned"]


async def test_t52_a_log_rewritten_by_who_holds_its_key_is_found_by_who_kept_a_checkpoint(site: Site):
    await site.write(10)
    kept = await site.kept()
    await site.write(2)
    await site.edit(4, kind="thing.undone")
    await site.rewrite(site.keys._ed25519[KeyName.LOG])
    assert await site.kinds() == []
    assert await site.kinds(kept) == ["root_differs"]


@pytest.mark.parametrize("forged", ["signature", "origin", "text"])
async def test_a_kept_checkpoint_that_the_log_never_signed_is_told(
    site: Site, forged: str, other_key: Ed25519PrivateKey
):
    await site.write(3)
    kept = await site.kept()
    text = Checkpoint(ORIGIN, Head(3, b"x" * 32)).text
    notes = {
        "signature": signed(text, other_key),
        "origin": kept.replace(ORIGIN, "other.example.org/log"),
        "text": kept.replace("\n3\n", "\n2\n"),
    }
    assert await site.kinds(notes[forged]) == ["checkpoint_refused"]


async def test_a_log_is_held_against_the_key_that_the_auditor_gives(site: Site, other_key: Ed25519PrivateKey):
    await site.write(3)
    own = await site.auditing.log_key()
    site.keys.stopped = True
    assert (await site.verify(key=own)).findings == ()
    strange = VerifierKey(ORIGIN, ED25519, other_key.public_key().public_bytes_raw())
    assert {finding.kind for finding in (await site.verify(key=strange)).findings} == {"checkpoint_refused"}


@pytest.fixture
async def witnessed(database: Database, clock: HandClock, audit: Audit, other_key: Ed25519PrivateKey) -> Site:
    """A log of five events that a witness cosigned."""
    witness = VerifierKey("witness.example.org", COSIGNATURE, other_key.public_key().public_bytes_raw())
    log = site_on(database, clock, audit, (witness,))
    await log.write(5)
    note = Note.read(await log.kept())
    value = int(clock.now().timestamp()).to_bytes(8) + other_key.sign(cosigned_message(clock.now(), note.text))
    await log.log.cosign(Note(note.text, (SignatureLine(witness.name, witness.id, value),)).written)
    return log


async def test_a_verified_log_tells_how_far_each_witness_cosigned_it(witnessed: Site):
    await witnessed.write(2)
    report = await witnessed.verify()
    assert (report.findings, report.seen.cosigned, report.seen.newest) == ((), {"witness.example.org": 5}, 7)


async def test_t52_a_forged_cosignature_is_found(witnessed: Site):
    async with witnessed.database.write() as connection:
        line = (await connection.execute(sa.select(log_cosignatures.c.line))).scalar_one()
        forged = line.replace(line.split()[-1][10:14], "AAAA")
        await connection.execute(sa.update(log_cosignatures).values(line=forged))
    assert await witnessed.kinds() == ["cosignature_refused"]
