"""Reading the two letters: a QR out of a picture, a PDF or a letter (.eml), and the code out of the other letter."""

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage, MIMEPart
from pathlib import Path

import pypdfium2
from PIL import Image

from mobile_mock.errors import BadInput
from mobile_mock.invitation import PREFIX
from mobile_mock.pictures import qr_texts, read_file, read_picture

PAGE_EDGE = 2500  # pixels: the longer edge of a rendered page, 210 dpi for A4
MOST_PAGES = 10
CODE = re.compile(r"(?<![\w-])[0-9A-Za-z]{4}(?:-[0-9A-Za-z]{4}){3}(?![\w-])")
READABLE = {"image/png", "image/jpeg", "application/pdf"}


def qr_text(file: Path) -> str:
    """Return the text of the enrolment QR in a PNG, JPEG, PDF or .eml file. Raises BadInput."""
    content = read_file(file)
    texts = {text for picture in _pictures(content) for text in qr_texts(picture)}
    wanted = sorted(text for text in texts if text.startswith(PREFIX))
    if len(wanted) != 1:
        raise BadInput(f"{file.name} shows {len(wanted)} enrolment QRs instead of one")
    return wanted[0]


def code_text(file: Path) -> str:
    """Return the activation code in a letter, .eml or plain text. Raises BadInput."""
    content = read_file(file)
    text = _letter_text(content) if _is_letter(content) else content.decode("utf-8", errors="replace")
    codes = set(CODE.findall(text))
    if len(codes) != 1:
        raise BadInput(f"{file.name} holds {len(codes)} activation codes instead of one")
    return str(codes.pop())


def _pictures(content: bytes) -> Iterator[Image.Image]:
    if content.startswith(b"%PDF-"):
        yield from _pages(content)
    elif _is_letter(content):
        for part in _letter(content).walk():
            if part.get_content_type() in READABLE:
                yield from _pictures(_bytes_of(part))
    else:
        yield read_picture(content)


def _pages(content: bytes) -> Iterator[Image.Image]:
    try:
        with pypdfium2.PdfDocument(content) as document:
            for number in range(min(len(document), MOST_PAGES)):
                page = document[number]
                yield page.render(scale=PAGE_EDGE / max(*page.get_size(), 1), grayscale=True).to_pil()
    except pypdfium2.PdfiumError as fault:
        raise BadInput("the PDF letter cannot be read") from fault


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
