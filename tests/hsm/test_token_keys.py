"""The keys that sign access tokens, in the HSM: made one after another, and destroyed."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from pkcs11 import Attribute, AttributeSensitive, ObjectClass

from dss.hsm.servicekeys import ServiceKeys
from dss.hsm.setup import create_service_keys
from dss.hsm.token import Token
from dss.hsm.token_keys import token_label, token_number
from dss.kernel.errors import HsmUnavailable
from tests.world.softhsm import SoftHsm


@pytest.fixture(scope="module")
def token(softhsm: SoftHsm) -> Iterator[Token]:
    """A service token of these tests' own: they destroy keys."""
    opened = Token(softhsm.new_token("turning"))
    create_service_keys(opened)
    yield opened
    opened.close()


@pytest.fixture
def keys(token: Token) -> ServiceKeys:
    create_service_keys(token)
    return ServiceKeys(token)


async def free_number(keys: ServiceKeys) -> int:
    return max(await keys.token_keys()) + 1


@given(st.integers(1, 999_999_999))
def test_a_label_tells_its_number(number: int):
    assert token_number(token_label(number)) == number


@pytest.mark.parametrize("label", ["token-signing-", "token-signing-0", "token-signing-01", "box-1", "xtoken-signing"])
def test_a_label_of_another_form_has_no_number(label: str):
    assert token_number(label) is None


def test_the_first_has_the_label_of_versions_that_had_no_other():
    assert token_label(1) == "token-signing"


async def test_the_first_is_made_with_the_server_s_other_keys(softhsm: SoftHsm):
    token = Token(softhsm.new_token("beginning"))
    create_service_keys(token)

    assert set(await ServiceKeys(token).token_keys()) == {1}
    token.close()


async def test_each_token_key_signs_es256_for_itself(keys: ServiceKeys):
    """RFC 7518 section 3.4: r || s, 64 bytes, over SHA-256."""
    number = await free_number(keys)
    await keys.create_token_key(number)

    signature = await keys.sign_token(number, b"a token")

    der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    (await keys.token_keys())[number].verify(der, b"a token", ec.ECDSA(SHA256()))


async def test_a_token_key_that_is_there_stays(keys: ServiceKeys):
    number = await free_number(keys)
    await keys.create_token_key(number)
    before = (await keys.token_keys())[number].public_numbers()

    await keys.create_token_key(number)

    assert (await keys.token_keys())[number].public_numbers() == before


async def test_a_token_key_cannot_be_read(keys: ServiceKeys, token: Token):
    number = await free_number(keys)
    await keys.create_token_key(number)

    found = token.do(lambda bench: bench.key(token_label(number), ObjectClass.PRIVATE_KEY), lambda bench: None)

    with pytest.raises(AttributeSensitive):
        found[Attribute.VALUE]
    assert not found[Attribute.EXTRACTABLE]


async def test_a_destroyed_token_key_signs_nothing_on_any_thread(keys: ServiceKeys):
    """Each thread keeps handles that it found, and none of them outlives the key."""
    number = await free_number(keys)
    await keys.create_token_key(number)
    for _ in range(4):
        await keys.sign_token(number, b"a token")

    await keys.destroy_token_key(number)
    await keys.destroy_token_key(number)

    assert number not in await keys.token_keys()
    for _ in range(4):
        with pytest.raises(HsmUnavailable):
            await keys.sign_token(number, b"a token")


async def test_the_first_key_is_not_made_again_once_another_followed_it(keys: ServiceKeys, token: Token):
    number = await free_number(keys)
    await keys.create_token_key(number)
    await keys.destroy_token_key(1)

    create_service_keys(token)

    assert 1 not in await keys.token_keys()
    await keys.check()


async def test_a_token_without_any_token_key_is_not_ready(softhsm: SoftHsm):
    token = Token(softhsm.new_token("keyless"))
    create_service_keys(token)
    keys = ServiceKeys(token)
    await keys.destroy_token_key(1)

    with pytest.raises(HsmUnavailable, match="run `dss hsm service-keys`"):
        await keys.check()

    create_service_keys(token)
    await keys.check()
    token.close()
