"""The printable report: all that the record says, in four languages, on as many pages as it takes."""

import re
import subprocess
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from dss.evidence.report import Matter, print_report
from dss.evidence.saying import say
from dss.evidence.verifying import Proven
from dss.evidence.words import Words, moment
from dss.notify.model import LOCALES
from tests.world.clock import START
from tests.world.proven import ENDED, ROOT_HASH, TRANSACTION, bare_hash, declined, document, record, signed

PRINTED = START + timedelta(days=1)
ALPHABETS = {"en": "phone", "ru": "подтверждено", "uk": "зареєстрованому", "ro": "înregistrat"}


def printed(language: str = "en", proven: Proven | None = None, **changes: object) -> bytes:
    """A report as it is before it is sealed."""
    proven = proven or signed(**changes)
    return print_report(Matter(record(), proven, say(proven, language), PRINTED))


def text_of(pdf: bytes, *options: str) -> str:
    """The text as poppler reads it, however its lines are broken."""
    given = subprocess.run(["pdftotext", *options, "-", "-"], input=pdf, capture_output=True, check=True, timeout=30)
    return " ".join(given.stdout.decode().split())


def _without_spaces(text: str) -> str:
    return re.sub(r"\s", "", text)


# --- what it says ---


@pytest.mark.parametrize("language", LOCALES)
def test_every_sentence_stands_in_the_report_in_its_alphabet(language: str):
    """Text is extractable: readers search it, and machines read it aloud."""
    documents = (document(1, "Договір ґєї.pdf"), bare_hash(2), document(3, "Contract în Șțâ.pdf"))
    proven = signed(documents=documents, text="Bitte\nunterschreiben")
    text = _without_spaces(text_of(printed(language, proven)))

    said = say(proven, language)
    for section in (said.proven, said.unproven):
        assert all(_without_spaces(told) in text for told in (section.heading, *section.sentences))
    assert ALPHABETS[language] in text
    assert all(_without_spaces(name) in text for name in (said.title, "Договір ґєї.pdf", "Contract în Șțâ.pdf"))
    assert _without_spaces(Words.of(language).text("report", "unseen")) in text
    assert "{" not in text


def test_hashes_stand_in_groups_beside_algorithms():
    pdf = printed(documents=(document(1), bare_hash(2, "sha512", "pss-64"), bare_hash(3, "sha256", "pkcs1v15")))
    text = text_of(pdf)

    for item in (document(1), bare_hash(2, "sha512"), bare_hash(3, "sha256")):
        digest = item.document.document_digest if item.document else item.to_sign
        assert re.search(" ".join(re.findall("....", digest.hex)), text)
    assert all(name in text for name in ("ECDSA, SHA-256", "RSA-PSS (salt 64), SHA-512", "RSA PKCS #1 v1.5, SHA-256"))


def test_phone_certificate_and_log_stand_in_the_report():
    text = text_of(printed())

    facts = ("Name Key 1", "Platform Android 15", "Serial number 1f2e3d4c", "Issuer CN=Issuing CA,C=UA")
    log = (
        "Origin dss.example.org/log",
        "Leaf 17",
        "Tree size 42",
        "Root hash " + " ".join(re.findall("....", ROOT_HASH.hex())),
    )
    assert all(fact in text for fact in (*facts, *log, moment(ENDED), "Valid until"))


def test_a_refusal_is_reported_without_a_certificate():
    text = text_of(printed(proven=declined()))

    assert "Evidence of a refusal" in text
    assert "Serial number" not in text


def test_the_report_says_how_to_check_the_record():
    text = text_of(printed())

    assert f"dss evidence verify evidence-{TRANSACTION}.json --root CA.pem --log-key KEY" in text


def test_the_record_of_a_document_of_a_batch_is_named_with_its_index():
    """So are those that the API gives: each document has a record of its own."""
    one, declined_whole = signed(documents=(document(18),), count=250), replace(declined(), documents=(), count=250)

    assert f"verify evidence-{TRANSACTION}-17.json --root" in text_of(printed(proven=one))
    assert f"verify evidence-{TRANSACTION}.json --root" in text_of(printed(proven=declined_whole))


# --- how it looks ---


def test_a_hundred_documents_flow_over_numbered_pages_under_the_same_headings():
    documents = tuple(document(number, f"Annex {number}.pdf") for number in range(1, 101))
    pdf = printed(documents=documents)

    pages = len(PdfFileReader(BytesIO(pdf)).root["/Pages"]["/Kids"])
    text = text_of(pdf)
    assert pages > 8
    assert all(f"Page {number} of {pages}" in text for number in range(1, pages + 1))
    assert all(f"Annex {number}.pdf" in text for number in range(1, 101))
    assert text.count("Hash Signature") >= pages - 3


@pytest.mark.parametrize("name", ["W" * 255, "😀" * 255, "слово " * 42 + ".pdf", "合同 " * 127])
def test_the_longest_names_fit_in_lines_of_a_page(name: str):
    """What the font cannot draw is written out, so that no name is a row of empty boxes."""
    pdf = printed(documents=(document(1, name), document(2)), text=name)

    drawn = "".join(one if one < "\u0500" else f"\\u{ord(one):04X}" for one in name)
    text = _without_spaces(text_of(pdf, "-layout"))
    assert text.count(_without_spaces(drawn)[:12]) >= 2


@pytest.mark.parametrize(
    "name", ["**x** __y__ {nb} {page}.pdf", "<b>x</b> & --y--.pdf", "\\(x\\) %PDF-1.7 endstream.pdf"]
)
def test_no_name_is_taken_for_markup(name: str):
    pdf = printed(documents=(document(1, name),), text=name)

    assert text_of(pdf).count(name) == 2


def test_the_report_has_title_language_and_the_time_of_printing():
    pdf = printed("uk")
    reader = PdfFileReader(BytesIO(pdf))

    assert reader.root["/Lang"] == "uk"
    assert TRANSACTION in reader.trailer_view["/Info"]["/Title"]
    assert moment(PRINTED) in text_of(pdf)
