"""The signatures: that the key of the signer's certificate signed what the person confirmed.

Source: docs/evidence.md section 2 steps 14 and 15; RFC 5652 section 11, RFC 5035 section 4.
"""

import hashlib
from collections.abc import Sequence

from asn1crypto import cms
from cryptography import x509

from dss.devices.items import Item
from dss.documents.attributes import signed_attributes
from dss.evidence import certificate_check
from dss.evidence.concerned import Key
from dss.evidence.fields import EvidenceRefused, looking_at, require
from dss.evidence.item_form import BARE_FORMAT
from dss.evidence.pieces import Piece
from dss.infra import signatures
from dss.kernel.digest import Digest
from dss.kernel.keyspec import Scheme

KNOWN = ("content-type (data)", "message-digest", "signing-certificate-v2 of the signer's certificate")


def check(key: Key | None, signed: Sequence[tuple[Item, Piece]], certificate: x509.Certificate, der: bytes) -> None:
    """Verify the signatures of a confirmed `sign`. der: the certificate's own bytes. Raises EvidenceRefused."""
    named = key is not None and key.certificate_sha256 == hashlib.sha256(der).digest()
    require(named, "the signer's certificate is not the one that the request names")
    certificate_check.require_may_sign(certificate)
    require(bool(signed), "nothing was asked to be signed")
    for item, piece in signed:
        what = f"the signature of document {item.index}"
        _require_attributes(item, piece, der, what)
        by_key = signatures.is_by(certificate.public_key(), Scheme.named(item.scheme), item.to_sign, piece.value)
        require(by_key, f"{what} does not verify")


def message_digest(attributes: bytes) -> bytes:
    """Return the hash over the byte range that signed attributes name. Raises EvidenceRefused."""
    try:
        read = cms.CMSAttributes.load(attributes, strict=True)
        named = [value.native for one in read if one["type"].native == "message_digest" for value in one["values"]]
    except (ValueError, TypeError, KeyError) as fault:
        raise EvidenceRefused("the signed attributes cannot be read") from fault
    require(len(named) == 1, "the signed attributes do not name one message digest")
    digest: bytes = named[0]
    return digest


def _require_attributes(item: Item, piece: Piece, certificate: bytes, what: str) -> None:
    if item.format == BARE_FORMAT:
        require(not piece.attributes, f"{what} has attributes, though it is over a bare hash")
        return
    hashed = Digest.of(piece.attributes, item.to_sign.algorithm)
    require(hashed == item.to_sign, f"{what} has other attributes than those whose hash was confirmed")
    with looking_at(what):
        over_range = message_digest(piece.attributes)
    require(len(over_range) == len(hashed.value), f"{what} has a message digest of another length")
    # Written anew and compared: DER has one text, and whatever else stands there is found.
    known = [signed_attributes(over_range, certificate, names_issuer=either) for either in (True, False)]
    require(piece.attributes in known, f"{what} has attributes that are not {', '.join(KNOWN)} alone, in DER")
