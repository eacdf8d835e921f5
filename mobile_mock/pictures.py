"""Reading QRs out of pictures: a code alone, a photograph, or a capture of a whole screen."""

import io
from collections.abc import Iterator
from pathlib import Path

import zxingcpp
from PIL import Image, UnidentifiedImageError

from mobile_mock.errors import BadInput

LARGEST_FILE = 20 * 1024 * 1024  # bytes
LARGEST_PICTURE = 40_000_000  # pixels
QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
ENLARGED = (2, 3)  # times: on a screen, a module of a small code is one or two pixels wide
MAGIC = (b"\x89PNG", b"\xff\xd8\xff")


def read_file(file: Path) -> bytes:
    """Return the content of a file that is not too large. Raises BadInput."""
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise BadInput(f"{file.name} is larger than {LARGEST_FILE} bytes")
        return file.read_bytes()
    except (OSError, ValueError) as fault:  # ValueError: a name that no file can have
        raise BadInput(f"{file} cannot be read") from fault


def is_picture(content: bytes) -> bool:
    """Return True when bytes begin as a PNG or a JPEG does."""
    return content.startswith(MAGIC)


def read_picture(content: bytes) -> Image.Image:
    """Return a PNG or JPEG in shades of grey, on white. Raises BadInput."""
    try:
        picture = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
        if picture.width * picture.height > LARGEST_PICTURE:
            raise BadInput(f"the picture has more than {LARGEST_PICTURE} pixels")
        return _on_white(picture).convert("L")
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as fault:
        raise BadInput("this is nothing that can be read, as a PNG or a JPEG is") from fault
    except (OSError, SyntaxError, ValueError) as fault:
        raise BadInput("the picture is damaged") from fault


def qr_texts(picture: Image.Image) -> list[str]:
    """Return the texts of all QRs in a picture, dark on light or light on dark; larger ones are looked for first."""
    for size in _sizes(picture):
        found = zxingcpp.read_barcodes(size, formats=QR)
        if found:
            return [barcode.text for barcode in found]
    return []


def _sizes(picture: Image.Image) -> Iterator[Image.Image]:
    yield picture
    for times in ENLARGED:
        if picture.width * picture.height * times**2 <= LARGEST_PICTURE:
            yield picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)


def _on_white(picture: Image.Image) -> Image.Image:
    # A code is often drawn on nothing, and what lies below transparent pixels may be as dark as the code.
    if not picture.has_transparency_data:
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
