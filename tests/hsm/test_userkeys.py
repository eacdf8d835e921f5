"""People's keys: made, wrapped, and used for one signature at a time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pkcs11 import KeyType, PKCS11Error

from dss.hsm.keyblob import BlobRefused
from dss.hsm.module import module_at
from dss.hsm.sessions import Bench
from dss.hsm.setup import create_kek
from dss.hsm.token import Refused, Token
from dss.hsm.userkeys import UserKeys, WrappedKey
from dss.kernel.digest import ALGORITHMS, SHA256, Digest
from dss.kernel.errors import HsmUnavailable, Invalid
from dss.kernel.keyspec import KeySpec, Padding, Scheme
from tests.world.softhsm import SoftHsm

HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
SCHEMES = {
    True: [Scheme(Padding.PKCS1), *(Scheme(Padding.PSS, salt) for salt in (0, 20, 32, 48, 64))],
    False: [Scheme(Padding.ECDSA)],
}
ECDSA = Scheme(Padding.ECDSA)


def verify(public_key: bytes, signature: bytes, scheme: Scheme, digest: Digest) -> None:
    """Verify with another library. Raises InvalidSignature."""
    key: Any = load_der_public_key(public_key)
    algorithm = HASHES[digest.name]
    if scheme.padding is Padding.ECDSA:
        key.verify(signature, digest.value, ec.ECDSA(Prehashed(algorithm)))
    elif scheme.padding is Padding.PSS:
        pss = padding.PSS(padding.MGF1(algorithm), scheme.salt_length)
        key.verify(signature, digest.value, pss, Prehashed(algorithm))
    else:
        key.verify(signature, digest.value, padding.PKCS1v15(), Prehashed(algorithm))


@pytest.mark.parametrize("spec", KeySpec)
async def test_every_kind_of_key_signs_every_hash_in_every_scheme(user_keys: UserKeys, spec: KeySpec):
    """RFC 8017 sections 8.1 and 8.2 with the salt length that was asked for; FIPS 186-5 section 6."""
    key = await user_keys.generate(spec)

    for algorithm in ALGORITHMS:
        digest = Digest.of(b"a contract", algorithm)
        for scheme in SCHEMES[spec.is_rsa]:
            signature = await user_keys.sign(key.key, scheme, digest)
            verify(key.public_key, signature, scheme, digest)


async def test_a_pss_signature_has_no_other_salt_length_than_asked(user_keys: UserKeys):
    key = await user_keys.generate(KeySpec.RSA_2048)
    digest = Digest.of(b"a contract")

    signature = await user_keys.sign(key.key, Scheme(Padding.PSS, 20), digest)

    with pytest.raises(InvalidSignature):
        verify(key.public_key, signature, Scheme(Padding.PSS, 32), digest)


@pytest.mark.parametrize(
    ("spec", "scheme"),
    [
        (KeySpec.P256, Scheme(Padding.PKCS1)),
        (KeySpec.P256, Scheme(Padding.PSS, 32)),
        (KeySpec.RSA_2048, ECDSA),
        (KeySpec.RSA_2048, Scheme(Padding.PSS, 65)),
    ],
)
async def test_a_scheme_that_does_not_fit_the_key_is_invalid(user_keys: UserKeys, spec: KeySpec, scheme: Scheme):
    with pytest.raises(Invalid):
        await user_keys.sign(WrappedKey("kek-1", b"", spec), scheme, Digest.of(b""))


def objects(token: Token) -> int:
    return len(token.do(lambda bench: bench.search({}), lambda bench: None))


async def test_nothing_of_a_key_stays_in_the_token(user_keys: UserKeys, user_token: Token):
    before = objects(user_token)

    key = await user_keys.generate(KeySpec.P256)
    await user_keys.sign(key.key, ECDSA, Digest.of(b"a contract"))

    assert objects(user_token) == before


def test_what_failed_work_leaves_in_its_session_goes_with_it(user_token: Token):
    def fail(bench: Bench) -> None:
        bench.session.generate_key(KeyType.AES, 256, label="left behind")
        raise PKCS11Error

    before = objects(user_token)

    with pytest.raises(Refused):
        user_token.do(fail, lambda bench: None)

    assert objects(user_token) == before


async def test_many_threads_sign_without_an_error(softhsm: SoftHsm):
    """T57. Loaded without CKF_OS_LOCKING_OK the process would not live to the end of this."""
    token = Token(softhsm.user)
    keys = UserKeys(token)
    generated = await keys.generate(KeySpec.P256)
    key = generated.key
    digests = [Digest.of(bytes([number])) for number in range(200)]

    def sign_all(_: int) -> list[bytes]:
        async def run() -> list[bytes]:
            return [await keys.sign(key, ECDSA, digest) for digest in digests]

        return asyncio.run(run())

    with ThreadPoolExecutor(8) as pool:
        rounds = await asyncio.gather(*(asyncio.wrap_future(pool.submit(sign_all, number)) for number in range(8)))

    token.close()
    for signatures in rounds:
        for digest, signature in zip(digests, signatures, strict=True):
            verify(generated.public_key, signature, ECDSA, digest)


@pytest.mark.parametrize("spec", [KeySpec.P256, KeySpec.RSA_2048])
@pytest.mark.parametrize(
    "spoil", [lambda blob: blob[:-1] + bytes([blob[-1] ^ 1]), lambda blob: blob[:-8], lambda _: b""]
)
async def test_a_bad_key_is_refused_and_disturbs_nobody(
    user_keys: UserKeys, softhsm: SoftHsm, spec: KeySpec, spoil: Any
):
    key = await user_keys.generate(spec)
    generation = module_at(softhsm.module).generation

    with pytest.raises(BlobRefused):
        await user_keys.sign(replace(key.key, wrapped=spoil(key.key.wrapped)), Scheme.default_for(spec), Digest.of(b""))

    assert module_at(softhsm.module).generation == generation
    await user_keys.sign(key.key, Scheme.default_for(spec), Digest.of(b""))


async def test_a_key_of_another_kind_than_stated_is_refused(user_keys: UserKeys):
    key = await user_keys.generate(KeySpec.P256)

    with pytest.raises(BlobRefused):
        await user_keys.sign(replace(key.key, spec=KeySpec.RSA_2048), Scheme(Padding.PKCS1), Digest.of(b""))


async def test_an_unknown_kek_is_a_fault_of_the_hsm_and_disturbs_nobody(user_keys: UserKeys, softhsm: SoftHsm):
    key = await user_keys.generate(KeySpec.P256)
    generation = module_at(softhsm.module).generation

    with pytest.raises(HsmUnavailable):
        await user_keys.sign(replace(key.key, kek_id="kek-99"), ECDSA, Digest.of(b""))

    assert module_at(softhsm.module).generation == generation


async def test_a_new_kek_wraps_new_keys_and_the_old_one_still_opens_its_own(softhsm: SoftHsm):
    token = Token(softhsm.new_token("keks"))
    create_kek(token, 9)
    keys = UserKeys(token)
    old = await keys.generate(KeySpec.P256)
    create_kek(token, 10)
    create_kek(token, 9)

    new = await keys.generate(KeySpec.P256)

    assert (old.key.kek_id, new.key.kek_id) == ("kek-9", "kek-10")
    for key in (old, new):
        digest = Digest.of(b"a contract", SHA256)
        verify(key.public_key, await keys.sign(key.key, ECDSA, digest), ECDSA, digest)
    with pytest.raises(BlobRefused):
        await keys.sign(replace(new.key, wrapped=old.key.wrapped), ECDSA, Digest.of(b""))
    token.close()


async def test_check_passes_on_a_token_with_a_kek(user_keys: UserKeys):
    await user_keys.check()


async def test_check_fails_on_a_token_without_a_kek(softhsm: SoftHsm):
    token = Token(softhsm.new_token("nothing"))

    with pytest.raises(HsmUnavailable):
        await UserKeys(token).check()

    token.close()
