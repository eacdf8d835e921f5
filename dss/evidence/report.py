"""The printable report: the same that the record says, for people, on A4 pages; the record itself is attached.

Loading fpdf takes half a second, so whoever needs this module imports it when there is something to print.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from textwrap import wrap

from cryptography import x509
from fpdf import FPDF
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace, TTFFont

from dss.audit.checkpoint import Checkpoint
from dss.audit.note import Note
from dss.devices.items import Item
from dss.evidence.certificate_check import Named
from dss.evidence.record import Record
from dss.evidence.saying import Said, Section
from dss.evidence.verifying import Proven
from dss.evidence.words import Words, hash_name, moment, shown
from dss.kernel.digest import Digest
from dss.kernel.keyspec import Padding, Scheme
from dss.notify.printing import FONT, add_fonts

MARGIN_MM, FOOT_MM = 20, 15
TITLE_POINTS, HEADING_POINTS, BODY_POINTS, SMALL_POINTS = 18, 13, 10.5, 8.5
LINE_MM, SMALL_LINE_MM, GAP_MM, PADDING_MM = 5.2, 4.2, 2, 1
NUMBER_MM, LABEL_MM = 9, 42
DOCUMENT_COLUMNS_MM = (NUMBER_MM, 66, 23, 40, 32)
GROUP, GROUPS_IN_LINE = 4, 4
BLACK, FAINT, RULE = (0, 0, 0), (95, 95, 95), (190, 190, 190)
# fpdf puts the number of pages here, of up to three digits; no text that is printed has private-use characters.
ALL_PAGES = "\ue000" * 3
SCHEMES = {Padding.ECDSA: "ECDSA", Padding.PKCS1: "RSA PKCS #1 v1.5", Padding.PSS: "RSA-PSS"}

Facts = Iterator[tuple[str, str]]
Rows = list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Matter:
    """What is printed.

    record: the file that goes with it, as it is. proven: what it proves. said: that in words.
    at:     when it is printed.
    """

    record: bytes
    proven: Proven
    said: Said
    at: datetime

    @property
    def file(self) -> str:
        """The name of the attached record; of a document of a batch with its index."""
        alone = self.proven.documents if self.proven.is_of_batch else ()
        return f"evidence-{'-'.join([self.proven.transaction, *(str(item.index) for item in alone)])}.json"


def print_report(matter: Matter) -> bytes:
    """Return the report as a PDF with its fonts and the record in it."""
    words, proven, said = Words.of(matter.said.language), matter.proven, matter.said
    record = Record.read(matter.record)
    paper = Paper(words, matter)
    paper.title_block(said.title, words.text("report", "transaction", id=proven.transaction, at=moment(matter.at)))
    paper.paragraph(words.text("report", "intro", file=matter.file))
    paper.section(said.proven)
    if proven.documents:
        paper.heading(said.documents.heading)
        paper.documents(proven.documents, proven.declined)
    paper.facts(words.text("report", "phone"), _phone(words, proven))
    if proven.certificate:
        certificate = _certificate(words, proven.certificate, record.core.certificates[0])
        paper.facts(words.text("report", "certificate"), certificate)
    paper.facts(words.text("report", "log"), _log(words, proven, record.log.checkpoint))
    paper.section(said.unproven)
    paper.heading(words.text("report", "check"))
    paper.paragraph(words.text("report", "before"))
    paper.paragraph(f"dss evidence verify {matter.file} --root CA.pem --log-key KEY", bold=True)
    paper.paragraph(words.text("report", "after"))
    return bytes(paper.output())


class Paper(FPDF):
    """A4 pages that know how a report looks; texts that do not fit go on with the next page."""

    def __init__(self, words: Words, matter: Matter) -> None:
        super().__init__(format="A4")
        self._words = words
        self.set_margin(MARGIN_MM)
        self.set_auto_page_break(True, MARGIN_MM)
        self.set_title(f"{matter.said.title}: {matter.proven.transaction}")
        self.set_lang(words.language)
        self.set_creation_date(matter.at)
        add_fonts(self)
        self.alias_nb_pages(ALL_PAGES)
        self._letters = _letters(self)
        self.embed_file(
            bytes=matter.record,
            basename=matter.file,
            modification_date=matter.at,
            mime_type="application/json",
        )
        self.add_page()

    def footer(self) -> None:
        """Number the page; fpdf calls this for each."""
        self.set_y(-FOOT_MM)
        self._pen(SMALL_POINTS, colour=FAINT)
        text = self._words.text("report", "page", page=self.page_no(), pages="#").replace("#", ALL_PAGES)
        self.cell(0, SMALL_LINE_MM, text, align="C")

    def title_block(self, title: str, below: str) -> None:
        """Print the title, and a smaller line below it."""
        self._pen(TITLE_POINTS, bold=True)
        self._lines(title, TITLE_POINTS / 2)
        self._pen(BODY_POINTS, colour=FAINT)
        self._lines(below)
        self.ln(GAP_MM)

    def heading(self, text: str) -> None:
        """Print a heading, never as the last line of a page."""
        self.ln(2 * GAP_MM)
        if self.will_page_break(6 * LINE_MM):
            self.add_page()
        self._pen(HEADING_POINTS, bold=True)
        self._lines(text, HEADING_POINTS / 2)
        self.ln(GAP_MM / 2)

    def paragraph(self, text: str, *, bold: bool = False) -> None:
        """Print a paragraph."""
        self._pen(BODY_POINTS, bold=bold)
        self._lines(text)
        self.ln(GAP_MM)

    def section(self, section: Section) -> None:
        """Print a heading and its sentences, numbered."""
        self.heading(section.heading)
        self._pen(BODY_POINTS)
        for number, sentence in enumerate(section.sentences, 1):
            if self.will_page_break(2 * LINE_MM):
                self.add_page()
            self.cell(NUMBER_MM, LINE_MM, f"{number}.")
            self.set_left_margin(MARGIN_MM + NUMBER_MM)
            self._lines(sentence)
            self.set_left_margin(MARGIN_MM)
            self.ln(GAP_MM / 2)

    def facts(self, heading: str, facts: Facts) -> None:
        """Print a heading, and facts with their names before them."""
        self.heading(heading)
        rows: Rows = [(name, self.drawable(value)) for name, value in facts]
        self._table(rows, (LABEL_MM, self.epw - LABEL_MM), has_headings=False)

    def documents(self, items: tuple[Item, ...], declined: tuple[int, ...]) -> None:
        """Print the table of documents; its headings stand on each page. declined: the indexes of some."""
        named = ("number", "name", "size", "hash", "signature")
        headings = tuple(self._words.text("report", name) for name in named)
        rows = [
            tuple(map(self.drawable, _row(self._words, item, is_declined=item.index in declined))) for item in items
        ]
        self._table([headings, *rows], DOCUMENT_COLUMNS_MM, has_headings=True)

    def drawable(self, text: str) -> str:
        r"""Return text with what the font has no letter for as \u4E2D: an empty box would tell nothing."""
        letters = self._letters
        return "".join(one if one == "\n" or ord(one) in letters else f"\\u{ord(one):04X}" for one in text)

    def _table(self, rows: Rows, columns: tuple[float, ...], *, has_headings: bool) -> None:
        """Print rows with a rule between them; the headings come again on each page."""
        self._pen(SMALL_POINTS if has_headings else BODY_POINTS)
        self.set_draw_color(*RULE)
        with self.table(
            rows,
            col_widths=columns,
            first_row_as_headings=has_headings,
            headings_style=FontFace(emphasis="B"),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            line_height=SMALL_LINE_MM if has_headings else LINE_MM,
            text_align="L",
            v_align="T",
            padding=PADDING_MM,
        ):
            pass

    def _lines(self, text: str, height: float = LINE_MM) -> None:
        self.multi_cell(0, height, self.drawable(text), align="L", new_x="LMARGIN", new_y="NEXT")

    def _pen(self, points: float, *, bold: bool = False, colour: tuple[int, int, int] = BLACK) -> None:
        self.set_font(FONT, "B" if bold else "", points)
        self.set_text_color(*colour)


def _letters(paper: FPDF) -> frozenset[int]:
    """Return the code points that the font draws."""
    font = paper.fonts[FONT.lower()]
    return frozenset(font.cmap) if isinstance(font, TTFFont) else frozenset()


def _row(words: Words, item: Item, *, is_declined: bool) -> tuple[str, ...]:
    """Return number, name, size, hash and signature algorithm of a document."""
    algorithm = f"{_scheme(item.scheme)}, {hash_name(item.to_sign)}"
    signature = words.text("report", "left_out") if is_declined else algorithm
    document, number = item.document, str(item.index + 1)
    if document is None:
        return (number, words.text("report", "unseen"), "", _grouped(item.to_sign), signature)
    size = words.count("bytes", document.size)
    return (number, shown(document.name), size, _grouped(document.document_digest), signature)


def _phone(words: Words, proven: Proven) -> Facts:
    phone = proven.phone
    yield words.text("report", "name"), shown(phone.name)
    yield words.text("report", "platform"), shown(phone.platform)
    yield words.text("report", "id"), phone.id
    yield words.text("report", "enrolled"), moment(phone.enrolled)


def _certificate(words: Words, named: Named, der: bytes) -> Facts:
    certificate = x509.load_der_x509_certificate(der)
    yield words.text("report", "subject"), shown(named.subject)
    yield words.text("report", "serial"), named.serial
    yield words.text("report", "issuer"), shown(named.issuer)
    yield words.text("report", "valid_from"), moment(certificate.not_valid_before_utc)
    yield words.text("report", "valid_until"), moment(certificate.not_valid_after_utc)


def _log(words: Words, proven: Proven, checkpoint: str) -> Facts:
    logged, head = proven.logged, Checkpoint.read(Note.read(checkpoint).text).head
    yield words.text("report", "origin"), shown(logged.origin)
    yield words.text("report", "leaf"), str(logged.leaf)
    yield words.text("report", "tree_size"), str(logged.size)
    yield words.text("report", "root"), _in_groups(head.root.hex())


def _scheme(name: str) -> str:
    scheme = Scheme.named(name)
    salt = f" (salt {scheme.salt_length})" if scheme.salt_length else ""
    return f"{SCHEMES[scheme.padding]}{salt}"


def _grouped(digest: Digest) -> str:
    """Write a hash with its algorithm's name, so that two can be compared by eye."""
    groups = _in_groups(digest.hex)
    return "\n".join([hash_name(digest), *wrap(groups, GROUPS_IN_LINE * (GROUP + 1) - 1)])


def _in_groups(text: str) -> str:
    return " ".join(wrap(text, GROUP))
