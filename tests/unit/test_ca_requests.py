"""Which certification requests the CA reads, and which keys it certifies."""

import pytest
from asn1crypto import csr as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from dss.ca.publickeys import read_request, require_offered, spec_of
from dss.kernel.errors import BadRequest, DssError, Invalid
from dss.kernel.keyspec import KeySpec
from tests.world.authorities import csr
from tests.world.cakeys import new_key

SLOW = {KeySpec.RSA_3072, KeySpec.RSA_4096}
GOOD = csr(KeySpec.P256)


@pytest.mark.parametrize("spec", [spec for spec in KeySpec if spec not in SLOW])
def test_a_request_brings_a_key_of_its_kind(spec):
    key = new_key(spec)
    read = read_request(csr(key=key))
    assert read == key.public_key()
    assert spec_of(read) is spec


def test_a_request_with_any_bit_turned_never_brings_another_key():
    """RFC 2986 section 4: the signature proves possession; its own coding may have a spare bit."""
    right = x509.load_der_x509_csr(GOOD).public_key()
    read = []
    for place in range(len(GOOD)):
        try:
            read.append(read_request(GOOD[:place] + bytes([GOOD[place] ^ 1]) + GOOD[place + 1 :]))
        except (BadRequest, Invalid):
            continue
    assert all(key == right for key in read)


@given(st.binary(max_size=200))
def test_what_is_not_a_request_is_refused(junk):
    with pytest.raises(BadRequest):
        read_request(junk)


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=8))
def test_no_bytes_in_a_request_escape_as_another_error(place, bytes_):
    try:
        read_request(GOOD[:place] + bytes_ + GOOD[place + len(bytes_) :])
    except DssError:
        return


def test_bytes_after_a_request_are_refused():
    with pytest.raises(BadRequest):
        read_request(GOOD + b"\x00")


def test_a_request_for_the_key_of_another_is_refused():
    """T13: without the private key nobody is certified for a public key."""
    theirs = new_key(KeySpec.P256).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    mine = x509.load_der_x509_csr(GOOD).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert mine in GOOD
    with pytest.raises(Invalid, match="not signed by its key"):
        read_request(GOOD.replace(mine, theirs))


def test_a_request_signed_with_sha1_is_refused():
    with pytest.raises(Invalid, match="SHA-256"):
        read_request(SIGNED_WITH_SHA1)


def test_keys_of_other_algorithms_are_refused():
    key = ed25519.Ed25519PrivateKey.generate()
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    with pytest.raises(Invalid, match="SHA-256"):
        read_request(builder.sign(key, None).public_bytes(Encoding.DER))
    with pytest.raises(Invalid, match="neither"):
        require_offered(key.public_key())


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),
        rsa.generate_private_key(65537, 2056),
        ec.generate_private_key(ec.SECP256K1()),
    ],
    ids=["RSA-1024", "RSA-2056", "secp256k1"],
)
def test_keys_of_other_sizes_and_curves_are_refused(key):
    """TS 119 312 clause 6.2."""
    with pytest.raises(Invalid, match="kinds RSA-2048"):
        require_offered(key.public_key())


def test_small_rsa_exponents_are_refused():
    """TS 119 312 clause 6.2.2.1: more than 2^16."""
    with pytest.raises(Invalid, match="exponent"):
        require_offered(rsa.generate_private_key(3, 2048).public_key())
    with pytest.raises(Invalid, match="exponent"):
        read_request(csr(key=rsa.generate_private_key(3, 2048)))


def signed_with_sha1() -> bytes:
    """Take a request signed with SHA-256 and sign its content anew with SHA-1."""
    key = new_key(KeySpec.P256)
    request = asn1.CertificationRequest.load(csr(key=key))
    request["signature_algorithm"] = {"algorithm": "sha1_ecdsa"}
    request["signature"] = key.sign(request["certification_request_info"].dump(), ec.ECDSA(hashes.SHA1()))
    return request.dump(force=True)


SIGNED_WITH_SHA1 = signed_with_sha1()
