"""The steps about signatures (docs/evidence.md section 2, steps 14 and 15)."""

from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from tests.referee import shapes
from tests.referee.refusing import Refused, require

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
# OBJECT IDENTIFIERs in DER: RFC 5652 sections 11.1, 11.2 and 4; RFC 5035 section 3
CONTENT_TYPE = bytes.fromhex("06092a864886f70d010903")
MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
DATA = bytes.fromhex("06092a864886f70d010701")
SIGNING_CERTIFICATE_V2 = bytes.fromhex("060b2a864886f70d010910022f")
SEQUENCE, SET, OCTETS, INTEGER, DIRECTORY_NAME = 0x30, 0x31, 0x04, 0x02, 0xA4


def require_signed(documents: list[dict[str, Any]], pieces: list[dict[str, Any]], certificate: bytes) -> None:
    """Check each signature of a confirmed request against its document and the signer's certificate."""
    require(documents, "nothing was to be signed")
    wanted, there = ([one["index"] for one in many] for many in (documents, pieces))
    require(wanted == there, "the signatures are not those of the documents")
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm) as failure:
        raise Refused("the signer's certificate has no key that is known") from failure
    for document, piece in zip(documents, pieces, strict=True):
        _require_attributes(document, shapes.bytes_of(piece["attributes"], "attributes"), certificate)
        _require_value(document, shapes.bytes_of(piece["value"], "value"), key)


def attributes_of(message_digest: bytes, certificate: bytes, *, issuer_too: bool = True) -> bytes:
    """Write signed attributes: a SET OF in DER, in the order of its members' bytes.

    issuer_too: whether the certificate is named by its issuer and serial number besides (RFC 5035 section 4).
    """
    named = der(OCTETS, sha256(certificate).digest()) + (issuer_serial(certificate) if issuer_too else b"")
    attributes = (
        attribute(CONTENT_TYPE, DATA),
        attribute(MESSAGE_DIGEST, der(OCTETS, message_digest)),
        attribute(SIGNING_CERTIFICATE_V2, der(SEQUENCE, der(SEQUENCE, der(SEQUENCE, named)))),
    )
    return der(SET, b"".join(sorted(attributes)))


def issuer_serial(certificate: bytes) -> bytes:
    """Write a certificate's issuer, as GeneralNames, and its serial number."""
    parsed = x509.load_der_x509_certificate(certificate)
    serial = parsed.serial_number.to_bytes(parsed.serial_number.bit_length() // 8 + 1)
    return der(SEQUENCE, der(SEQUENCE, der(DIRECTORY_NAME, parsed.issuer.public_bytes())) + der(INTEGER, serial))


def _require_attributes(document: dict[str, Any], attributes: bytes, certificate: bytes) -> None:
    if document["format"] == "hash":
        require(not attributes, "a bare hash has signed attributes")
        return
    algorithm = HASHES[document["hash_algorithm"]]
    length = algorithm.digest_size
    _, _, behind = attributes.partition(attribute(MESSAGE_DIGEST, der(OCTETS, bytes(length)))[:-length])
    known = [attributes_of(behind[:length], certificate, issuer_too=issuer_too) for issuer_too in (True, False)]
    require(attributes in known, "the signed attributes are others")
    hashed = hashes.Hash(algorithm)
    hashed.update(attributes)
    require(shapes.text_of(hashed.finalize()) == document["to_sign"], "other attributes were to be signed")


def _require_value(document: dict[str, Any], value: bytes, key: Any) -> None:
    scheme, hashed = document["scheme"], shapes.bytes_of(document["to_sign"], "to_sign")
    algorithm = HASHES[document["hash_algorithm"]]
    prehashed = utils.Prehashed(algorithm)
    kind = ec.EllipticCurvePublicKey if scheme == "ecdsa" else rsa.RSAPublicKey
    require(isinstance(key, kind), "the signer's key is of another kind than the scheme")
    try:
        if scheme == "ecdsa":
            key.verify(value, hashed, ec.ECDSA(prehashed))
        else:
            key.verify(value, hashed, _padding(scheme, algorithm), prehashed)
    except (InvalidSignature, ValueError) as failure:
        raise Refused("a signature does not verify") from failure


def _padding(scheme: str, algorithm: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    if scheme == "pkcs1v15":
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(algorithm), int(scheme.removeprefix("pss-")))


def attribute(type: bytes, value: bytes) -> bytes:
    return der(SEQUENCE, type + der(SET, value))


def der(tag: int, content: bytes) -> bytes:
    """Write a value in DER."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(octets)]) + octets + content
