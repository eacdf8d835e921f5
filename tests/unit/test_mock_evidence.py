"""docs/device-protocol.md section 9: the phone fetches the proof of what has ended, and waits until it is sealed."""

import asyncio
import json
from contextlib import nullcontext
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from mobile_mock import history
from mobile_mock.cli import session
from mobile_mock.errors import BadInput, Difference, NothingToDo, Refused
from mobile_mock.exits import Exit
from mobile_mock.main import app
from tests.unit.mock_server import FIRST, SECOND, FakeServer, canonical, problem, sha, sign


def record(server: FakeServer, id: str = FIRST, **changes: Any) -> bytes:
    """A record in the form of docs/evidence.md section 1."""
    request = sign("dss-confirmation-request+jws", canonical(server.right_request(id)), server.channel)
    texts = {"request": request, "answer": "", "enrolment": "", "receipt": "", "channel_key": ""}
    core = {**texts, "signatures": [], "certificates": []}
    return canonical({"format": "dss-evidence/v1", "core": core, "log": {}, **changes})


@pytest.fixture
def server(monkeypatch):
    server = FakeServer()
    monkeypatch.setattr(session, "open_phone", lambda store: nullcontext(server.phone(store)))
    return server


@pytest.fixture
def run(server, tmp_path):
    asyncio.run(server.enrolled(tmp_path / "store"))
    server.calls.clear()

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env={"MOBILE_MOCK_STORE": str(tmp_path / "store")})

    return command


@pytest.fixture
async def phone(server, tmp_path):
    return await server.enrolled(tmp_path)


def test_evidence_is_kept_byte_for_byte(server, run, tmp_path):
    server.documents[f"/device/v1/history/{FIRST}/evidence"] = content = record(server)
    file = tmp_path / "evidence.json"

    fact = json.loads(run("evidence", FIRST, "--out", str(file), "--json").stdout)
    assert file.read_bytes() == content
    told = {"size": len(content), "sha256": sha(content).hex()}
    assert fact == {"transaction": FIRST, "file": str(file), **told}
    assert "this phone has not verified them" in run("evidence", FIRST, "--out", str(file)).stdout
    assert dict(server.calls[-1].url.params) == {}


def test_evidence_names_the_checkpoint_that_the_owner_kept(server, run, tmp_path):
    server.documents[f"/device/v1/history/{FIRST}/evidence"] = record(server)

    assert run("evidence", FIRST, "--checkpoint", "7", "--out", str(tmp_path / "file")).exit_code == Exit.DONE
    assert dict(server.calls[-1].url.params) == {"checkpoint": "7"}
    assert run("evidence", FIRST, "--checkpoint", "0", "--out", str(tmp_path / "file")).exit_code == Exit.USAGE


def test_evidence_that_cannot_be_kept_is_an_error_of_usage(server, run, tmp_path):
    server.documents[f"/device/v1/history/{FIRST}/evidence"] = record(server)

    assert run("evidence", FIRST, "--out", str(tmp_path)).exit_code == Exit.USAGE


def sealing_after(server: FakeServer, seconds: int, told: str) -> None:
    """Let a server take so long to seal; told: its Retry-After."""
    sealed = int(server.clock.now().timestamp()) + seconds

    def answer(path: str) -> httpx.Response | None:
        if server.clock.now().timestamp() < sealed:
            return httpx.Response(202, headers={"Retry-After": told})
        return httpx.Response(200, content=record(server))

    server.refuse = answer


async def test_evidence_waits_as_long_as_the_server_says(server, phone):
    """RFC 9110 section 10.2.3."""
    sealing_after(server, 6, "3")
    server.calls.clear()

    assert json.loads(await phone.evidence(FIRST))["format"] == "dss-evidence/v1"
    assert len(server.calls) == 3


async def test_evidence_waits_thirty_seconds_and_no_more(server, phone):
    sealing_after(server, 30, "1")
    assert await phone.evidence(FIRST)
    sealing_after(server, 31, "1")
    before = server.clock.now()
    with pytest.raises(NothingToDo, match="not sealed yet"):
        await phone.evidence(FIRST)
    assert (server.clock.now() - before).total_seconds() == 30


@given(told=st.text(max_size=12) | st.integers().map(str))
def test_whatever_a_server_says_the_phone_pauses_between_one_and_ten_seconds(told):
    assert 1 <= history._pause(told) <= history.LONGEST_PAUSE


@pytest.mark.parametrize(("status", "code"), [(404, "not_found"), (409, "conflict"), (423, "locked")])
async def test_evidence_that_is_refused_is_told_as_a_refusal(server, phone, status, code):
    server.refuse = lambda path: problem(status, code)

    with pytest.raises(Refused) as refusal:
        await phone.evidence(FIRST)
    assert (refusal.value.status, refusal.value.reason) == (status, code)


async def test_what_is_no_record_of_this_transaction_is_refused(server, phone):
    right = record(server)
    wrong = [
        right + b"\n",
        b"",
        b"[]",
        record(server, SECOND),
        record(server, format="dss-evidence/v2"),
        record(server, more=1),
        record(server, core={}),
        right.replace(b'"request":"', b'"request":"x'),
    ]
    for content in wrong:
        server.documents[f"/device/v1/history/{FIRST}/evidence"] = content
        with pytest.raises(Difference):
            await phone.evidence(FIRST)


@pytest.mark.parametrize("id", ["", "7", "../x", FIRST.lower()])
async def test_what_cannot_be_a_transaction_has_no_evidence_to_ask_for(server, phone, id):
    server.calls.clear()
    with pytest.raises(BadInput):
        await phone.evidence(id)
    assert server.calls == []
