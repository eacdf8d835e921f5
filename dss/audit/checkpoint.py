"""Checkpoints: the tree's head as a signed note, and the cosignatures of witnesses on it.

Source: C2SP tlog-checkpoint, tlog-cosignature (cosignature/v1).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from dss.audit.merkle import HASH_BYTES, Head
from dss.audit.note import COSIGNATURE, Note, NoteRefused, SignatureLine, VerifierKey, read_base64
from dss.kernel import b64

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME_BYTES = 8
MOST_LEAVES = 2**63 - 1
SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log signs: which log it is, and its tree's head."""

    origin: str
    head: Head

    @property
    def text(self) -> str:
        """The text of the note: three lines, each with its newline."""
        return f"{self.origin}\n{self.head.size}\n{b64.encode(self.head.root)}\n"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `text` gives; extension lines are not taken. Raises NoteRefused on any other text."""
        lines = text.split("\n")
        if len(lines) != 4 or not lines[0] or lines[3]:
            raise NoteRefused("a checkpoint has the lines origin, size and root")
        if not SIZE.fullmatch(lines[1]) or int(lines[1]) > MOST_LEAVES:
            raise NoteRefused("a checkpoint's size is a decimal number below 2**63, without leading zeros")
        root = read_base64(lines[2])
        if len(root) != HASH_BYTES:
            raise NoteRefused(f"a checkpoint's root has {HASH_BYTES} bytes, not {len(root)}")
        return cls(lines[0], Head(int(lines[1]), root))


def read_signed(note_text: str, key: VerifierKey) -> Checkpoint:
    """Read a checkpoint that a log's key signed; the key's name must be the origin. Raises NoteRefused."""
    note = Note.read(note_text)
    note.require_signed_by(key)
    checkpoint = Checkpoint.read(note.text)
    if checkpoint.origin != key.name:
        raise NoteRefused("the checkpoint is not of the log whose key signed it")
    return checkpoint


def cosigned_message(at: datetime, text: str) -> bytes:
    """Return what a witness signs. at: taken in whole seconds. text: the checkpoint's."""
    return f"cosignature/v1\ntime {(at - EPOCH) // timedelta(seconds=1)}\n{text}".encode()


def cosigned_at(line: SignatureLine, witness: VerifierKey, text: str) -> datetime:
    """Verify a witness's line and return when it saw the checkpoint as the log's newest.

    line: its value is the time in seconds, 8 bytes big-endian, and the signature. witness: of type COSIGNATURE.
    text: the checkpoint's. Raises NoteRefused; whether the time is in the future is the caller's to ask.
    """
    if witness.type != COSIGNATURE or not line.is_by(witness):
        raise NoteRefused(f"the line is no cosignature of {witness.name}")
    try:
        at = EPOCH + timedelta(seconds=int.from_bytes(line.value[:TIME_BYTES]))
    except OverflowError as fault:
        raise NoteRefused("the time of a cosignature is out of range") from fault
    witness.require_signed(cosigned_message(at, text), line.value[TIME_BYTES:])
    return at
