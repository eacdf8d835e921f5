"""docs/device-protocol.md section 8: what a phone stores, and that nothing of it can verify a PIN."""

import asyncio
import fcntl
import json
import stat
from dataclasses import replace

import pytest

from mobile_mock import keystore as module
from mobile_mock import pins
from mobile_mock.errors import StoreFault
from mobile_mock.forms import b64url
from mobile_mock.kept import Kept, NextPin, from_json, to_json
from mobile_mock.keystore import Keystore
from mobile_mock.offline_secret import OfflineSecret
from tests.unit.mock_server import CREDENTIAL, FIRST, PIN, FakeServer


@pytest.fixture
def server():
    return FakeServer()


async def kept_after_work(server: FakeServer, folder, *, biometric: bool = False) -> Kept:
    phone = await server.enrolled(folder, biometric=biometric)
    server.ask_to_create()
    await phone.confirm(await phone.show(FIRST), PIN)
    return phone.kept()


async def test_what_is_kept_comes_back_from_another_process(server, tmp_path):
    kept = await kept_after_work(server, tmp_path)

    assert Keystore(tmp_path).load() == kept
    assert from_json(json.loads(json.dumps(to_json(kept)))) == kept


async def test_everything_that_may_be_kept_comes_back(server, tmp_path):
    kept = await kept_after_work(server, tmp_path)
    kept = replace(kept, pin_digits=8, pin_next=NextPin(b"n" * 16, FIRST, b"p" * 32)).with_opened(FIRST, {"code": "x"})
    kept = replace(kept, offline={CREDENTIAL: OfflineSecret(b"s" * 32, b"f" * 32, FIRST)})

    assert from_json(json.loads(json.dumps(to_json(kept)))) == kept


async def test_a_store_of_a_phone_that_knew_no_changes_is_read(server, tmp_path):
    kept = await kept_after_work(server, tmp_path)
    stored = json.loads(json.dumps(to_json(kept)))
    for name in ("offline", "opened", "pin_digits", "pin_next"):
        del stored[name]
    for answer in stored["answers"]:
        del answer["share"]

    assert from_json(stored) == kept


@pytest.mark.parametrize("member", ["salt", "shares", "counter"])
async def test_a_store_without_what_every_phone_keeps_is_refused(server, tmp_path, member):
    stored = to_json(await kept_after_work(server, tmp_path))
    del stored[member]

    with pytest.raises((KeyError, TypeError)):
        from_json(stored)


async def test_nothing_that_is_kept_can_verify_a_pin(server, tmp_path):
    """Neither the PIN nor its proof nor anything sealed with it can be opened on the phone."""
    kept = await kept_after_work(server, tmp_path)
    proof = pins.proof(PIN, kept.salt, kept.iterations)
    stored = json.dumps(to_json(kept))

    assert kept.pin_proof is None
    assert PIN not in stored
    assert b64url(proof) not in stored
    # What is left of the proof is in boxes, for which the phone has no key: their ephemeral halves are gone.
    assert all(set(sent.answer.body()) == {"answer", "box"} for sent in kept.answers)


async def test_the_proof_is_kept_only_when_the_owner_chose_the_biometric(server, tmp_path):
    kept = await kept_after_work(server, tmp_path, biometric=True)

    assert kept.pin_proof == pins.proof(PIN, kept.salt, kept.iterations)


async def test_the_files_show_nothing_without_the_platform_key(server, tmp_path):
    kept = await kept_after_work(server, tmp_path)
    stored = (tmp_path / "phone.store").read_bytes()

    for secret in (kept.device, kept.signature_key["d"], b64url(kept.salt), kept.owner.login):
        assert secret.encode() not in stored


async def test_another_platform_key_opens_nothing(server, tmp_path):
    await kept_after_work(server, tmp_path)
    (tmp_path / "platform.key").write_bytes(b"k" * 32)

    with pytest.raises(StoreFault):
        Keystore(tmp_path).load()


@pytest.mark.parametrize("place", [0, 25, 40, -1])
async def test_an_altered_store_is_refused(server, tmp_path, place):
    await kept_after_work(server, tmp_path)
    file = tmp_path / "phone.store"
    stored = bytearray(file.read_bytes())
    stored[place] ^= 1
    file.write_bytes(stored)

    with pytest.raises(StoreFault):
        Keystore(tmp_path).load()


@pytest.mark.parametrize("content", [b"", b"short"])
async def test_a_broken_platform_key_is_refused(server, tmp_path, content):
    await kept_after_work(server, tmp_path)
    (tmp_path / "platform.key").write_bytes(content)

    with pytest.raises(StoreFault):
        Keystore(tmp_path).load()


async def test_only_the_owner_may_read_the_files(server, tmp_path):
    await kept_after_work(server, tmp_path / "phone")

    assert stat.S_IMODE((tmp_path / "phone").stat().st_mode) == 0o700
    for name in ("platform.key", "phone.store"):
        assert stat.S_IMODE((tmp_path / "phone" / name).stat().st_mode) == 0o600


async def test_the_counter_survives_and_is_saved_before_an_answer_is_sent(server, tmp_path):
    """T21: a phone that lost its counter would look like a clone."""
    phone = await server.enrolled(tmp_path)
    server.ask_to_create()
    shown = await phone.show(FIRST)
    saved = []
    server.refuse = lambda path: saved.append(Keystore(tmp_path).load()) if path.endswith("/answer") else None

    await phone.confirm(shown, PIN)

    assert saved[0].counter == 1
    assert server.answers()[0]["counter"] == 1
    assert server.phone(tmp_path).kept().counter == 1


async def test_a_crash_while_saving_leaves_the_old_state_whole(server, tmp_path, monkeypatch):
    kept = await kept_after_work(server, tmp_path)

    def broken(_descriptor: int) -> None:
        raise OSError("no space")

    monkeypatch.setattr(module.os, "fsync", broken)
    with pytest.raises(StoreFault):
        Keystore(tmp_path).save(kept.with_end(FIRST, signed=True))
    assert Keystore(tmp_path).load() == kept


async def test_a_store_in_use_by_another_program_is_waited_for_and_then_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LOCK_STEP", 0.001)
    monkeypatch.setattr(module, "LOCK_WAIT", 0.01)
    store = Keystore(tmp_path)
    with (tmp_path / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(StoreFault, match="in use"):
            async with store.exclusive():
                pass
    async with store.exclusive():
        pass


async def test_one_coroutine_at_a_time_holds_the_store(tmp_path):
    store, order = Keystore(tmp_path), []

    async def work(name: str) -> None:
        async with store.exclusive():
            order.append(name)
            await asyncio.sleep(0)
            order.append(name)

    await asyncio.gather(work("a"), work("b"))

    assert order == ["a", "a", "b", "b"]


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreFault):
        async with Keystore(tmp_path / "file" / "phone").exclusive():
            pass


def test_a_phone_that_was_never_enrolled_says_so(tmp_path):
    with pytest.raises(StoreFault, match="enrol"):
        Keystore(tmp_path).load()
