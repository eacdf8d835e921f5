"""Public keys by their kind, and the certification requests that bring them."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dss.kernel.digest import SHA256, SHA384, SHA512
from dss.kernel.errors import BadRequest, Invalid
from dss.kernel.keyspec import KeySpec

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
HASHES: dict[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    SHA256: hashes.SHA256(),
    SHA384: hashes.SHA384(),
    SHA512: hashes.SHA512(),
}
CURVES: dict[KeySpec, ec.EllipticCurve] = {
    KeySpec.P256: ec.SECP256R1(),
    KeySpec.P384: ec.SECP384R1(),
    KeySpec.P521: ec.SECP521R1(),
}
BY_CURVE = {curve.name: spec for spec, curve in CURVES.items()}
BY_MODULUS = {spec.bits: spec for spec in KeySpec if spec.is_rsa}
RSA_EXPONENT = 65537


def read_request(der: bytes) -> PublicKey:
    """Return the key of a PKCS#10 request whose signature shows that the requester holds it.

    The request's subject and extensions are not looked at: the CA decides on both.
    Raises BadRequest when it is not one, Invalid on a wrong signature and on keys and hashes that are not offered.
    Source: RFC 2986 section 4.
    """
    try:
        request = x509.load_der_x509_csr(der)
        hash_algorithm = request.signature_hash_algorithm
        known = isinstance(hash_algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512)
        if not known or not request.is_signature_valid:
            raise Invalid("the certification request is not signed by its key with SHA-256, SHA-384 or SHA-512")
        return require_offered(request.public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as fault:
        raise BadRequest("not a PKCS#10 certification request in DER with a key that can be read") from fault


def require_offered(key: object) -> PublicKey:
    """Return a key of a kind that certificates are issued for.

    Raises Invalid on other algorithms, sizes and curves, and on every RSA exponent but 65537: it is what HSMs
    make, and small ones have broken implementations behind them (TS 119 312 clause 6.2.2.1 asks for more than 2^16).
    """
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise Invalid("the key is neither RSA nor on an elliptic curve")
    spec_of(key)
    if isinstance(key, rsa.RSAPublicKey) and key.public_numbers().e != RSA_EXPONENT:
        raise Invalid(f"the RSA exponent is not {RSA_EXPONENT}")
    return key


def key_of(certificate: bytes) -> bytes:
    """Return the key that a certificate, DER, is for: SubjectPublicKeyInfo in DER."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def spec_of(key: PublicKey) -> KeySpec:
    """Return the kind of a key. Raises Invalid for one that is not offered."""
    spec = BY_MODULUS.get(key.key_size) if isinstance(key, rsa.RSAPublicKey) else BY_CURVE.get(key.curve.name)
    if spec is None:
        raise Invalid(f"the key is of none of the kinds {', '.join(KeySpec)}")
    return spec
