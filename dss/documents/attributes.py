"""The signed attributes of a PAdES signature: what the key signs.

The server makes them itself, so that nothing that reads a foreign PDF decides what is signed.
Source: ETSI EN 319 142-1 section 6.3, RFC 5652 section 11, RFC 5035 section 4.
"""

import hashlib
from typing import Any

from asn1crypto import cms, tsp, x509


def signed_attributes(message_digest: bytes, certificate: bytes, *, names_issuer: bool = True) -> bytes:
    """Return content-type, message-digest and signing-certificate-v2 as a DER SET OF.

    message_digest: hash over the byte range.
    certificate:    the signer's, DER; named by its SHA-256.
    names_issuer:   whether by its issuer and its serial number besides.
    """
    named = {"cert_hash": hashlib.sha256(certificate).digest()} | (_issued(certificate) if names_issuer else {})
    values = {
        "content_type": "data",
        "message_digest": message_digest,
        "signing_certificate_v2": tsp.SigningCertificateV2({"certs": [named]}),
    }
    attributes = [cms.CMSAttribute({"type": name, "values": [value]}) for name, value in values.items()]
    return bytes(cms.CMSAttributes(attributes).dump())


def _issued(certificate: bytes) -> dict[str, Any]:
    parsed = x509.Certificate.load(certificate)
    issuer = [x509.GeneralName(name="directory_name", value=parsed.issuer)]
    return {"issuer_serial": {"issuer": issuer, "serial_number": parsed.serial_number}}
