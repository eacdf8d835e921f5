"""What the server checks of a child's work, without parsing a PDF.

A document that takes over the child that reads it must not get another thing signed, nor another file released.
"""

import hashlib
import re
from pathlib import Path

from asn1crypto import cms
from cryptography import x509

from dss.documents.model import Completing, NotVerified, Place, PrepareFor
from dss.infra import signatures
from dss.infra.files import CHUNK
from dss.kernel.digest import ALGORITHMS, Digest
from dss.kernel.errors import BadDocument

BYTE_RANGE = re.compile(rb"/ByteRange \[0 (\d{1,10}) (\d{1,10}) (\d{1,10})\]")


def place_in(tail: bytes, size: int, how: PrepareFor) -> Place:
    """Find the one place for a signature in what was appended to an original of `size` bytes.

    Raises BadDocument unless there is one new byte range, over all but a gap in the appended part that holds a
    hexadecimal string of zeros: what a phone will check too (docs/device-protocol.md section 4).
    """
    found = BYTE_RANGE.findall(tail)
    if len(found) != 1 or tail.count(b"/ByteRange") != 1:
        raise BadDocument("the document cannot be prepared with exactly one place for a signature")
    start, end, rest = (int(number) for number in found[0])
    gap = tail[max(start - size, 0) : max(end - size, 0)]
    if start < size or end + rest != size + len(tail) or gap != b"<%s>" % (b"0" * (end - start - 2)):
        raise BadDocument("the document cannot be prepared with an empty place for a signature")
    hash_name, _ = ALGORITHMS[how.spec.natural_hash]
    return Place(start, end, hash_name, how.scheme, how.signed_at)


def byte_range_digest(prepared: Path, place: Place) -> bytes:
    """Hash a prepared file but for the place's gap. Blocking: call it in a thread."""
    seen = hashlib.new(place.hash_name)
    with prepared.open("rb") as source:
        left = place.start
        while left:
            chunk = source.read(min(CHUNK, left))
            seen.update(chunk)
            left -= len(chunk)
        source.seek(place.end)
        while chunk := source.read(CHUNK):
            seen.update(chunk)
    return seen.digest()


def require_signature(how: Completing) -> None:
    """Raise NotVerified unless the key of the chain's first certificate signed the attributes."""
    key = x509.load_der_x509_certificate(how.chain[0]).public_key()
    digest = Digest.of(how.attributes, how.place.algorithm)
    if not signatures.is_by(key, how.place.scheme, digest, how.signature):
        raise NotVerified("the signature does not verify with the certificate's key")


def require_carries(content: bytes, how: Completing) -> None:
    """Raise NotVerified unless a CMS object holds this one signature over these attributes, and fits its place."""
    try:
        (signed,) = cms.ContentInfo.load(content, strict=True)["content"]["signer_infos"]
        same = (signed["signature"].native, signed["signed_attrs"].untag().dump()) == (how.signature, how.attributes)
    except (ValueError, TypeError, KeyError) as fault:
        raise NotVerified("the finished signature is not a CMS object") from fault
    if not same or 2 * len(content) + 2 > how.place.end - how.place.start:
        raise NotVerified("the finished signature is another one")
