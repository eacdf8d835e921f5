"""One child process that reads foreign PDFs: started by exec, asked over pipes, ended when in doubt."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

import structlog

import dss
from dss.documents.messages import LONGEST_ANSWER, PREFIX, Header, prefix
from dss.documents.model import Limits, NotVerified
from dss.infra.files import read
from dss.kernel import canonical
from dss.kernel.errors import BadDocument, BadRequest, DssError, Unavailable

log = structlog.get_logger(__name__)

# -I hides the working folder and the environment from the child, so it is told where this package lies.
PROGRAM = "import sys; sys.path.insert(0, sys.argv.pop(1)); from dss.documents.child import main; main()"
PACKAGES = str(Path(dss.__file__).parents[1])
START_S = 60.0
GRACE_S = 1.0
DOCUMENTS_EACH = 500  # no document shares its child with endless others
TAKEN_OVER = "the document cannot be processed: it makes its reader fail"
# By these a process ends itself; SIGKILL and SIGTERM come from outside, and say nothing of the document.
CRASHES = {-number for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)}


class ChildProcess:
    """A child, or the place for one: it starts when it is needed, and again after it has ended."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: Process | None = None
        self._documents = 0

    async def start(self) -> Process:
        """Start the program, and wait until it has locked itself down. Raises Unavailable."""
        try:
            async with asyncio.timeout(START_S):
                self._process = await self._spawn()
                await _receive(self._process)
        except (EOFError, OSError, BadRequest) as fault:
            _, said = await self._bury()
            log.error("the document child does not start", said=said)  # noqa: TRY400  its words tell more than our stack
            raise Unavailable("documents cannot be read now") from fault
        except BaseException:
            await self.stop()
            raise
        self._documents = 0
        return self._process

    async def ask(self, header: Header, pdf: Path) -> bytes:
        """Ask one question about one PDF; return the answer's body.

        Raises BadDocument if the PDF is refused or brings the child to a limit or a crash, NotVerified if the child
        failed, Unavailable if it took too long or was ended from outside.
        """
        process = await self.ready()
        self._documents += 1
        try:
            async with asyncio.timeout(self._limits.wall_s):
                await _send(process, header, pdf)
                answer, body = await _receive(process)
        except TimeoutError as late:
            await self.stop()
            raise Unavailable("the document was not read in time") from late
        except (EOFError, OSError) as end:
            raise await self._cause_of_death() from end
        except BadRequest as fault:
            await self.stop()
            raise BadDocument(TAKEN_OVER) from fault
        except BaseException:
            # Cancelled, or out of step with the child: its next answer would be another question's.
            await self.stop()
            raise
        return _told(answer, body)

    def kill(self) -> None:
        """End the child at once; whoever waits for its answer gets Unavailable."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def stop(self) -> tuple[int | None, str]:
        """End the child and take leave of it; return its exit code and what it said last on standard error."""
        process, self._process = self._process, None
        if process is None:
            return None, ""
        with suppress(ProcessLookupError):
            process.kill()
        _, said = await process.communicate()
        return process.returncode, said[-2000:].decode(errors="replace")

    async def _spawn(self) -> Process:
        limits = (str(self._limits.memory), str(self._limits.cpu_s))
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-c", PROGRAM, PACKAGES, *limits),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=LONGEST_ANSWER,
            env={},
            cwd="/",
            close_fds=True,
            start_new_session=True,
        )

    async def ready(self) -> Process:
        """Return the running process, a new one if there is none or it has read enough. Raises Unavailable."""
        process = self._process
        if process is not None and process.returncode is None and self._documents < DOCUMENTS_EACH:
            return process
        await self.stop()
        return await self.start()

    async def _bury(self) -> tuple[int | None, str]:
        """Wait for a child that closed its pipe to end by itself, which tells why; then take leave of it."""
        if self._process is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    await self._process.wait()
        return await self.stop()

    async def _cause_of_death(self) -> DssError:
        code, said = await self._bury()
        log.warning("the document child ended", code=code, said=said)
        if code == -signal.SIGXCPU:
            return BadDocument(f"the document takes more than {self._limits.cpu_s} s of processing")
        if code in CRASHES:
            return BadDocument(TAKEN_OVER)
        return Unavailable("the document's reader was ended")


async def _send(process: Process, header: Header, pdf: Path) -> None:
    assert process.stdin is not None
    written = canonical.encode(dict(header))
    size = (await asyncio.to_thread(pdf.stat)).st_size
    _write(process.stdin, prefix(len(written)) + written + prefix(size))
    async for chunk in read(pdf):
        _write(process.stdin, chunk)
        await process.stdin.drain()


def _write(pipe: asyncio.StreamWriter, data: bytes) -> None:
    if pipe.is_closing():  # its reader has died, and uvloop raises no OSError at that
        raise BrokenPipeError
    pipe.write(data)


async def _receive(process: Process) -> tuple[Header, bytes]:
    answer = canonical.decode(await _frame(process))
    if not isinstance(answer, dict):
        raise BadRequest("the child's answer is not an object")
    return answer, await _frame(process)


async def _frame(process: Process) -> bytes:
    assert process.stdout is not None
    length = int.from_bytes(await process.stdout.readexactly(PREFIX))
    if length > LONGEST_ANSWER:
        raise BadRequest("the child's answer is too long")
    return await process.stdout.readexactly(length)


def _told(answer: Header, body: bytes) -> bytes:
    if answer.get("answer") == "done":
        return body
    if answer.get("answer") == "refused":
        raise BadDocument(str(answer.get("detail"))[:200])
    log.error("the document child failed", fault=answer.get("detail"))
    raise NotVerified("the document's reader failed")
