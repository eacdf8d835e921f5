"""The server's word for which channel key is its own: a text, signed by the log's key.

Whoever rules the database can invent a channel key, a phone and all that they sign, but cannot sign this.

Source: docs/evidence.md section 1a.
"""

from dataclasses import dataclass
from typing import Self

from dss.audit.note import Note, VerifierKey
from dss.evidence.fields import EvidenceRefused, require

TITLE = "dss-channel-key/v1"


@dataclass(frozen=True, slots=True)
class Statement:
    """Which key a server talks to phones with.

    origin: the log's name. server: its base URL. thumbprint: the channel key's, RFC 7638, base64url.
    """

    origin: str
    server: str
    thumbprint: str

    @property
    def text(self) -> str:
        """What the log's key signs: four lines, each with its newline. No checkpoint has as many."""
        return f"{TITLE}\n{self.origin}\n{self.server}\n{self.thumbprint}\n"

    @classmethod
    def read_signed(cls, written: str, key: VerifierKey) -> Self:
        """Read a note that the log's key signed, and nobody else. Raises EvidenceRefused, NoteRefused."""
        note = Note.read(written)
        require(len(note.lines) == 1, "it has more signature lines than the log's own")
        note.require_signed_by(key)
        title, *lines = note.text.split("\n")
        if title != TITLE or len(lines) != 4:
            raise EvidenceRefused(f"it has not the lines {TITLE}, origin, server and thumbprint")
        found = cls(*lines[:3])
        require(found.origin == key.name, "it is not of the log whose key signed it")
        return found
