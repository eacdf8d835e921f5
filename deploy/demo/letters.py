"""Reads the letters that the server put into its spool folder."""

import time
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from deploy.demo.programs import ProgramFailed

ARRIVAL_S = 20


@dataclass(frozen=True)
class Invitation:
    """The two letters of an enrolment: the QR as a sheet to print, and the letter with the activation code."""

    qr_letter: Path
    qr_sheet: Path
    code_letter: Path


def wait_for_invitation(spool: Path, recipient: str, folder: Path) -> Invitation:
    """Return a person's two letters once both have come; the QR's sheet is saved in a folder. Raises ProgramFailed."""
    deadline = time.monotonic() + ARRIVAL_S
    while time.monotonic() < deadline:
        letters = _letters_to(spool, recipient)
        with_sheet = [path for path, letter in letters.items() if _sheet(letter)]
        without = [path for path in letters if path not in with_sheet]
        if with_sheet and without:
            sheet = folder / "letter.pdf"
            sheet.write_bytes(_sheet(letters[with_sheet[0]]))
            return Invitation(with_sheet[0], sheet, without[0])
        time.sleep(0.1)
    raise ProgramFailed(f"the two letters to {recipient} did not come within {ARRIVAL_S} s to {spool}")


def _letters_to(spool: Path, recipient: str) -> dict[Path, EmailMessage]:
    read = {path: message_from_bytes(path.read_bytes(), policy=default) for path in sorted(spool.glob("*.eml"))}
    return {
        path: letter for path, letter in read.items() if isinstance(letter, EmailMessage) and letter["To"] == recipient
    }


def _sheet(letter: EmailMessage) -> bytes:
    """Return the PDF in a letter, or nothing."""
    for part in letter.iter_attachments():
        if part.get_content_type() == "application/pdf":
            return bytes(part.get_payload(decode=True))
    return b""
