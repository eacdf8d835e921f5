"""The children that read foreign PDFs: what they get to see, and what happens when one of them fails."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import uvloop

from dss.documents import process
from dss.documents.model import Limits, NotVerified
from dss.documents.pool import Pool
from dss.kernel.errors import BadDocument, Unavailable
from tests.world.pdfs import MIB, bomb_pdf, compressed_pdf, described_pdf, large_pdf, simple_pdf, slow_pdf
from tests.world.signed_pdfs import foreign_signed_pdf, prepared, timestamped_pdf
from tests.world.signers import soft_signer

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux tells and limits this")
HOW = soft_signer().how()


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    """One child."""
    made = Pool(Limits(), 1)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    return written(tmp_path, simple_pdf())


def written(folder: Path, content: bytes) -> Path:
    path = folder / "document.pdf"
    path.write_bytes(content)
    return path


def pids(pool: Pool) -> list[int]:
    return [child._process.pid for child in pool._children if child._process]


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def surroundings(pid: int) -> tuple[bytes, Path]:
    """A process's environment and working folder."""
    return Path(f"/proc/{pid}/environ").read_bytes(), Path(f"/proc/{pid}/cwd").readlink()


def descriptors(pid: int) -> list[str]:
    """What a process has open beside its three standard descriptors."""
    folder = Path(f"/proc/{pid}/fd")
    return sorted(str(one.readlink()).partition(":")[0] for one in folder.iterdir() if int(one.name) > 2)


OWN_EVENT_LOOP = ["anon_inode", "socket", "socket"]


@on_linux
async def test_a_child_is_locked_down_before_it_reads_anything(pool):
    (pid,) = pids(pool)

    told = status(pid)
    assert (told["Seccomp"], told["NoNewPrivs"]) == ("2", "1")
    assert set(told["CapEff"]) == {"0"}
    assert "0" not in told["Uid"].split()
    assert surroundings(pid) == (b"", Path("/"))
    assert descriptors(pid) == OWN_EVENT_LOOP


@on_linux
def test_a_child_inherits_nothing_also_from_a_loop_that_leaves_descriptors_open(tmp_path):
    """uvloop passes on what is inheritable, as files are that a PKCS#11 module opened."""

    async def opened_in_a_child() -> list[str]:
        pool = Pool(Limits(), 1)
        try:
            await pool.start()
            return descriptors(pids(pool)[0])
        finally:
            await pool.close()

    with (tmp_path / "pin").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            assert runner.run(opened_in_a_child()) == OWN_EVENT_LOOP


@pytest.mark.parametrize("content", [simple_pdf(5), compressed_pdf(), described_pdf()])
async def test_documents_are_prepared_after_the_lock(pool, tmp_path, content):
    assert b"/ByteRange" in await pool.prepare(written(tmp_path, content), HOW)


@pytest.mark.parametrize("made", [foreign_signed_pdf, timestamped_pdf])
async def test_earlier_signatures_are_judged_after_the_lock(pool, tmp_path, made):
    assert b"/ByteRange" in await pool.prepare(written(tmp_path, await made()), HOW)


async def test_what_a_child_cannot_finish_is_a_fault_of_the_server(pool, tmp_path):
    file, how = await prepared(simple_pdf(), soft_signer())

    with pytest.raises(NotVerified):
        await pool.complete(written(tmp_path, file.replace(b"/PageLayout", b"/PageLayour", 1)), how)


async def test_more_documents_than_children_wait_for_one_another(pool, pdf):
    made = await asyncio.gather(*(pool.prepare(pdf, HOW) for _ in range(8)))

    assert len(made) == 8
    assert len(pids(pool)) == 1


async def test_a_document_that_takes_too_much_processing_is_refused_and_the_child_replaced(tmp_path):
    pool = Pool(Limits(cpu_s=1), 1)
    try:
        await pool.start()
        before = pids(pool)
        with pytest.raises(BadDocument, match="more than 1 s of processing"):
            await pool.prepare(written(tmp_path, slow_pdf()), HOW)
        assert await pool.prepare(written(tmp_path, simple_pdf()), HOW)
        assert pids(pool) != before
    finally:
        await pool.close()


@on_linux
async def test_a_document_that_takes_too_much_memory_is_refused(pool, tmp_path):
    in_use = int(status(*pids(pool))["VmSize"].split()[0]) * 1024
    small = Pool(Limits(memory=in_use + 75 * MIB), 1)
    try:
        with pytest.raises(BadDocument, match="more memory than the limit"):
            await small.prepare(written(tmp_path, large_pdf(50 * MIB)), HOW)
        assert await small.prepare(written(tmp_path, simple_pdf()), HOW)
    finally:
        await small.close()


async def test_a_decompression_bomb_is_refused_and_the_child_lives_on(pool, tmp_path):
    """T56."""
    before = pids(pool)

    with pytest.raises(BadDocument, match="unpacks to more than the limit"):
        await pool.prepare(written(tmp_path, bomb_pdf()), HOW)

    assert pids(pool) == before


async def test_a_document_that_is_not_read_in_time_is_told_as_unavailable(pool, pdf, monkeypatch):
    (stuck,) = pids(pool)
    os.kill(stuck, signal.SIGSTOP)

    with monkeypatch.context() as hurried:
        hurried.setattr(pool._children[0], "_limits", Limits(wall_s=0.1))
        with pytest.raises(Unavailable, match="in time"):
            await pool.prepare(pdf, HOW)

    assert await pool.prepare(pdf, HOW)
    assert pids(pool) != [stuck]


async def test_a_document_waits_for_a_free_child_no_longer_than_it_may_take(pool, pdf, monkeypatch):
    os.kill(*pids(pool), signal.SIGSTOP)
    first = asyncio.create_task(pool.prepare(pdf, HOW))
    await asyncio.sleep(0)
    monkeypatch.setattr(pool, "_limits", Limits(wall_s=0.1))

    with pytest.raises(Unavailable, match="too many documents"):
        await pool.prepare(pdf, HOW)

    os.kill(*pids(pool), signal.SIGCONT)
    assert await first


@pytest.mark.parametrize(
    ("number", "refusal"), [(signal.SIGSEGV, BadDocument), (signal.SIGABRT, BadDocument), (signal.SIGKILL, Unavailable)]
)
async def test_a_crash_is_the_documents_fault_and_an_end_from_outside_is_not(pool, pdf, number, refusal):
    (pid,) = pids(pool)
    os.kill(pid, signal.SIGSTOP)
    asked = asyncio.create_task(pool.prepare(pdf, HOW))
    await asyncio.sleep(0)

    os.kill(pid, number)
    with suppress(ProcessLookupError):  # SIGKILL needs no waking, and may be done already
        os.kill(pid, signal.SIGCONT)

    with pytest.raises(refusal):
        await asked
    assert await pool.prepare(pdf, HOW)


async def test_a_child_that_ended_between_two_documents_is_replaced_unseen(pool, pdf):
    child = pool._children[0]._process
    child.kill()
    await child.wait()

    assert await pool.prepare(pdf, HOW)


async def test_a_question_that_is_given_up_does_not_leave_its_answer_to_the_next(pool, pdf):
    (pid,) = pids(pool)
    os.kill(pid, signal.SIGSTOP)
    asked = asyncio.create_task(pool.prepare(pdf, HOW))
    await asyncio.sleep(0)
    asked.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asked
    file, how = await prepared(simple_pdf(), soft_signer())
    pdf.write_bytes(file)
    assert (await pool.complete(pdf, how)).startswith(b"\x30")


async def test_closing_ends_children_at_work_and_takes_no_more_documents(pool, pdf):
    (pid,) = pids(pool)
    os.kill(pid, signal.SIGSTOP)
    asked = asyncio.create_task(pool.prepare(pdf, HOW))
    await asyncio.sleep(0)

    await pool.close()
    await pool.close()

    with pytest.raises(Unavailable):
        await asked
    with pytest.raises(Unavailable, match="the server is stopping"):
        await pool.prepare(pdf, HOW)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_child_makes_room_for_a_fresh_one_after_so_many_documents(pool, pdf, monkeypatch):
    monkeypatch.setattr(process, "DOCUMENTS_EACH", 2)
    seen = []
    for _ in range(4):
        await pool.prepare(pdf, HOW)
        seen += pids(pool)

    assert seen[0] == seen[1] != seen[2] == seen[3]


async def test_a_child_that_does_not_start_is_told_as_unavailable(pdf, monkeypatch):
    monkeypatch.setattr(process, "PROGRAM", "import sys; sys.exit('Unable to find libseccomp')")

    with pytest.raises(Unavailable, match="documents cannot be read now"):
        await Pool(Limits(), 1).prepare(pdf, HOW)


@pytest.mark.parametrize("answer", [b"\xff" * 8, b"\0\0\0\4null" + bytes(4), b"\0\0\0\1{" + bytes(4)])
async def test_a_child_that_answers_nonsense_is_ended_and_its_document_refused(pdf, monkeypatch, answer):
    """As one may that a document took over."""
    ready = b"\0\0\0\2{}" + bytes(4)
    says = "sys.stdout.buffer.write(bytes.fromhex({!r})); sys.stdout.flush(); sys.stdin.buffer.read({})"
    program = f"import sys; {says.format(ready.hex(), 4)}; {says.format(answer.hex(), '')}"
    monkeypatch.setattr(process, "PROGRAM", program)
    lying = Pool(Limits(), 1)

    with pytest.raises(BadDocument, match="makes its reader fail"):
        await lying.prepare(pdf, HOW)
    assert pids(lying) == []
