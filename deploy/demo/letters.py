"""Reads the letters that the server put into its spool folder."""

import re
import time
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from deploy.demo.programs import ProgramFailed

ARRIVAL_S = 20
LINK = re.compile(r"https?://\S+/signin/password/\S+")
CODE = re.compile(r"\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}\b")


@dataclass(frozen=True)
class Invitation:
    """The two letters of an enrolment: the QR as a sheet to print, and the letter with the activation code."""

    qr_letter: Path
    qr_sheet: Path
    code_letter: Path


class Mailbox:
    """What the server sends to one person."""

    def __init__(self, spool: Path, recipient: str) -> None:
        self.recipient = recipient
        self._spool = spool
        self._used: set[Path] = set()

    def wait_for_invitation(self, sheet: Path) -> Invitation:
        """Return the two letters of an enrolment once both have come. Raises ProgramFailed.

        sheet: where the QR's sheet is saved.
        """
        deadline = time.monotonic() + ARRIVAL_S
        while time.monotonic() < deadline:
            letters = self._new_letters()
            with_sheet = [path for path, letter in letters.items() if _sheet(letter)]
            with_code = [path for path, letter in letters.items() if CODE.search(_words(letter))]
            if with_sheet and with_code:
                sheet.write_bytes(_sheet(letters[with_sheet[0]]))
                self._used |= {with_sheet[0], with_code[0]}
                return Invitation(with_sheet[0], sheet, with_code[0])
            time.sleep(0.1)
        raise ProgramFailed(f"the two letters to {self.recipient} did not come within {ARRIVAL_S} s to {self._spool}")

    def wait_for_link(self) -> str:
        """Return the link by which a password is set, once its letter has come. Raises ProgramFailed."""
        deadline = time.monotonic() + ARRIVAL_S
        while time.monotonic() < deadline:
            for path, letter in self._new_letters().items():
                if found := LINK.search(_words(letter)):
                    self._used.add(path)
                    return found[0]
            time.sleep(0.1)
        raise ProgramFailed(f"no letter with a link came to {self.recipient} within {ARRIVAL_S} s to {self._spool}")

    def _new_letters(self) -> dict[Path, EmailMessage]:
        found = [path for path in sorted(self._spool.glob("*.eml")) if path not in self._used]
        read = {path: message_from_bytes(path.read_bytes(), policy=default) for path in found}
        return {
            path: letter
            for path, letter in read.items()
            if isinstance(letter, EmailMessage) and letter["To"] == self.recipient
        }


def _sheet(letter: EmailMessage) -> bytes:
    """Return the PDF in a letter, or nothing."""
    for part in letter.iter_attachments():
        if part.get_content_type() == "application/pdf":
            return bytes(part.get_payload(decode=True))
    return b""


def _words(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    return str(body.get_content()) if body else ""
