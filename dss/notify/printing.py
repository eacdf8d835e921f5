"""The letter to print: one A4 page with a QR code that a phone can read from paper."""

import io
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import segno

if TYPE_CHECKING:
    from fpdf import FPDF

FONT = "PT Sans"
MARGIN_MM, QR_MM = 20, 75
BODY_POINTS, TITLE_POINTS, LINE_MM = 11, 16, 6
PIXELS_PER_MODULE = 8
QUIET_ZONE = 4  # modules, ISO/IEC 18004 section 9.1


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands on the page, from top to bottom."""

    title: str
    before: tuple[str, ...]
    steps: tuple[str, ...]
    qr_text: str
    after: tuple[str, ...]

    def pdf(self) -> bytes:
        """Print the page with its fonts embedded; letters of Latin and Cyrillic alphabets come out."""
        from fpdf import FPDF  # noqa: PLC0415  half a second that only printing has to wait

        page = FPDF(format="A4")
        page.set_margin(MARGIN_MM)
        page.set_title(self.title)
        add_fonts(page)
        page.add_page()
        page.set_font(FONT, "B", TITLE_POINTS)
        _paragraph(page, self.title)
        page.set_font(FONT, "", BODY_POINTS)
        for paragraph in self.before:
            _paragraph(page, paragraph)
        page.image(io.BytesIO(qr_png(self.qr_text)), x=(page.w - QR_MM) / 2, w=QR_MM, h=QR_MM)
        page.ln(LINE_MM / 2)
        for number, step in enumerate(self.steps, 1):
            _paragraph(page, f"{number}. {step}")
        for paragraph in self.after:
            _paragraph(page, paragraph)
        return bytes(page.output())


def qr_png(text: str) -> bytes:
    """Draw a QR code that stays readable with 15 % of it spoilt (level M)."""
    picture = io.BytesIO()
    segno.make_qr(text, error="m").save(picture, kind="png", scale=PIXELS_PER_MODULE, border=QUIET_ZONE)
    return picture.getvalue()


def add_fonts(page: "FPDF") -> None:
    """Embed the regular and the bold face of FONT."""
    files = resources.files("fontpkg_pt_sans") / "files"
    for style, name in (("", "Regular"), ("B", "Bold")):
        with resources.as_file(files / f"PT_Sans-Web-{name}.ttf") as path:
            page.add_font(FONT, style, path)


def _paragraph(page: "FPDF", text: str) -> None:
    page.multi_cell(0, LINE_MM, text, align="L", new_x="LMARGIN", new_y="NEXT")
    page.ln(LINE_MM / 3)
