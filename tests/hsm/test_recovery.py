"""The HSM stops and comes back; nobody restarts the server, and nothing is left half done."""

import asyncio
import ctypes
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from dss.hsm import module as module_module
from dss.hsm import token as token_module
from dss.hsm.module import Gate, Module, module_at
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.hsm.token import Token
from dss.hsm.userkeys import UserKeys
from dss.kernel.digest import Digest
from dss.kernel.errors import DssError, HsmUnavailable
from dss.kernel.ids import BoxKeyId
from dss.kernel.keyspec import KeySpec
from tests.hsm.test_userkeys import ECDSA, verify
from tests.world.softhsm import SoftHsm


@contextmanager
def away(folder: Path, softhsm: SoftHsm) -> Iterator[None]:
    """Take a folder of the HSM away, and put it back."""
    elsewhere = softhsm.folder / "away"
    folder.rename(elsewhere)
    try:
        yield
    finally:
        elsewhere.rename(folder)


def folder_of(softhsm: SoftHsm, label: str) -> Path:
    folders = softhsm.token_folder.iterdir()
    (found,) = (folder for folder in folders if label.encode() in (folder / "token.object").read_bytes())
    return found


@pytest.fixture
def module(softhsm: SoftHsm, monkeypatch: pytest.MonkeyPatch) -> Module:
    """The module, its time running so fast that it may always start over."""
    module = module_at(softhsm.module)
    monkeypatch.setattr(module, "_monotonic", itertools.count(1e9, 1e3).__next__)
    monkeypatch.setattr(module, "_renewed_at", 0)
    return module


async def test_under_load_every_call_signs_or_says_unavailable_and_then_all_sign_again(
    user_keys: UserKeys, softhsm: SoftHsm, module: Module
):
    key = await user_keys.generate(KeySpec.P256)
    digest = Digest.of(b"a contract")
    signatures: list[bytes] = []
    failures: list[DssError] = []
    over = asyncio.Event()

    async def sign_on() -> None:
        while not over.is_set():
            try:
                signatures.append(await user_keys.sign(key.key, ECDSA, digest))
            except DssError as failure:
                failures.append(failure)

    async def until(condition: Callable[[], bool]) -> None:
        while not condition():
            await asyncio.sleep(0)

    async with asyncio.timeout(60), asyncio.TaskGroup() as load:
        for _ in range(8):
            load.create_task(sign_on())
        await until(lambda: len(signatures) > 50)
        with away(softhsm.token_folder, softhsm):
            await until(lambda: len(failures) > 20)
        before = len(signatures)
        await until(lambda: len(signatures) > before + 50)
        failed = len(failures)
        await until(lambda: len(signatures) > before + 200)
        over.set()

    assert {type(failure) for failure in failures} == {HsmUnavailable}
    assert len(failures) == failed
    for signature in signatures:
        verify(key.public_key, signature, ECDSA, digest)


async def test_while_one_token_is_away_the_others_work(
    user_keys: UserKeys, service_keys: ServiceKeys, softhsm: SoftHsm, module: Module
):
    await user_keys.check()
    code = await service_keys.hmac(KeyName.PIN, b"a proof")

    with away(folder_of(softhsm, "user"), softhsm):
        for _ in range(3):
            with pytest.raises(HsmUnavailable):
                await user_keys.check()
            assert await service_keys.hmac(KeyName.PIN, b"a proof") == code

    await user_keys.check()


async def test_a_token_that_is_away_does_not_hide_another_at_its_login(softhsm: SoftHsm, module: Module):
    generation = module.generation
    token = Token(softhsm.service)

    with away(folder_of(softhsm, "user"), softhsm):
        await ServiceKeys(token).check()

    assert module.generation == generation
    token.close()


async def test_a_token_that_stays_away_does_not_keep_disturbing_the_others(
    user_keys: UserKeys, softhsm: SoftHsm, module: Module, monkeypatch: pytest.MonkeyPatch
):
    await user_keys.check()
    with away(folder_of(softhsm, "user"), softhsm):
        with pytest.raises(HsmUnavailable):
            await user_keys.check()
        generation = module.generation
        monkeypatch.setattr(module, "_monotonic", lambda: module._renewed_at + 0.9)

        for _ in range(5):
            with pytest.raises(HsmUnavailable) as refused:
                await user_keys.check()
            assert refused.value.retry_after == 1

        assert module.generation == generation


async def test_a_box_key_is_made_wholly_or_not_at_all(service_keys: ServiceKeys, softhsm: SoftHsm, module: Module):
    phone = ec.generate_private_key(ec.SECP256R1())
    before = await service_keys.box_key_ids()
    box_key = await service_keys.create_box_key(BoxKeyId("MADE"))

    with away(softhsm.token_folder, softhsm):
        with pytest.raises(HsmUnavailable):
            await service_keys.create_box_key(BoxKeyId("NOT-MADE"))
        with pytest.raises(HsmUnavailable):
            await service_keys.agree(BoxKeyId("MADE"), phone.public_key())
        with pytest.raises(HsmUnavailable):
            await service_keys.destroy_box_key(BoxKeyId("MADE"))
        with pytest.raises(HsmUnavailable):
            await service_keys.box_key_ids()

    assert await service_keys.agree(BoxKeyId("MADE"), phone.public_key()) == phone.exchange(ec.ECDH(), box_key)
    assert set(await service_keys.box_key_ids()) == {*before, "MADE"}
    await service_keys.destroy_box_key(BoxKeyId("MADE"))


async def test_a_lost_login_is_made_again(user_keys: UserKeys, user_token: Token, softhsm: SoftHsm, module: Module):
    key = await user_keys.generate(KeySpec.P256)
    token = user_token.do(lambda bench: bench.session.token, lambda bench: None)
    # The end of all sessions is the logout of the process (PKCS#11 2.40 section 5.6).
    assert ctypes.CDLL(str(softhsm.module)).C_CloseAllSessions(ctypes.c_ulong(token.slot.slot_id)) == 0

    signature = await user_keys.sign(key.key, ECDSA, Digest.of(b"a contract"))

    verify(key.public_key, signature, ECDSA, Digest.of(b"a contract"))


async def test_a_wrong_pin_is_told_once_and_never_tried_again(
    softhsm: SoftHsm, module: Module, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """HSMs lock a PIN after a few wrong tries."""
    right = softhsm.new_token("pin")
    token = Token(replace(right, pin="not the PIN"))
    logins: list[str] = []
    find = token_module.find_token
    monkeypatch.setattr(token_module, "find_token", lambda library, label: logins.append(label) or find(library, label))

    for _ in range(3):
        with pytest.raises(HsmUnavailable, match="PIN"):
            await UserKeys(token).check()
        module.renew(module.generation, softhsm.user.lock_file)

    assert logins == ["pin"]
    assert ["not the PIN" in record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [False]
    token.close()
    other = Token(right)
    other.do(lambda bench: bench.search({}), lambda bench: None)
    other.close()


def test_the_library_is_not_renewed_under_a_call_that_does_not_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module_module, "DRAIN_S", 0.0)
    gate = Gate()

    with gate.shared(), gate.shared(), pytest.raises(HsmUnavailable), gate.alone():
        pass

    with gate.alone():
        pass
    with gate.shared():
        pass


async def test_a_library_that_is_not_there_is_unavailable(softhsm: SoftHsm, tmp_path: Path):
    token = Token(replace(softhsm.user, module=tmp_path / "none.so"))

    with pytest.raises(HsmUnavailable):
        await UserKeys(token).check()

    token.close()


async def test_a_lock_file_that_cannot_be_made_is_unavailable(softhsm: SoftHsm, module: Module, tmp_path: Path):
    token = Token(replace(softhsm.user, lock_file=tmp_path / "none" / "lock"))

    with pytest.raises(HsmUnavailable):
        await UserKeys(token).check()

    token.close()


async def test_a_call_that_takes_too_long_is_unavailable(softhsm: SoftHsm):
    """T57: a slow HSM."""
    token = Token(replace(softhsm.user, patience_s=0.01))
    done = threading.Event()

    with pytest.raises(HsmUnavailable):
        await token.in_thread(lambda: done.wait(60))

    done.set()
    token.close()


async def test_too_many_waiting_calls_are_turned_away(user_keys: UserKeys, monkeypatch: pytest.MonkeyPatch):
    """T57: sessions exhausted."""
    monkeypatch.setattr(token_module, "MOST_WAITING", 4)

    results = await asyncio.gather(*(user_keys.check() for _ in range(8)), return_exceptions=True)

    assert [type(result) for result in results] == [type(None)] * 4 + [HsmUnavailable] * 4
