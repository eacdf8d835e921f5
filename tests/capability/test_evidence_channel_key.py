"""The server's word for its channel key: by the HSM, and once for each key (docs/evidence.md section 1a)."""

import pytest

from dss.audit.log_key import log_key
from dss.evidence.channel_key import Statement
from dss.evidence.stating import ChannelKeys
from dss.hsm.servicekeys import KeyName
from dss.infra import jose
from dss.kernel.errors import HsmUnavailable
from tests.world.servicekeys import SoftwareServiceKeys

ORIGIN, SERVER = "dss.test/log", "https://dss.test"


class Exchanged(SoftwareServiceKeys):
    """A token in whose place others are put."""

    def becomes(self, name: KeyName) -> None:
        """Let the log's key, or else the channel key, be another from now on."""
        other = SoftwareServiceKeys()
        if name is KeyName.LOG:
            self._ed25519 = other._ed25519
        else:
            self._pairs = other._pairs


class Lying(SoftwareServiceKeys):
    """A token that signs with another key than it shows."""

    async def sign_ed25519(self, name: KeyName, data: bytes) -> bytes:
        return await SoftwareServiceKeys().sign_ed25519(name, data)


async def read(keys: SoftwareServiceKeys, written: str) -> Statement:
    return Statement.read_signed(written, await log_key(keys, ORIGIN))


async def test_it_names_the_log_the_server_and_the_key_that_the_token_holds() -> None:
    keys = SoftwareServiceKeys()
    stated = await read(keys, await ChannelKeys(keys, ORIGIN, SERVER).statement())

    jwk = jose.write_jwk(await keys.public_key(KeyName.DEVICE_CHANNEL))
    assert stated == Statement(ORIGIN, SERVER, jose.thumbprint(jwk))


async def test_it_is_signed_once_and_is_the_same_in_every_process() -> None:
    keys = SoftwareServiceKeys()
    one, other = ChannelKeys(keys, ORIGIN, SERVER), ChannelKeys(keys, ORIGIN, SERVER)
    said = {await one.statement() for _ in range(3)}
    assert keys.signatures_made == 1
    assert said == {await other.statement()}


@pytest.mark.parametrize("name", [KeyName.DEVICE_CHANNEL, KeyName.LOG])
async def test_keys_of_another_token_are_told_of_anew(name: KeyName) -> None:
    keys = Exchanged()
    channel_keys = ChannelKeys(keys, ORIGIN, SERVER)
    before = await channel_keys.statement()
    keys.becomes(name)

    after = await channel_keys.statement()
    jwk = jose.write_jwk(await keys.public_key(KeyName.DEVICE_CHANNEL))
    assert after != before
    assert (await read(keys, after)).thumbprint == jose.thumbprint(jwk)


async def test_without_the_hsm_there_is_none() -> None:
    keys = SoftwareServiceKeys()
    channel_keys = ChannelKeys(keys, ORIGIN, SERVER)
    await channel_keys.statement()
    keys.stopped = True

    with pytest.raises(HsmUnavailable):
        await channel_keys.statement()


async def test_a_signature_that_does_not_verify_is_not_given_out() -> None:
    with pytest.raises(HsmUnavailable, match="does not verify"):
        await ChannelKeys(Lying(), ORIGIN, SERVER).statement()
