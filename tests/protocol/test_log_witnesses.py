"""What witnesses say of the log is kept as they said it, and shown.

Source: docs/transparency-log.md section 4; C2SP tlog-cosignature.
"""

import base64
import hashlib
from datetime import timedelta

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dss.audit.log import Log
from dss.audit.note import COSIGNATURE, VerifierKey
from tests.protocol.log_monitor import Monitor, monitor, more, world
from tests.world.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

__all__ = ["monitor", "world"]


class Witness:
    """Cosigns what it read."""

    def __init__(self, name: str) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.name = name
        self.raw = self.private.public_key().public_bytes_raw()
        self.key = VerifierKey(name, COSIGNATURE, self.raw)

    def line(self, text: str, time: int) -> str:
        """The line under a checkpoint's text."""
        signature = self.private.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
        id = hashlib.sha256(f"{self.name}\n".encode() + b"\x04" + self.raw).digest()[:4]
        value = base64.b64encode(id + time.to_bytes(8) + signature).decode()
        return f"\N{EM DASH} {self.name} {value}\n"


@pytest.fixture
def witness(world: World, monkeypatch: pytest.MonkeyPatch) -> Witness:
    """A witness that the operator named."""
    made = Witness("witness.example/w1")
    services = world.services
    object.__setattr__(
        services, "log", Log(services.database, services.tokens.service, services.clock, "dss.test/log", [made.key])
    )
    return made


async def post(monitor: Monitor, note: str | bytes, media_type: str = "text/plain") -> httpx.Response:
    return await monitor.http.post("/log/cosignatures", content=note, headers={"Content-Type": media_type})


async def test_a_witness_s_cosignature_is_kept_and_shown(world: World, monitor: Monitor, witness: Witness) -> None:
    text, size, _, lines = await monitor.checkpoint()
    stranger = Witness("stranger.example")
    now = int(world.clock.now().timestamp())
    mine, other = witness.line(text, now), stranger.line(text, now)
    answer = await post(monitor, f"{text}\n{lines[0]}\n{mine}{other}")
    assert answer.json() == {"size": size, "witnesses": ["witness.example/w1"]}
    assert (await monitor.checkpoint())[3] == [lines[0], mine.rstrip("\n")]
    later = witness.line(text, now + 1)
    assert (await post(monitor, f"{text}\n{later}")).status_code == 200
    assert (await monitor.checkpoint())[3] == [lines[0], later.rstrip("\n")]
    await more(world)
    assert len((await monitor.checkpoint())[3]) == 1
    assert (await monitor.checkpoint(f"/log/checkpoint/{size}"))[3] == [lines[0], later.rstrip("\n")]


async def test_old_checkpoints_are_thinned_but_those_that_were_cosigned(
    world: World, monitor: Monitor, witness: Witness
) -> None:
    text, cosigned, _, _ = await monitor.checkpoint()
    await post(monitor, f"{text}\n{witness.line(text, int(world.clock.now().timestamp()))}")
    await more(world)
    _, dropped, _, _ = await monitor.checkpoint()
    await more(world)
    _, last, _, _ = await monitor.checkpoint()
    world.clock.move(timedelta(days=2).total_seconds())
    await more(world)
    assert await world.services.log.thin() > 0
    statuses = [(await monitor.http.get(f"/log/checkpoint/{size}")).status_code for size in (cosigned, dropped, last)]
    assert statuses == [200, 404, 200]


async def test_lines_that_do_not_verify_and_texts_that_are_not_the_log_s_are_refused(
    world: World, monitor: Monitor, witness: Witness
) -> None:
    """T52: a witness's word is kept only as it gave it."""
    text, _, _, lines = await monitor.checkpoint()
    now = int(world.clock.now().timestamp())
    other = text.replace("dss.test/log", "other.test/log")
    assert (await post(monitor, f"{other}\n{witness.line(other, now)}")).status_code == 404
    assert (await post(monitor, f"{text}\n{witness.line(other, now)}")).status_code == 400
    assert (await post(monitor, f"{text}\n{witness.line(text, now + 3600)}")).status_code == 422
    assert (await post(monitor, "no note")).status_code == 400
    assert (await post(monitor, b"\xff\xfe")).status_code == 400
    assert (await post(monitor, "{}", "application/json")).status_code == 415
    assert (await post(monitor, "x" * 20_000)).status_code == 413
    assert (await monitor.checkpoint())[3] == [lines[0]]


async def test_a_witness_s_older_word_does_not_take_the_place_of_a_newer_one(
    world: World, monitor: Monitor, witness: Witness
) -> None:
    text, _, _, lines = await monitor.checkpoint()
    now = int(world.clock.now().timestamp())
    newer, older = witness.line(text, now), witness.line(text, now - 3600)
    for line in (newer, older):
        assert (await post(monitor, f"{text}\n{line}")).status_code == 200
    assert (await monitor.checkpoint())[3] == [lines[0], newer.rstrip("\n")]
