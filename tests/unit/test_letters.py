"""The letters of enrolment: two secrets by two letters, in the reader's language (I1-I3)."""

import io
from datetime import UTC, datetime, timedelta

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from dss.notify import letters
from dss.notify.letters import Reader
from dss.notify.model import LOCALES, Letter, pause_after

pytestmark = pytest.mark.usefixtures("printed_in_earnest")

EXPIRES = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
QR_TEXT = f"dss-enrol:v1?u=https%3A%2F%2Fsign.example.com%3A8443%2Fdss&e=01JQZX3V5N8Q0W2E4R6T8Y0A1B&k={'Ab-_' * 10}xyz"
CODE = "ABCD-EFGH-JKMN-PQRS"
NAME = "Олена Їжакевич-Ștefănescu"
CYRILLIC = {"ru": "Откройте приложение на телефоне", "uk": "Відкрийте застосунок на телефоні"}


def reader(locale: str = "en", name: str = NAME) -> Reader:
    return Reader("olena@example.com", locale, name)


def qr(locale: str = "en") -> Letter:
    return letters.qr_letter(reader(locale), QR_TEXT, EXPIRES)


def printed(letter: Letter) -> pypdfium2.PdfDocument:
    (content,) = [part.content for part in letter.attachments if part.media_type == "application/pdf"]
    return pypdfium2.PdfDocument(content)


def text_of(document: pypdfium2.PdfDocument) -> str:
    """Read the page's words, however its lines are broken."""
    return " ".join(document[0].get_textpage().get_text_range().split())


@pytest.mark.parametrize("locale", LOCALES)
def test_the_qr_code_of_the_printed_letter_is_read_at_150_dpi(locale: str) -> None:
    """T12: and it is the one page of the letter."""
    document = printed(qr(locale))
    (found,) = zxingcpp.read_barcodes(document[0].render(scale=150 / 72).to_pil())
    assert (len(document), found.text) == (1, QR_TEXT)


def test_the_picture_of_the_qr_code_is_read() -> None:
    (content,) = [part.content for part in qr().attachments if part.media_type == "image/png"]
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(content)))
    assert found.text == QR_TEXT


@pytest.mark.parametrize(
    ("locale", "words"), [*CYRILLIC.items(), ("ro", "Deschideți aplicația"), ("en", "Open the phone app")]
)
def test_the_printed_letter_has_its_alphabet_and_the_readers_name(locale: str, words: str) -> None:
    text = text_of(printed(qr(locale)))
    assert words in text
    assert NAME in text.replace("\ufffe", "-").replace("\x02", "-")


@pytest.mark.parametrize("locale", LOCALES)
def test_the_letter_with_the_qr_code_says_what_to_do_and_until_when(locale: str) -> None:
    body = qr(locale).body
    assert all(f"\n{number}. " in body for number in range(1, 6))
    assert "2026-03-09 09:00 UTC" in body


@pytest.mark.parametrize("locale", LOCALES)
def test_neither_letter_holds_the_secret_of_the_other(locale: str) -> None:
    """T12: who intercepts one letter can enrol nothing."""
    code = letters.code_letter(reader(locale), CODE, EXPIRES)
    assert f"\n\n{CODE}\n\n" in code.body
    assert code.attachments == ()
    assert "dss-enrol" not in code.body
    assert CODE not in qr(locale).body


def test_the_code_stands_in_groups_of_four_however_it_is_given() -> None:
    code = letters.code_letter(reader(), CODE.replace("-", ""), EXPIRES)
    assert f"\n{CODE}\n" in code.body


@pytest.mark.parametrize("locale", LOCALES)
def test_braces_in_a_name_are_only_braces(locale: str) -> None:
    """T04: no text of a person is taken for a template."""
    letter = letters.qr_letter(reader(locale, "{expires} {0}"), QR_TEXT, EXPIRES)
    assert "{expires} {0}" in letter.body
    assert "{expires} {0}" in text_of(printed(letter))


def test_pauses_grow_from_two_seconds_by_half_to_22_minutes() -> None:
    assert [pause_after(attempt) for attempt in (1, 2, 3)] == [
        timedelta(seconds=2),
        timedelta(seconds=3),
        timedelta(seconds=4.5),
    ]
    assert timedelta(minutes=21) < pause_after(17) == pause_after(10**6) < timedelta(minutes=22)
