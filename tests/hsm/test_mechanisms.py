"""From the kernel's words for signing to those of PKCS#11."""

import hashlib

import pytest
from asn1crypto.algos import DigestInfo
from pkcs11 import MGF, Mechanism

from dss.hsm.mechanisms import ecdsa_der, operation
from dss.kernel.digest import ALGORITHMS, SHA256, SHA384, SHA512, Digest
from dss.kernel.keyspec import KeySpec, Padding, Scheme


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_pkcs1_signs_a_digest_info(algorithm: str):
    """RFC 8017 section 9.2: DER of the algorithm, with NULL parameters, and the hash."""
    digest = Digest.of(b"a contract", algorithm)

    signed = DigestInfo.load(operation(KeySpec.RSA_2048, Scheme(Padding.PKCS1), digest).data, strict=True)

    assert signed["digest_algorithm"].native == {"algorithm": digest.name, "parameters": None}
    assert signed["digest"].native == hashlib.new(digest.name, b"a contract").digest()


def test_pss_masks_with_the_hash_of_the_digest_and_salts_as_asked():
    """RFC 8017 section 9.1."""
    todo = operation(KeySpec.RSA_2048, Scheme(Padding.PSS, 20), Digest.of(b"", SHA384))

    assert todo.parameter == (Mechanism.SHA384, MGF.SHA384, 20)


@pytest.mark.parametrize(
    ("spec", "algorithm", "length"),
    [(KeySpec.P256, SHA512, 32), (KeySpec.P384, SHA512, 48), (KeySpec.P384, SHA256, 32), (KeySpec.P521, SHA512, 64)],
)
def test_ecdsa_takes_the_leftmost_bits_of_a_longer_hash(spec: KeySpec, algorithm: str, length: int):
    """FIPS 186-5 section 6.4.1."""
    digest = Digest.of(b"a contract", algorithm)

    assert operation(spec, Scheme(Padding.ECDSA), digest).data == digest.value[:length]


def test_an_ecdsa_signature_becomes_der():
    """RFC 3279 section 2.2.3; an integer is positive, and without needless zeros."""
    assert ecdsa_der(bytes([0, 1, 0, 0xFF])) == bytes.fromhex("3007020101020200ff")
