"""One signing of a tiny PDF by a throw-away key, twice over, so that everything it takes is loaded."""

import hashlib
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dss.documents import pades
from dss.documents.attributes import signed_attributes
from dss.documents.model import Completing, PrepareFor
from dss.documents.recheck import place_in
from dss.kernel.keyspec import KeySpec, Scheme

OBJECTS = (
    b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n",
    b"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n",
    b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>\nendobj\n",
)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


async def run() -> None:
    """Sign, verify, and sign again, which judges the first signature. Raises whatever does not work."""
    key = ec.generate_private_key(ec.SECP256R1())
    how = PrepareFor((_certificate(key),), KeySpec.P256, Scheme.default_for(KeySpec.P256), "Nobody", NOON)
    once = await _signed(_tiny_pdf(), key, how)
    await _signed(once, key, how)


async def _signed(pdf: bytes, key: ec.EllipticCurvePrivateKey, how: PrepareFor) -> bytes:
    tail = await pades.prepare(pdf, how)
    prepared, place = pdf + tail, place_in(tail, len(pdf), how)
    digest = hashlib.sha256(prepared[: place.start] + prepared[place.end :]).digest()
    attributes = signed_attributes(digest, how.chain[0])
    signature = key.sign(attributes, ec.ECDSA(hashes.SHA256()))
    content = await pades.complete(prepared, Completing(place, attributes, signature, how.chain))
    written = content.hex().upper().encode()
    return prepared[: place.start + 1] + written + prepared[place.start + 1 + len(written) :]


def _certificate(key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Nobody")])
    usage = x509.KeyUsage(
        content_commitment=True,
        digital_signature=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 1, NOON - timedelta(days=1), NOON + timedelta(days=1)
    )
    certificate = builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.DER)


def _tiny_pdf() -> bytes:
    pdf, places = b"%PDF-1.7\n", []
    for written in OBJECTS:
        places.append(len(pdf))
        pdf += written
    entries = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(pdf)
    return pdf + b"xref\n0 4\n0000000000 65535 f \n" + entries + trailer
