"""Logos of relying applications: small still PNG pictures, shown on pages beside the name.

Source: W3C PNG, third edition, sections 5 and 11.2; docs/authorization.md section 2.
"""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

from PIL import Image

from dss.kernel.errors import Invalid

LARGEST = 32 * 1024  # bytes
MOST_PIXELS = 512  # a side
SIGNATURE = b"\x89PNG\r\n\x1a\n"
ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})


def require_logo(picture: bytes) -> None:
    """Accept a whole PNG of one still picture with nothing after it, within the limits. Raises Invalid.

    The size is read before anything is unpacked. Blocking, a few milliseconds.
    """
    if len(picture) > LARGEST:
        raise Invalid(f"the logo has {len(picture)} bytes; the limit is {LARGEST}")
    chunks = list(_chunks(picture))
    names = [name for name, _ in chunks]
    if names[:1] != [b"IHDR"] or len(chunks[0][1]) != 13 or names.count(b"IHDR") != 1 or names[-1] != b"IEND":
        raise Invalid("the logo is not a whole PNG")
    if ANIMATION & set(names):
        raise Invalid("the logo is animated: a still picture is shown")
    width, height = struct.unpack(">II", chunks[0][1][:8])
    if not (1 <= width <= MOST_PIXELS and 1 <= height <= MOST_PIXELS):
        raise Invalid(f"the logo has {width} x {height} pixels; the limit is {MOST_PIXELS} a side")
    _require_decodable(picture)


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Take a PNG apart up to its IEND, which must be the last of it."""
    if not picture.startswith(SIGNATURE):
        raise Invalid("the logo is not a PNG")
    at = len(SIGNATURE)
    while at < len(picture):
        length, name = int.from_bytes(picture[at : at + 4]), picture[at + 4 : at + 8]
        data, checksum = picture[at + 8 : at + 8 + length], picture[at + 8 + length :][:4]
        if len(checksum) != 4 or zlib.crc32(name + data) != int.from_bytes(checksum):
            raise Invalid("the logo is damaged")
        if name == b"IEND" and at + 12 + length != len(picture):
            raise Invalid("the logo goes on after its end")
        yield name, data
        at += 12 + length


def _require_decodable(picture: bytes) -> None:
    try:
        with Image.open(BytesIO(picture), formats=("PNG",)) as image:
            image.load()
    except (OSError, SyntaxError, ValueError, LookupError, struct.error, zlib.error) as fault:
        raise Invalid("the logo is a PNG that cannot be decoded") from fault
