"""QR codes as pictures for screens."""

import io

import segno
from starlette.concurrency import run_in_threadpool

PNG = "image/png"
QUIET_ZONE = 4  # modules of white around the code (ISO/IEC 18004)


async def qr_png(text: str, scale: int) -> bytes:
    """Draw a QR code as a PNG, in a thread: a large one takes a while; scale: pixels for each module.

    Of the four levels of error correction it is the lowest: a screen has no stains, and larger modules read faster.
    """
    return await run_in_threadpool(_drawn, text, scale)


def _drawn(text: str, scale: int) -> bytes:
    picture = io.BytesIO()
    segno.make_qr(text, error="l").save(picture, kind="png", scale=scale, border=QUIET_ZONE)
    return picture.getvalue()
