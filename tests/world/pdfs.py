"""PDFs for tests, good and bad, all made here; those with signatures are in `signed_pdfs.py`."""

import zlib
from functools import cache

from fpdf import FPDF

MIB = 1024 * 1024
OBJECTS = (
    b"1 0 obj\n<</Type/Catalog/Pages 2 0 R%s>>\nendobj\n",
    b"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n",
    b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>\nendobj\n",
)


@cache
def simple_pdf(pages: int = 1, password: str | None = None) -> bytes:
    """A contract; with a password, even an empty one, it is encrypted."""
    pdf = FPDF()
    if password is not None:
        pdf.set_encryption(owner_password="owner", user_password=password)
    for number in range(pages):
        pdf.add_page()
        pdf.set_font("helvetica", size=12)
        pdf.cell(text=f"A contract, page {number + 1}")
    return bytes(pdf.output())


def described_pdf() -> bytes:
    """A contract with a title beyond Latin letters and with XMP metadata."""
    pdf = FPDF()
    pdf.add_page()
    pdf.set_title("Договір")
    rdf = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'
    pdf.set_xmp_metadata(f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{rdf}</x:xmpmeta>')
    return bytes(pdf.output())


def hybrid_pdf() -> bytes:
    """A contract with cross-references for older readers, and others for newer ones."""
    newer = compressed_pdf()
    place = int(newer.rpartition(b"startxref\n")[2].split()[0])
    body = newer.rpartition(b"startxref")[0]
    entries = b"".join(b"%010d 00000 n \n" % at for at in _places(body, 3))
    table = b"xref\n0 4\n0000000000 65535 f \n%strailer\n<</Size 5/Root 1 0 R/XRefStm %d>>\n" % (entries, place)
    return body + table + b"startxref\n%d\n%%%%EOF\n" % len(body)


def form_pdf(*names: str) -> bytes:
    """A contract with a form of empty text fields."""
    numbered = list(enumerate(names, start=4))
    fields = b"".join(b"%d 0 obj\n<</FT/Tx/T(%s)>>\nendobj\n" % (number, name.encode()) for number, name in numbered)
    form = b"/AcroForm<</Fields[%s]>>" % b" ".join(b"%d 0 R" % number for number, _ in numbered)
    return raw_pdf(catalog=form, more=fields)


def truncated_pdf() -> bytes:
    """The first half of a contract."""
    whole = simple_pdf(20)
    return whole[: len(whole) // 2]


def large_pdf(size: int) -> bytes:
    """A contract of exactly so many bytes, most of them in a stream."""
    length = size - len(_with_attachment(0))
    return _with_attachment(length - (len(_with_attachment(length)) - size))


def bomb_pdf(unpacked: int = 300 * MIB) -> bytes:
    """A small file with a part that unpacks to very much."""
    squeezed = zlib.compressobj(9)
    packed = b"".join(squeezed.compress(bytes(MIB)) for _ in range(unpacked // MIB)) + squeezed.flush()
    return _with_xref_stream(packed, unpacked // 7)


def slow_pdf(entries: int = 600_000) -> bytes:
    """A small file that takes long to read: millions of cross-references."""
    return _with_xref_stream(zlib.compress(bytes(7 * entries), 9), entries)


def compressed_pdf() -> bytes:
    """A contract with its cross-references in a stream."""
    body = _body()
    used = b"".join(b"\x01" + place.to_bytes(4) + bytes(2) for place in (*_places(body, 3), len(body)))
    return _with_xref_stream(zlib.compress(bytes(7) + used), 5)


def raw_pdf(catalog: bytes = b"", more: bytes = b"") -> bytes:
    """The least a PDF can be, with further entries of the catalogue and further objects, numbered from 4."""
    body = _body(catalog) + more
    count = body.count(b"endobj")
    entries = b"".join(b"%010d 00000 n \n" % place for place in _places(body, count))
    xref = b"xref\n0 %d\n0000000000 65535 f \n" % (count + 1) + entries
    return body + xref + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (count + 1, len(body))


def _with_attachment(length: int) -> bytes:
    stream = b"4 0 obj\n<</Length %d>>\nstream\n%s\nendstream\nendobj\n" % (length, b"x" * length)
    return raw_pdf(more=stream)


def _body(catalog: bytes = b"") -> bytes:
    return b"%PDF-1.7\n" + b"".join(OBJECTS) % catalog


def _places(body: bytes, count: int) -> list[int]:
    return [body.index(b"\n%d 0 obj" % number) + 1 for number in range(1, count + 1)]


def _with_xref_stream(packed: bytes, entries: int) -> bytes:
    body = _body()
    keys = b"/Type/XRef/W[1 4 2]/Root 1 0 R/Size %d/Filter/FlateDecode/Length %d" % (entries, len(packed))
    stream = b"4 0 obj\n<<%s>>\nstream\n%s\nendstream\nendobj\n" % (keys, packed)
    return body + stream + b"startxref\n%d\n%%%%EOF\n" % len(body)
