"""First steps on an HSM, and processes that start together."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pkcs11 import Mechanism

from dss.hsm import keypairs
from dss.hsm.servicekeys import KeyName
from dss.hsm.setup import create_kek, create_next_kek, create_service_keys, init_token
from dss.hsm.token import Token
from dss.hsm.token_keys import FIRST, token_label
from dss.hsm.userkeys import UserKeys
from dss.kernel.digest import Digest
from dss.kernel.errors import HsmUnavailable, Invalid
from dss.kernel.keyspec import KeySpec
from tests.hsm.test_userkeys import ECDSA, verify
from tests.world.softhsm import SoftHsm

WORKER = """
import sys
from pathlib import Path
from dss.hsm import module
from dss.hsm.sessions import Bench
from dss.hsm.token import Token, TokenSpec

path, label, pin, lock_file = sys.argv[1:]
spec = TokenSpec(Path(path), label, pin, Path(lock_file))
module.PAUSE_S = 0
token, at = Token(spec), module.module_at(spec.module)
print("ready", flush=True)
sys.stdin.readline()
for _ in range(15):
    at.renew(at.generation, spec.lock_file)
    with at.using(spec.lock_file) as (library, generation):
        kek = token._logged_in(library, generation).bench().search({})[0]
        print(kek.label, flush=True)
"""


def test_a_token_is_initialised_once(softhsm: SoftHsm):
    spec = softhsm.spec("once")

    assert init_token(spec, "12345678")
    create_kek(token := Token(spec))
    assert not init_token(spec, "87654321")

    asyncio.run(UserKeys(token).check())
    token.close()


async def test_a_kek_is_made_once(softhsm: SoftHsm, user_keys: UserKeys, user_token: Token):
    key = await user_keys.generate(KeySpec.P256)

    assert create_kek(user_token) == "kek-1"

    digest = Digest.of(b"a contract")
    verify(key.public_key, await user_keys.sign(key.key, ECDSA, digest), ECDSA, digest)


def test_of_a_module_without_ed25519_it_is_said_which_key_needs_it(softhsm: SoftHsm, monkeypatch: pytest.MonkeyPatch):
    token = Token(softhsm.new_token("older"))
    monkeypatch.setattr(keypairs, "ED25519_MECHANISMS", {Mechanism.EDDSA, Mechanism.SEED_ECB})

    with pytest.raises(HsmUnavailable, match="no Ed25519, which the key of the transparency log needs"):
        create_service_keys(token)

    labels = token.do(lambda bench: {key.label for key in bench.search({})}, lambda _: None)
    assert labels == {token_label(FIRST), *KeyName} - {KeyName.LOG}
    token.close()


@pytest.mark.parametrize("change", [{"label": ""}, {"label": "я" * 17}, {"pin": "123"}, {"pin": "1" * 256}], ids=str)
def test_a_label_or_pin_of_a_wrong_length_is_invalid(softhsm: SoftHsm, change: dict[str, str]):
    with pytest.raises(Invalid):
        init_token(replace(softhsm.spec("invalid"), **change), "12345678")


def test_the_pin_is_not_printed(softhsm: SoftHsm):
    assert softhsm.user.pin not in repr(softhsm.user)


def test_processes_that_start_together_all_log_in(softhsm: SoftHsm):
    """SoftHSM rewrites the token's file at each login; without the lock file a fifth of these logins fails."""
    spec = softhsm.user
    command = [sys.executable, "-c", WORKER, str(spec.module), spec.label, spec.pin, str(spec.lock_file)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": Path(__file__).parents[2]}
    workers = [subprocess.Popen(command, **pipes) for _ in range(4)]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"

    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [worker.communicate(timeout=60)[0] for worker in workers]

    assert told == ["kek-1\n" * 15] * 4
    assert [worker.returncode for worker in workers] == [0] * 4


async def test_the_next_kek_wraps_new_keys_and_leaves_the_old_ones_readable(softhsm: SoftHsm):
    token = Token(softhsm.new_token("next"))
    create_kek(token)
    keys = UserKeys(token)
    old = await keys.generate(KeySpec.P256)

    assert create_next_kek(token) == "kek-2"

    new = await keys.generate(KeySpec.P256)
    assert (old.key.kek_id, new.key.kek_id) == ("kek-1", "kek-2")
    digest = Digest.of(b"a contract")
    for key in (old, new):
        verify(key.public_key, await keys.sign(key.key, ECDSA, digest), ECDSA, digest)
    token.close()
