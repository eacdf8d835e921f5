"""QR codes as pictures for screens."""

import io

import segno

PNG = "image/png"
QUIET_ZONE = 4  # modules of white around the code (ISO/IEC 18004)


def qr_png(text: str, scale: int) -> bytes:
    """Return a QR code as a PNG; scale: pixels for each module.

    Of the four levels of error correction it is the lowest: a screen has no stains, and larger modules read faster.
    """
    picture = io.BytesIO()
    segno.make_qr(text, error="l").save(picture, kind="png", scale=scale, border=QUIET_ZONE)
    return picture.getvalue()
