"""A logo is a small, still, whole PNG: other bytes of an operator's file do not come to a page."""

import struct
import zlib
from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dss.clients.logos import LARGEST, MOST_PIXELS, SIGNATURE, require_logo
from dss.kernel.errors import Invalid


def drawn(mode: str = "RGB", size: tuple[int, int] = (8, 8), form: str = "PNG", **options: Any) -> bytes:
    """A picture in one colour."""
    file = BytesIO()
    Image.new(mode, size).save(file, form, **options)
    return file.getvalue()


def chunk(name: bytes, data: bytes = b"") -> bytes:
    """A chunk of a PNG, with its right sum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def header(width: int, height: int, colours: int = 2) -> bytes:
    """The first chunk of a PNG of 8 bits a sample."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0))


PICTURE = drawn()
END = chunk(b"IEND")
BOMB = chunk(b"IDAT", zlib.compress(bytes(10_000_000), 9))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_still_png_of_any_kind_is_taken(mode: str) -> None:
    require_logo(drawn(mode))


def test_a_png_as_large_as_may_be_is_taken() -> None:
    require_logo(drawn(size=(MOST_PIXELS, MOST_PIXELS)))
    require_logo(drawn(size=(1, 1)))
    padding = chunk(b"prVt", bytes(LARGEST - len(PICTURE) - 12))
    require_logo(PICTURE[: -len(END)] + padding + END)


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (b"", "not a PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a PNG"),
        (drawn(form="GIF"), "not a PNG"),
        (drawn(form="JPEG"), "not a PNG"),
        (drawn(form="WEBP"), "not a PNG"),
        (drawn(form="ICO", mode="RGBA", size=(16, 16)), "not a PNG"),
        (SIGNATURE, "whole"),
        (SIGNATURE + END, "whole"),
        (SIGNATURE + chunk(b"IHDR", bytes(12)) + END, "whole"),
        (SIGNATURE + header(8, 8) + header(8, 8) + PICTURE[33:], "whole"),
        (PICTURE[: -len(END)], "whole"),
        (PICTURE[:-1], "damaged"),
        (PICTURE[:20] + b"\x00" + PICTURE[21:40] + b"!" + PICTURE[41:], "damaged"),
        (PICTURE + b"<script>", "after its end"),
        (PICTURE + PICTURE, "after its end"),
        (SIGNATURE + header(8, 8) + END, "decoded"),
        (SIGNATURE + header(8, 8) + chunk(b"IDAT", b"not deflated") + END, "decoded"),
        (SIGNATURE + header(8, 8, colours=7) + PICTURE[33:], "decoded"),
        (drawn(size=(MOST_PIXELS + 1, 1)), "512 a side"),
        (drawn(size=(1, MOST_PIXELS + 1)), "512 a side"),
        (SIGNATURE + header(0, 8) + PICTURE[33:], "512 a side"),
        (SIGNATURE + header(2**31 - 1, 2**31 - 1) + PICTURE[33:], "512 a side"),
        (PICTURE.ljust(LARGEST + 1, b"\x00"), "the limit is 32768"),
        (drawn(save_all=True, append_images=[Image.new("RGB", (8, 8), "red")]), "animated"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} bytes",
)
def test_what_is_no_small_still_png_is_refused(picture: bytes, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        require_logo(picture)


@pytest.mark.parametrize("name", [b"zTXt", b"iTXt", b"iCCP"])
def test_t56_a_chunk_that_unpacks_to_far_more_than_the_picture_fails_in_no_other_way(name: bytes) -> None:
    packed = b"a\x00" + (b"\x01\x00\x00\x00" if name == b"iTXt" else b"\x00") + zlib.compress(bytes(20_000_000), 9)
    require_or_refuse(PICTURE[:33] + chunk(name, packed) + PICTURE[33:])


def test_t56_samples_far_beyond_the_picture_fail_in_no_other_way() -> None:
    require_or_refuse(SIGNATURE + header(8, 8) + BOMB + END)


@given(st.integers(8, len(PICTURE) - 1), st.binary(max_size=8))
def test_no_bytes_fail_in_another_way(place: int, put: bytes) -> None:
    require_or_refuse(PICTURE[:place] + put + PICTURE[place + len(put) :])


@given(
    st.sampled_from([b"IDAT", b"PLTE", b"tRNS", b"pHYs", b"eXIf", b"iCCP", b"zTXt", b"iTXt"]), st.binary(max_size=40)
)
def test_no_chunk_with_a_right_sum_fails_in_another_way(name: bytes, data: bytes) -> None:
    require_or_refuse(PICTURE[:33] + chunk(name, data) + PICTURE[33:])


def require_or_refuse(picture: bytes) -> None:
    """Take a picture or refuse it as Invalid: any other error fails the test."""
    with suppress(Invalid):
        require_logo(picture)
