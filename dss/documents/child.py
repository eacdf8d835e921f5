"""The program of the warm child: the only place where foreign PDFs are parsed.

It is started by exec with an empty environment, loads and runs once all that it will need, locks itself down, says
that it is ready, and then answers one question after the other until its standard input ends.
"""

import asyncio
import codecs
import importlib
import logging
import sys
from typing import BinaryIO

from dss.documents import pades, sandbox, warmup
from dss.documents.messages import Header, read_complete, read_message, read_prepare, write_message
from dss.kernel.errors import BadDocument

# What Python, pyHanko and asn1crypto import only when a document asks for it: after the lock they could not.
LATE_MODULES = (
    "_strptime",
    "lxml.etree",
    "pyhanko.pdf_utils.crypt.pdfmac",
    "pyhanko.pdf_utils.metadata.xmp_xml",
    "stringprep",
)
LATE_CODECS = (
    *("ascii", "cp1252", "idna", "latin-1", "punycode", "teletex"),
    *("utf-8-sig", "utf-16", "utf-16-be", "utf-16-le", "utf-32-be"),
)


def main() -> None:
    """Serve standard input until it ends. Arguments: memory in bytes, processor seconds for a document."""
    sandbox.close_inherited()
    memory, cpu_s = (int(argument) for argument in sys.argv[1:])
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # a stray print must not stand between answers
    logging.disable()
    with asyncio.Runner() as runner:
        _warm_up(runner)
        sandbox.lock_down(memory)
        write_message(sink, {"answer": "ready"})
        _serve(runner, source, sink, cpu_s)


def _warm_up(runner: asyncio.Runner) -> None:
    for name in LATE_MODULES:
        importlib.import_module(name)
    for name in LATE_CODECS:
        codecs.lookup(name)
    runner.run(warmup.run())


def _serve(runner: asyncio.Runner, source: BinaryIO, sink: BinaryIO, cpu_s: int) -> None:
    while message := read_message(source):
        sandbox.allow_cpu(cpu_s)
        answer, body = runner.run(_answer(*message))
        write_message(sink, answer, body)


async def _answer(header: Header, pdf: bytes) -> tuple[Header, bytes]:
    try:
        return {"answer": "done"}, await _work(header, pdf)
    except BadDocument as refusal:
        return {"answer": "refused", "detail": refusal.detail}, b""
    except MemoryError:
        return {"answer": "refused", "detail": "the document takes more memory than the limit"}, b""
    except Exception as fault:  # noqa: BLE001  it is told to the server, which decides
        return {"answer": "failed", "detail": type(fault).__name__}, b""


async def _work(header: Header, pdf: bytes) -> bytes:
    if header["verb"] == "prepare":
        return await pades.prepare(pdf, read_prepare(header))
    how = read_complete(header)
    return await pades.complete(pdf, how)
