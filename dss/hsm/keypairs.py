"""Key pairs in the HSM: how they are made, and their public halves as `cryptography` has them."""

from typing import Any

import pkcs11
from asn1crypto.core import OctetString
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag
from pkcs11.util.ec import encode_named_curve_parameters

from dss.kernel.errors import HsmUnavailable
from dss.kernel.keyspec import KeySpec

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

SIGNING = MechanismFlag.SIGN | MechanismFlag.VERIFY
STAYS = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.MODIFIABLE: False}

CURVES = {KeySpec.P256: ec.SECP256R1(), KeySpec.P384: ec.SECP384R1(), KeySpec.P521: ec.SECP521R1()}
PARAMETERS = {spec: encode_named_curve_parameters(curve.name) for spec, curve in CURVES.items()}
ED25519 = encode_named_curve_parameters("1.3.101.112")  # id-Ed25519, RFC 8410 section 3
ED25519_MECHANISMS = {Mechanism.EC_EDWARDS_KEY_PAIR_GEN, Mechanism.EDDSA}
ED25519_POINT = b"\x04\x20"  # the head of an OCTET STRING of 32 bytes
CURVE_OF = {PARAMETERS[spec]: curve for spec, curve in CURVES.items()}


def generate_pair(session: pkcs11.Session, spec: KeySpec, **options: Any) -> tuple[Any, Any]:
    """Make a key pair; the options are python-pkcs11's. Returns (public, private) handles. Raises PKCS11Error."""
    if spec.is_rsa:
        return session.generate_keypair(KeyType.RSA, spec.bits, **options)
    curve = session.create_domain_parameters(KeyType.EC, {Attribute.EC_PARAMS: PARAMETERS[spec]}, local=True)
    return curve.generate_keypair(**options)


def generate_ed25519(session: pkcs11.Session, **options: Any) -> tuple[Any, Any]:
    """Make an Ed25519 key pair; options and result are those of `generate_pair`. Raises PKCS11Error.

    Raises HsmUnavailable from a module that has no such keys. Source: PKCS#11 3.0 section 2.3.10.
    """
    if not session.token.slot.get_mechanisms() >= ED25519_MECHANISMS:
        raise HsmUnavailable("the HSM's module has no Ed25519, which the key of the transparency log needs")
    curve = session.create_domain_parameters(KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: ED25519}, local=True)
    return curve.generate_keypair(mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, **options)


def public_key_of(handle: Any) -> PublicKey:
    """Read a public key out of the HSM. Raises PKCS11Error."""
    if handle.key_type is KeyType.RSA:
        exponent = int.from_bytes(handle[Attribute.PUBLIC_EXPONENT])
        return rsa.RSAPublicNumbers(exponent, int.from_bytes(handle[Attribute.MODULUS])).public_key()
    point = OctetString.load(handle[Attribute.EC_POINT]).native
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVE_OF[handle[Attribute.EC_PARAMS]], point)


def ed25519_of(handle: Any) -> bytes:
    """Read an Ed25519 public key out of the HSM, 32 bytes as RFC 8032 writes them. Raises PKCS11Error, HsmUnavailable.

    Source: PKCS#11 3.0 section 2.3.5.
    """
    point: bytes = handle[Attribute.EC_POINT]
    if len(point) != 34 or not point.startswith(ED25519_POINT):
        raise HsmUnavailable("the HSM does not write an Ed25519 key as an OCTET STRING of 32 bytes")
    return point.removeprefix(ED25519_POINT)
