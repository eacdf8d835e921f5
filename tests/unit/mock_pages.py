"""What a requester's page shows a phone: codes as text, as a QR, and within a capture of a whole screen."""

import io
import random
from collections.abc import Mapping
from typing import Any

import segno
from joserfc import jws
from PIL import Image, ImageDraw, ImageOps

from mobile_mock.link_code import LinkCode
from mobile_mock.offline_code import OfflineRequest
from tests.unit.mock_server import BASE, FIRST, FakeServer, b64, canonical, jwk, unb64

CODE = b64(b"c" * 32)
LINK = f"dss-link:v1?u=https%3A%2F%2Fsign.example&t={FIRST}&s=1772442000&a={CODE}"
LINK_CODE = LinkCode(BASE, FIRST, 1_772_442_000, CODE)
LINKS = "/device/v1/links"
SCREEN = (1280, 800)


def qr(text: str, scale: int = 4, **colours: Any) -> Image.Image:
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=scale, **colours)
    return Image.open(out)


def screen(code: Image.Image, *, dark: bool = False, at: tuple[int, int] = (700, 150)) -> Image.Image:
    """A capture of a screen with lines of text-like noise and the code at a place; dark: all of it inverted."""
    chance = random.Random(7)
    picture = Image.new("L", SCREEN, 245)
    pen = ImageDraw.Draw(picture)
    for top in range(20, SCREEN[1], 22):
        for left in range(20, SCREEN[0] - 40, 9):
            if chance.random() < 0.7:
                pen.rectangle((left, top, left + chance.randint(1, 6), top + chance.randint(3, 12)), fill=30)
    picture.paste(code.convert("L"), at)
    return ImageOps.invert(picture) if dark else picture


def encoded(picture: Image.Image, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()


def offline_text(server: FakeServer, payload: Mapping[str, Any]) -> str:
    """The text of the QR with a request, as the server makes it: the header's members stand in their order."""
    header = {"alg": "ES256", "jwk": jwk(server.channel), "typ": "dss-confirmation-request+jws"}
    signature = jws.serialize_compact(header, canonical(payload), server.channel).split(".")[2]
    return OfflineRequest(canonical(payload), unb64(signature)).text()
