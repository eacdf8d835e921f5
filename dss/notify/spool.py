"""Sends letters into a folder, one .eml file each: for a mail system to pick up, and for those who try things out."""

import asyncio
import os
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from dss.kernel.clock import Clock
from dss.kernel.errors import Unavailable
from dss.notify.model import Letter, LetterId


class SpoolSender:
    """Writes each letter as `TIME-ID.eml`, so that names sort by time.

    folder:    made if it is absent, readable by its owner only: letters hold secrets.
    mail_from: the address that letters come from and nobody reads.
    """

    def __init__(self, folder: Path, mail_from: str, clock: Clock) -> None:
        self._folder = folder
        self._mail_from = mail_from
        self._clock = clock

    async def send(self, id: LetterId, letter: Letter) -> None:
        """Write the letter whole or not at all. Raises Unavailable."""
        message = self._message(id, letter)
        name = f"{self._clock.now():%Y%m%dT%H%M%SZ}-{id}.eml"
        try:
            await asyncio.to_thread(self._write, name, message.as_bytes())
        except OSError as failure:
            raise Unavailable(f"the spool folder does not take letters: {failure.strerror}") from failure

    def _message(self, id: LetterId, letter: Letter) -> EmailMessage:
        message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))  # every relay takes it
        message["From"] = self._mail_from
        message["To"] = letter.recipient
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(self._clock.now())
        # The same at each attempt, so that a letter sent twice can be known as one.
        message["Message-ID"] = f"<{id}@{self._mail_from.rpartition('@')[2].rstrip('>')}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5: nobody's holiday note answers it
        message.set_content(letter.body)
        for attachment in letter.attachments:
            kind, _, subtype = attachment.media_type.partition("/")
            message.add_attachment(attachment.content, maintype=kind, subtype=subtype, filename=attachment.name)
        return message

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self._folder / f".{name}.part"
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self._folder / name)
        _sync_folder(self._folder)


def _sync_folder(folder: Path) -> None:
    """Make the new name last: the row is deleted next, and a power cut must not lose both."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
