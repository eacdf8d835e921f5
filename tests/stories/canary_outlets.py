"""Everything that shows what the server keeps: the log as the world reads it, evidence, reports, exports, commands."""

import asyncio
import io
import os
import re
import subprocess
import traceback
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from dss.cli.main import app
from dss.notify.model import LOCALES
from dss.settings import TokenName
from mobile_mock.cli.history import History, history
from mobile_mock.cli.output import Output
from tests.stories.canary_flow import Flow
from tests.world.softhsm import SoftHsm

YEAR = ("--from", "2026-01-01", "--to", "2027-01-01")


async def read_log(flow: Flow) -> None:
    """Note what a monitor reads: checkpoints, tiles, entries, proofs."""
    newest = await flow.world.services.log.newest()
    assert newest is not None
    size, part = newest.head.size, f".p/{newest.head.size}"
    tiles = [f"tile/0/000{part}", f"tile/entries/000{part}"]
    proofs = [f"inclusion?leaf=0&size={size}", f"consistency?first=1&second={size}"]
    async with flow.world.http() as http:
        for path in ("checkpoint", f"checkpoint/{size}", *tiles, *proofs):
            flow.canaries.note("the log over HTTP", _content(await http.get(f"/log/{path}")))


async def read_evidence(flow: Flow, folder: Path) -> list[Path]:
    """Note the evidence of all that ended, and reports of what the application asked for; return the records' files."""
    for id in flow.ended:
        record = await flow.alice.phone.evidence(id)
        (folder / f"{id}.json").write_bytes(record)
        flow.canaries.note("evidence", record)
    for id, language in zip(flow.for_application, [*LOCALES] * len(flow.for_application), strict=False):
        http = flow.application.http
        flow.canaries.note("evidence", _content(await http.get(f"/v1/signatures/{id}/evidence")))
        report = _content(await http.get(f"/v1/signatures/{id}/evidence/report", params={"language": language}))
        flow.canaries.note("reports", report)
        flow.canaries.note("reports", re.sub(rb"\s", b"", printed_text(report)))
    return sorted(folder.glob("*.json"))


def printed_text(pdf: bytes) -> bytes:
    """What people read in a PDF."""
    return subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True, timeout=30).stdout


async def read_audit(flow: Flow, auditors: str) -> None:
    """Note what an auditor's program of this name finds over HTTP."""
    auditor = await flow.world.application(auditors, ("operators",))
    page = "/v1/audit/events?limit=100"
    while page:
        answer = await auditor.get(page)
        flow.canaries.note("events over HTTP", str(answer))
        page = answer.get("next")


async def look_back(flow: Flow) -> None:
    """Note what the owner sees on the phone's terminal."""
    for as_json in (True, False):
        with redirect_stdout(io.StringIO()) as shown:
            await history(History(limit=100), flow.alice.phone, Output(as_json=as_json))
        flow.canaries.note("history on the phone", shown.getvalue())


@dataclass(frozen=True)
class Terminal:
    """An operator's terminal; what commands print, and how they fail, is noted."""

    flow: Flow
    environment: dict[str, str]

    @classmethod
    def of(cls, flow: Flow, softhsm: SoftHsm) -> "Terminal":
        """One at the flow's installation."""
        settings = flow.world.services.settings
        environment = {
            "HOME": settings.home,
            "DATABASE_URL": settings.database_url,
            "LOG_ORIGIN": settings.log_origin,
            "LOG_LEVEL": "debug",
            "WITNESSES": settings.witnesses,
            "HSM_MODULE": softhsm.module,
            "HSM_LOCK_FILE": settings.hsm_lock_file,
        }
        pins = {name.pin_variable: softhsm.spec(name.value).pin for name in TokenName}
        tokens = {f"DSS_{name.name}_TOKEN": name.value for name in TokenName}
        return cls(flow, {f"DSS_{name}": str(value) for name, value in environment.items()} | pins | tokens)

    async def run(self, *arguments: Any, place: str = "commands", **changes: str) -> str:
        """Run a command; return its output."""
        return await asyncio.to_thread(self._run, [str(one) for one in arguments], place, changes)

    def _run(self, arguments: list[str], place: str, changes: dict[str, str]) -> str:
        with pytest.MonkeyPatch.context() as patch:
            # Each command would send the logs of this whole process to its own stderr.
            patch.setattr("dss.cli.running.logs.configure", lambda *_: None)
            done = CliRunner().invoke(app, arguments, env=os.environ | self.environment | changes)
        fault = done.exc_info and not isinstance(done.exception, SystemExit)
        told = "".join(traceback.format_exception(done.exception)) if fault and done.exception else ""
        self.flow.canaries.note(place, done.output + told)
        return done.output


async def run_commands(flow: Flow, softhsm: SoftHsm, folder: Path, records: list[Path]) -> None:
    """Note what commands print of the log and of evidence, and what they export."""
    terminal, out, root = Terminal.of(flow, softhsm), folder / "events.jsonl", folder / "root.pem"
    chain = await flow.world.services.ca.chain("root")
    root.write_bytes(x509.load_der_x509_certificate(chain[-1]).public_bytes(Encoding.PEM))
    key = (await terminal.run("audit", "log-key")).strip()
    assert (await terminal.run("audit", "search", "--json", "--limit", 1000)).count("\n") > 50
    await terminal.run("audit", "show", "--limit", 1000)
    await terminal.run("audit", "verify", "--json")
    await terminal.run("audit", "check", "--json")
    await terminal.run("audit", "export", *YEAR, "--out", out, "--json")
    assert '"events"' in await terminal.run("audit", "check-export", out, "--log-key", key, "--json")
    for file in (out, out.with_name(f"{out.name}.note")):
        flow.canaries.note("export", file.read_bytes())
    for record in records:
        verify = ("evidence", "verify", record, "--root", root, "--log-key", key)
        assert '"said"' in await terminal.run(*verify, "--json", place="evidence verify")
        await terminal.run(*verify, place="evidence verify")


def _content(answer: httpx.Response) -> bytes:
    assert answer.status_code == 200, f"{answer.url}: {answer.text}"
    return answer.content
