"""Base64 read strictly: one text for one value.

The standard decoders forgive trailing bits, white space and missing padding; what is signed here must not be malleable.
Source: RFC 4648 sections 3.5, 4 and 5.
"""

import base64
import binascii

from dss.kernel.errors import BadRequest


def encode(value: bytes) -> str:
    """Write bytes as base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(value).decode("ascii")


def decode(text: str) -> bytes:
    """Read base64 with padding. Raises BadRequest on anything but the one text that `encode` writes."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise BadRequest("not base64 as RFC 4648 section 4 writes it") from fault
    if encode(value) != text:
        raise BadRequest("not base64 as RFC 4648 section 4 writes it")
    return value


def url_encode(value: bytes) -> str:
    """Write bytes as base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def url_decode(text: str) -> bytes:
    """Read base64url without padding. Raises BadRequest on anything but the one text that `url_encode` writes."""
    try:
        value = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as fault:
        raise BadRequest("not base64url as RFC 7515 section 2 writes it") from fault
    if url_encode(value) != text:
        raise BadRequest("not base64url as RFC 7515 section 2 writes it")
    return value
