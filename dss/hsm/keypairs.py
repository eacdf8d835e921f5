"""Key pairs in the HSM: how they are made, and their public halves as `cryptography` has them."""

from typing import Any

import pkcs11
from asn1crypto.core import OctetString
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pkcs11 import Attribute, KeyType, MechanismFlag
from pkcs11.util.ec import encode_named_curve_parameters

from dss.kernel.keyspec import KeySpec

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

SIGNING = MechanismFlag.SIGN | MechanismFlag.VERIFY
STAYS = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.MODIFIABLE: False}

CURVES = {KeySpec.P256: ec.SECP256R1(), KeySpec.P384: ec.SECP384R1(), KeySpec.P521: ec.SECP521R1()}
PARAMETERS = {spec: encode_named_curve_parameters(curve.name) for spec, curve in CURVES.items()}
CURVE_OF = {PARAMETERS[spec]: curve for spec, curve in CURVES.items()}


def generate_pair(session: pkcs11.Session, spec: KeySpec, **options: Any) -> tuple[Any, Any]:
    """Make a key pair; the options are python-pkcs11's. Returns (public, private) handles. Raises PKCS11Error."""
    if spec.is_rsa:
        return session.generate_keypair(KeyType.RSA, spec.bits, **options)
    curve = session.create_domain_parameters(KeyType.EC, {Attribute.EC_PARAMS: PARAMETERS[spec]}, local=True)
    return curve.generate_keypair(**options)


def public_key_of(handle: Any) -> PublicKey:
    """Read a public key out of the HSM. Raises PKCS11Error."""
    if handle.key_type is KeyType.RSA:
        exponent = int.from_bytes(handle[Attribute.PUBLIC_EXPONENT])
        return rsa.RSAPublicNumbers(exponent, int.from_bytes(handle[Attribute.MODULUS])).public_key()
    point = OctetString.load(handle[Attribute.EC_POINT]).native
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVE_OF[handle[Attribute.EC_PARAMS]], point)
