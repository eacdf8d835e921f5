"""Recomputing what a PAdES signature will sign, from the files alone. Pure.

Source: docs/device-protocol.md section 4; ISO 32000-1 section 12.8.1 (byte range), RFC 5652 section 5.4 (signed
attributes), RFC 5035 (signing-certificate-v2).
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from asn1crypto import cms, core, tsp

from mobile_mock.documents import Content, Document
from mobile_mock.errors import Difference

# White space of ISO 32000-1 section 7.2.2; numbers are bounded so that a reader cannot be made to work long.
BYTE_RANGE = re.compile(rb"/ByteRange[\0\t\n\f\r ]*\[" + rb"[\0\t\n\f\r ]*([0-9]{1,12})" * 4 + rb"[\0\t\n\f\r ]*\]")
HOLE = re.compile(rb"<0+>")
WANTED = {"content_type", "message_digest", "signing_certificate_v2"}


@dataclass(frozen=True, slots=True)
class Files:
    """What the phone fetched for one document; attributes: the signed attributes, DER, a SET OF."""

    original: bytes
    prepared: bytes
    attributes: bytes


def check_original(original: bytes, content: Content) -> None:
    """Raise Difference unless the document is the one of the request."""
    if len(original) != content.size:
        raise Difference(f"the document has {len(original)} bytes, the request says {content.size}")
    if not hmac.compare_digest(hashlib.sha256(original).digest(), content.digest):
        raise Difference("the document is another than the request says: its SHA-256 differs")


def check_prepared(files: Files, document: Document, certificate_sha256: bytes) -> None:
    """Raise Difference unless `to_sign` signs exactly this original, by this certificate, and nothing else."""
    covered = _covered(files.original, files.prepared)
    message_digest = hashlib.new(document.hash_algorithm, covered).digest()
    values = _attributes(files.attributes)
    if values["content_type"].native != "data":
        raise Difference("the signed attributes are not about plain data")
    if values["message_digest"].native != message_digest:
        raise Difference("the signed attributes are about another file: the message digest differs")
    _check_certificate(values["signing_certificate_v2"], certificate_sha256)
    if hashlib.new(document.hash_algorithm, files.attributes).digest() != document.to_sign:
        raise Difference("what the key would sign is not the hash of the signed attributes")


def _covered(original: bytes, prepared: bytes) -> bytes:
    if not prepared.startswith(original):
        raise Difference("the prepared file does not begin with the document")
    added = prepared[len(original) :]
    matches = BYTE_RANGE.findall(added)
    if len(matches) != 1 or added.count(b"/ByteRange") != 1:
        raise Difference("the prepared file has not exactly one new /ByteRange")
    start, first, second, length = (int(number) for number in matches[0])
    if start != 0 or not len(original) <= first < second or second + length != len(prepared):
        raise Difference("the /ByteRange does not cover all of the prepared file but one place after the document")
    if not HOLE.fullmatch(prepared, first, second):
        raise Difference("the place for the signature is not a hexadecimal string of zeros")
    return prepared[:first] + prepared[second:]


def _attributes(der: bytes) -> Mapping[str, core.Asn1Value]:
    try:
        attributes = cms.CMSAttributes.load(der, strict=True)
        found = [(attribute["type"].native, attribute["values"]) for attribute in attributes]
        values = {name: of[0] for name, of in found if len(of) == 1}
        again = cms.CMSAttributes(attributes).dump(force=True)
    except (ValueError, TypeError, KeyError, IndexError) as fault:
        raise Difference("the signed attributes cannot be read") from fault
    if len(found) != len(WANTED) or set(values) != WANTED:
        raise Difference("the signed attributes are not content type, message digest and signing certificate alone")
    if again != der:
        raise Difference("the signed attributes are not in DER")
    return values


def _check_certificate(value: tsp.SigningCertificateV2, certificate_sha256: bytes) -> None:
    try:
        certificates = value["certs"].native
    except (ValueError, TypeError, KeyError) as fault:
        raise Difference("the signing certificate attribute cannot be read") from fault
    if len(certificates) != 1 or certificates[0]["hash_algorithm"]["algorithm"] != "sha256":
        raise Difference("the signed attributes do not name one certificate by its SHA-256")
    if certificates[0]["cert_hash"] != certificate_sha256:
        raise Difference("the signed attributes name another certificate")
