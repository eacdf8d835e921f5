"""The CA's keys, in the hands of `cryptography`'s builders."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from dss.hsm.cakeys import CaKeys
from dss.hsm.token import Token
from dss.kernel.errors import Conflict, HsmUnavailable, Invalid, NotFound
from dss.kernel.keyspec import KeySpec
from tests.world.softhsm import SoftHsm

NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A root")])
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HASH_FOR: dict[KeySpec, HashAlgorithm] = {KeySpec.P384: SHA384(), KeySpec.P521: SHA512()}


async def key_of(ca_keys: CaKeys, spec: KeySpec) -> Any:
    name = f"root {spec}"
    try:
        return await ca_keys.private_key(name)
    except (NotFound, HsmUnavailable):
        await ca_keys.generate(name, spec)
        return await ca_keys.private_key(name)


@pytest.mark.parametrize("spec", KeySpec)
async def test_certificates_requests_and_crls_verify(ca_keys: CaKeys, spec: KeySpec):
    key = await key_of(ca_keys, spec)
    algorithm = HASH_FOR.get(spec, SHA256())
    certificate = (
        x509.CertificateBuilder(NAME, NAME, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOON)
        .not_valid_after(NOON + timedelta(days=1))
    )
    crl = x509.CertificateRevocationListBuilder(NAME, NOON, NOON + timedelta(days=1))
    request = x509.CertificateSigningRequestBuilder(NAME)

    signed = await ca_keys.run(lambda: [builder.sign(key, algorithm) for builder in (certificate, crl, request)])

    signed[0].verify_directly_issued_by(signed[0])
    assert signed[1].is_signature_valid(key.public_key())
    assert signed[2].is_signature_valid


@pytest.mark.parametrize("spec", [KeySpec.RSA_2048, KeySpec.P256])
async def test_a_key_gives_nothing_but_signatures(ca_keys: CaKeys, spec: KeySpec):
    key = await key_of(ca_keys, spec)

    assert key.key_size == spec.bits
    assert copy.copy(key) is copy.deepcopy(key) is key
    with pytest.raises(UnsupportedAlgorithm):
        key.private_numbers()
    with pytest.raises(UnsupportedAlgorithm):
        key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(UnsupportedAlgorithm):
        key.decrypt(b"", padding.PKCS1v15()) if spec.is_rsa else key.exchange(ec.ECDH(), key.public_key())


async def test_other_paddings_and_weak_hashes_are_invalid(ca_keys: CaKeys):
    rsa_key, ec_key = await key_of(ca_keys, KeySpec.RSA_2048), await key_of(ca_keys, KeySpec.P256)

    with pytest.raises(Invalid):
        rsa_key.sign(b"", padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
    with pytest.raises(Invalid):
        rsa_key.sign(b"", padding.PKCS1v15(), SHA1())
    with pytest.raises(Invalid):
        ec_key.sign(b"", ec.ECDSA(SHA1()))


async def test_a_key_that_is_not_there_is_not_found(ca_keys: CaKeys):
    await key_of(ca_keys, KeySpec.P256)

    with pytest.raises(NotFound):
        await ca_keys.private_key("nobody's")


async def test_a_second_key_of_the_same_name_is_a_conflict(ca_keys: CaKeys):
    await key_of(ca_keys, KeySpec.P256)

    with pytest.raises(Conflict):
        await ca_keys.generate(f"root {KeySpec.P256}", KeySpec.P256)


async def test_check_passes_once_there_is_a_key(ca_keys: CaKeys):
    await key_of(ca_keys, KeySpec.P256)

    await ca_keys.check()


async def test_check_fails_while_there_is_none(softhsm: SoftHsm):
    token = Token(softhsm.new_token("no ca"))

    with pytest.raises(HsmUnavailable):
        await CaKeys(token).check()

    token.close()
