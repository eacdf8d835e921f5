"""Reading the two letters: a QR out of a picture, a PDF or a letter (.eml), and the code out of the other letter."""

import email
import email.policy
import io
import re
from collections.abc import Iterator
from email.message import EmailMessage, MIMEPart
from pathlib import Path

import pypdfium2
import zxingcpp
from PIL import Image, UnidentifiedImageError

from mobile_mock.errors import BadInput
from mobile_mock.invitation import PREFIX

LARGEST_FILE = 20 * 1024 * 1024  # bytes
LARGEST_PICTURE = 40_000_000  # pixels
PAGE_EDGE = 2500  # pixels: the longer edge of a rendered page, 210 dpi for A4
MOST_PAGES = 10
CODE = re.compile(r"(?<![\w-])[0-9A-Za-z]{4}(?:-[0-9A-Za-z]{4}){3}(?![\w-])")
READABLE = {"image/png", "image/jpeg", "application/pdf"}


def qr_text(file: Path) -> str:
    """Return the text of the enrolment QR in a PNG, JPEG, PDF or .eml file. Raises BadInput."""
    content = _read(file)
    texts = {text for picture in _pictures(content) for text in _qr_texts(picture)}
    wanted = sorted(text for text in texts if text.startswith(PREFIX))
    if len(wanted) != 1:
        raise BadInput(f"{file.name} shows {len(wanted)} enrolment QRs instead of one")
    return wanted[0]


def code_text(file: Path) -> str:
    """Return the activation code in a letter, .eml or plain text. Raises BadInput."""
    content = _read(file)
    text = _letter_text(content) if _is_letter(content) else content.decode("utf-8", errors="replace")
    codes = set(CODE.findall(text))
    if len(codes) != 1:
        raise BadInput(f"{file.name} holds {len(codes)} activation codes instead of one")
    return str(codes.pop())


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise BadInput(f"{file.name} is larger than {LARGEST_FILE} bytes")
        return file.read_bytes()
    except OSError as fault:
        raise BadInput(f"{file} cannot be read") from fault


def _pictures(content: bytes) -> Iterator[Image.Image]:
    if content.startswith(b"%PDF-"):
        yield from _pages(content)
    elif _is_letter(content):
        for part in _letter(content).walk():
            if part.get_content_type() in READABLE:
                yield from _pictures(_bytes_of(part))
    else:
        yield _picture(content)


def _picture(content: bytes) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
        if picture.width * picture.height > LARGEST_PICTURE:
            raise BadInput(f"the picture has more than {LARGEST_PICTURE} pixels")
        return picture.convert("L")
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as fault:
        raise BadInput("the file is no PNG, JPEG, PDF or letter that can be read") from fault
    except (OSError, SyntaxError, ValueError) as fault:
        raise BadInput("the picture is damaged") from fault


def _pages(content: bytes) -> Iterator[Image.Image]:
    try:
        with pypdfium2.PdfDocument(content) as document:
            for number in range(min(len(document), MOST_PAGES)):
                page = document[number]
                yield page.render(scale=PAGE_EDGE / max(*page.get_size(), 1), grayscale=True).to_pil()
    except pypdfium2.PdfiumError as fault:
        raise BadInput("the PDF letter cannot be read") from fault


def _qr_texts(picture: Image.Image) -> list[str]:
    found = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return [barcode.text for barcode in found]


def _is_letter(content: bytes) -> bool:
    # A letter begins with header lines, RFC 5322 section 2.2.
    return re.match(rb"[!-9;-~]+:[ \t]", content) is not None


def _letter(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def _letter_text(content: bytes) -> str:
    body = _letter(content).get_body(preferencelist=("plain", "html"))
    return _bytes_of(body).decode("utf-8", errors="replace") if body is not None else ""


def _bytes_of(part: MIMEPart) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
