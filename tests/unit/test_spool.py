"""The spool: one .eml a letter, whole or not at all."""
# ruff: noqa: RUF001  Ukrainian words are meant

import email
import email.policy
import stat
from email.message import EmailMessage
from pathlib import Path

import pytest

from dss.kernel.errors import Unavailable
from dss.notify.model import Attachment, Letter, LetterId
from dss.notify.spool import SpoolSender
from tests.world.clock import HandClock

ID = LetterId("01JQZX3V5N8Q0W2E4R6T8Y0A1B")
PDF = Attachment("letter.pdf", "application/pdf", b"%PDF-1.7 \x00\xff")
LETTER = Letter("olena@example.com", "Ваш електронний підпис", "Вітаємо, Олено!\n\nЛист.\n", (PDF,))
MAIL_FROM = "Підписи <do-not-reply@sign.example.com>"


def read(path: Path) -> EmailMessage:
    return email.message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=email.policy.default)


async def test_a_letter_is_a_mail_with_its_texts_in_any_alphabet(tmp_path: Path) -> None:
    """RFC 5322, RFC 2047, RFC 2045."""
    await SpoolSender(tmp_path, MAIL_FROM, HandClock()).send(ID, LETTER)
    (path,) = tmp_path.iterdir()
    assert path.name == f"20260302T090000Z-{ID}.eml"
    assert path.read_bytes().isascii()
    mail = read(path)
    assert (mail["From"], mail["To"], mail["Subject"]) == (MAIL_FROM, LETTER.recipient, LETTER.subject)
    assert mail["Date"] == "Mon, 02 Mar 2026 09:00:00 +0000"
    assert mail["Message-ID"] == f"<{ID}@sign.example.com>"
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == LETTER.body
    (part,) = mail.iter_attachments()
    assert (part.get_filename(), part.get_content_type(), part.get_content()) == (PDF.name, PDF.media_type, PDF.content)


async def test_names_sort_by_time(tmp_path: Path) -> None:
    clock = HandClock()
    sender = SpoolSender(tmp_path, MAIL_FROM, clock)
    for id in ("C", "B", "A"):
        await sender.send(LetterId(id), LETTER)
        clock.move(1)
    assert [path.stem[-1] for path in sorted(tmp_path.iterdir())] == ["C", "B", "A"]


async def test_a_letter_that_goes_twice_can_be_known_as_one(tmp_path: Path) -> None:
    clock = HandClock()
    sender = SpoolSender(tmp_path, MAIL_FROM, clock)
    await sender.send(ID, LETTER)
    clock.move(60)
    await sender.send(ID, LETTER)
    first, second = sorted(tmp_path.iterdir())
    assert read(first)["Message-ID"] == read(second)["Message-ID"]


async def test_only_the_owner_may_read_letters(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "spool"
    await SpoolSender(folder, MAIL_FROM, HandClock()).send(ID, LETTER)
    (path,) = folder.iterdir()
    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(path.stat().st_mode)) == (0o700, 0o600)


async def test_a_folder_that_takes_nothing_is_told_as_unavailable(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file, not a folder")
    with pytest.raises(Unavailable, match="spool"):
        await SpoolSender(tmp_path / "spool", MAIL_FROM, HandClock()).send(ID, LETTER)
