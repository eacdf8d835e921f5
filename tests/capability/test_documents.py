"""Documents from the upload to the finished file, on both databases and with real children."""

import asyncio
import hashlib
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from dss.audit.service import Audit
from dss.documents import pades
from dss.documents.model import Limits, NewDocument, NotVerified
from dss.documents.pool import Pool
from dss.documents.service import Documents, Means
from dss.infra.db import Database
from dss.infra.files import FolderStore
from dss.kernel.digest import Digest
from dss.kernel.errors import (
    BadDocument,
    DeceptiveText,
    IdempotencyConflict,
    Invalid,
    NotFound,
    TooLarge,
    UnsupportedMedia,
)
from dss.kernel.ids import ClientId, Ids
from dss.kernel.keyspec import KeySpec, Padding, Scheme
from tests.world.clock import START, HandClock
from tests.world.pdfs import MIB, bomb_pdf, large_pdf, simple_pdf, truncated_pdf
from tests.world.signed_pdfs import locked_pdf
from tests.world.signers import PSS, soft_signer

BANK, SHOP = ClientId("B" * 26), ClientId("S" * 26)
NEW = NewDocument(BANK, "Договір.pdf", "application/pdf")


class Desk:
    """The service with what it stands on."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder, self.clock = database, folder, HandClock()
        ids = Ids(self.clock)
        self.audit, self.pool = Audit(database, self.clock, ids), Pool(Limits(), 1)
        means = Means(
            database,
            FolderStore(folder / "uploads"),
            FolderStore(folder / "made"),
            self.pool,
            self.audit,
            self.clock,
            ids,
        )
        self.documents = Documents(means)

    async def upload(self, content: bytes = b"", **changes: object):
        self.clock.move(1)
        return await self.documents.upload(replace(NEW, **changes), pieces(content or simple_pdf()))

    def bytes_of(self, digest: Digest) -> bytes:
        return self.documents.product(digest).read_bytes()


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 65536):
        yield content[start : start + 65536]


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(database, tmp_path / "documents")
    yield made
    await made.pool.close()


async def test_an_upload_is_kept_as_it_came_and_told_in_the_audit_log(desk):
    document = await desk.upload()

    assert await desk.documents.get(BANK, document.id) == document
    assert (document.name, document.size, document.digest) == (
        "Договір.pdf",
        len(simple_pdf()),
        Digest.of(simple_pdf()),
    )
    assert desk.documents.original(document.digest).read_bytes() == simple_pdf()
    (told,) = await desk.audit.of_subject(f"document:{document.id}")
    assert (told.event.kind, told.event.actor) == ("document.uploaded", f"client:{BANK}")
    assert told.event.details == {"sha256": document.digest.hex, "size": str(document.size)}


async def test_another_clients_document_looks_like_an_absent_one(desk):
    """T16."""
    document = await desk.upload()

    refusals = []
    for client, id in ((SHOP, document.id), (BANK, "0" * 26)):
        with pytest.raises(NotFound) as refusal:
            await desk.documents.get(client, id)
        refusals.append(refusal.value.detail)
    assert refusals[0] == refusals[1]
    assert await desk.documents.list(SHOP, None, 10) == []


async def test_the_list_goes_on_after_a_cursor_oldest_first(desk):
    uploaded = [await desk.upload(name=f"{number}.pdf") for number in range(5)]

    first = await desk.documents.list(BANK, None, 3)
    rest = await desk.documents.list(BANK, first[-1].id, 3)

    assert [*first, *rest] == uploaded
    assert await desk.documents.list(BANK, rest[-1].id, 3) == []


async def test_the_same_upload_under_the_same_key_is_one_document(desk):
    """T43."""
    first = await desk.upload(idempotency_key="upload-1")

    assert await desk.upload(idempotency_key="upload-1") == first
    assert len(await desk.audit.newest()) == 1


async def test_the_same_upload_at_the_same_time_is_one_document(desk):
    found = await asyncio.gather(*(desk.upload(idempotency_key="upload-1") for _ in range(10)))

    assert len(set(found)) == len(await desk.documents.list(BANK, None, 100)) == len(await desk.audit.newest()) == 1


@pytest.mark.parametrize("change", [{"content": simple_pdf(2)}, {"name": "another.pdf"}])
async def test_another_upload_under_the_same_key_is_refused(desk, change):
    await desk.upload(idempotency_key="upload-1")

    with pytest.raises(IdempotencyConflict):
        await desk.upload(idempotency_key="upload-1", **change)


async def test_keys_of_different_clients_are_different_and_without_a_key_each_upload_is_new(desk):
    made = [
        await desk.upload(idempotency_key="upload-1"),
        await desk.upload(client_id=SHOP, idempotency_key="upload-1"),
    ]
    made += [await desk.upload(), await desk.upload()]

    assert len({document.id for document in made}) == 4


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"name": ""}, DeceptiveText),
        ({"name": ".."}, DeceptiveText),
        ({"name": "../../etc/passwd"}, DeceptiveText),
        ({"name": "C:\\contract.pdf"}, DeceptiveText),
        ({"name": "contract\N{RIGHT-TO-LEFT OVERRIDE}fdp.exe"}, DeceptiveText),
        ({"name": "con\ntract.pdf"}, DeceptiveText),
        ({"name": "x" * 256}, Invalid),
        ({"media_type": "text/html"}, UnsupportedMedia),
        ({"idempotency_key": "a\x00b"}, DeceptiveText),
    ],
)
async def test_a_name_that_deceives_and_a_type_that_is_not_signed_are_refused(desk, change, refusal):
    """T04."""
    with pytest.raises(refusal):
        await desk.upload(**change)

    assert await desk.audit.newest() == []
    assert [path for path in desk.folder.rglob("*") if path.is_file()] == []


async def test_an_empty_upload_is_refused(desk):
    with pytest.raises(Invalid, match="the file is empty"):
        await desk.documents.upload(NEW, pieces(b""))


async def test_one_byte_over_the_limit_is_refused_and_the_limit_is_told(desk):
    """T56: 50 MiB + 1 byte."""
    with pytest.raises(TooLarge, match=str(50 * MIB)):
        await desk.upload(bytes(50 * MIB + 1))

    assert await desk.documents.list(BANK, None, 1) == []


@pytest.mark.parametrize(
    ("spec", "scheme"), [(KeySpec.P256, None), (KeySpec.P384, None), (KeySpec.RSA_2048, None), (KeySpec.RSA_2048, PSS)]
)
async def test_a_document_is_prepared_completed_and_valid(desk, spec, scheme):
    alice, document = soft_signer(spec, scheme), await desk.upload()

    prepared = await desk.documents.prepare(document, alice.how("I agree"))
    finished = await desk.documents.complete(prepared, alice.sign(prepared.attributes), alice.chain)

    assert prepared.document_digest == document.digest
    assert prepared.to_sign == Digest(
        spec.natural_hash, hashlib.new(prepared.to_sign.name, prepared.attributes).digest()
    )
    assert desk.bytes_of(prepared.prepared.digest).startswith(simple_pdf())
    await pades.validate(BytesIO(desk.bytes_of(finished.digest)), alice.chain, START)
    assert finished.size == prepared.prepared.size


async def test_completing_again_after_a_crash_gives_the_same_file(desk):
    """T26: the stored state is all that it takes."""
    alice, document = soft_signer(KeySpec.RSA_2048), await desk.upload()
    prepared = await desk.documents.prepare(document, alice.how())
    signature = alice.sign(prepared.attributes)

    first = await desk.documents.complete(prepared, signature, alice.chain)
    assert await desk.documents.complete(prepared, signature, alice.chain) == first


async def test_a_document_of_the_greatest_size_is_signed(desk):
    alice, document = soft_signer(), await desk.upload(large_pdf(50 * MIB))

    prepared = await desk.documents.prepare(document, alice.how())
    finished = await desk.documents.complete(prepared, alice.sign(prepared.attributes), alice.chain)

    assert document.size == 50 * MIB
    assert finished.size > document.size


async def test_a_signature_by_another_key_releases_nothing(desk):
    """T58."""
    alice, mallory, document = soft_signer(), soft_signer(name="Mallory"), await desk.upload()
    prepared = await desk.documents.prepare(document, alice.how())

    for signature, chain in ((mallory.sign(prepared.attributes), alice.chain), (b"", alice.chain)):
        with pytest.raises(NotVerified):
            await desk.documents.complete(prepared, signature, chain)
    with pytest.raises(NotVerified):
        await desk.documents.complete(prepared, mallory.sign(prepared.attributes), mallory.chain)


@pytest.mark.parametrize("bad", [b"Dear Sir", truncated_pdf(), simple_pdf(password="secret"), bomb_pdf()])
async def test_a_bad_document_is_refused_and_the_next_one_is_signed(desk, bad):
    """T55, T56."""
    alice = soft_signer()
    with pytest.raises(BadDocument):
        await desk.documents.prepare(await desk.upload(bad), alice.how())

    assert await desk.documents.prepare(await desk.upload(), alice.how())


async def test_a_document_whose_earlier_signature_would_break_is_refused(desk):
    with pytest.raises(BadDocument, match="an earlier signature"):
        await desk.documents.prepare(await desk.upload(await locked_pdf()), soft_signer().how())


async def test_a_key_cannot_be_prepared_for_with_another_kinds_scheme(desk):
    how = replace(soft_signer().how(), scheme=Scheme(Padding.PKCS1))

    with pytest.raises(Invalid):
        await desk.documents.prepare(await desk.upload(), how)


async def test_pdfsig_calls_the_signature_valid(desk):
    alice, document = soft_signer(), await desk.upload()
    prepared = await desk.documents.prepare(document, alice.how())
    finished = await desk.documents.complete(prepared, alice.sign(prepared.attributes), alice.chain)

    path = str(desk.documents.product(finished.digest))
    told = (await asyncio.to_thread(subprocess.run, ["pdfsig", path], capture_output=True, check=True)).stdout.decode()

    assert "Signature Validation: Signature is Valid." in told
    assert "Total document signed" in told
    assert "Signature Type: ETSI.CAdES.detached" in told


async def test_a_discarded_product_is_gone_and_an_upload_of_the_same_bytes_stays(desk):
    alice = soft_signer(KeySpec.P256)
    prepared = await desk.documents.prepare(await desk.upload(), alice.how("I agree"))
    finished = await desk.documents.complete(prepared, alice.sign(prepared.attributes), alice.chain)
    again = await desk.upload(desk.bytes_of(finished.digest))

    for digest in (finished.digest, prepared.prepared.digest, finished.digest):
        await desk.documents.discard(digest)

    with pytest.raises(NotFound):
        desk.documents.product(finished.digest)
    assert desk.documents.original(again.digest).is_file()
