"""Signed notes, their keys, and checkpoints (C2SP signed-note and tlog-checkpoint)."""

import base64
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.referee.refusing import Refused, require

ED25519 = 0x01
LARGEST, MOST_LINES = 64 * 1024, 64
KEY_FORM = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)")
LINE_FORM = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+=*)")
SIZE_FORM = re.compile(r"0|[1-9][0-9]{0,18}")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class LogKey:
    """The log's public key; name: also the origin of its checkpoints."""

    name: str
    key: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that stand before a signature."""
        return sha256(self.name.encode() + b"\x0a" + bytes([ED25519]) + self.key).digest()[:4]

    @property
    def text(self) -> str:
        """The key in text form."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([ED25519]) + self.key).decode()}"

    @classmethod
    def read(cls, text: str) -> "LogKey":
        """Read the text form."""
        found = KEY_FORM.fullmatch(text)
        raw = base64_bytes(found[3], "the log key") if found else b""
        require(found and len(raw) == 33 and raw[0] == ED25519, "the log key is not one of Ed25519")
        assert found
        key = cls(found[1], raw[1:])
        require(key.text == text, "the id of the log key is another key's")
        return key


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends in a line feed, and its signature lines as (name, key id, signature)."""

    text: str
    lines: tuple[tuple[str, bytes, bytes], ...]

    @classmethod
    def read(cls, written: str) -> "Note":
        """Take a note apart."""
        require(len(written.encode("utf-8", "surrogatepass")) <= LARGEST, "the note is too long")
        require(not CONTROL.search(written), "the note has control characters")
        text, blank, signed = written.rpartition("\n\n")
        require(blank and text and signed.endswith("\n"), "the note has no signature lines after a blank line")
        lines = signed[:-1].split("\n")
        require(len(lines) <= MOST_LINES, "the note has too many lines")
        return cls(text + "\n", tuple(map(_line, lines)))

    def require_signed_by(self, key: LogKey) -> None:
        """Check the one signature line of a key; lines of others are passed over."""
        mine = [value for name, id, value in self.lines if (name, id) == (key.name, key.id)]
        require(len(mine) == 1, "the note has not one line of the log key")
        try:
            Ed25519PublicKey.from_public_bytes(key.key).verify(mine[0], self.text.encode())
        except (InvalidSignature, ValueError) as failure:
            raise Refused("the signature of the note does not verify") from failure


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says of the tree."""

    size: int
    root: bytes

    @classmethod
    def read(cls, note: Note, key: LogKey) -> "Checkpoint":
        """Read a note that must be a checkpoint of the log whose key this is."""
        note.require_signed_by(key)
        lines = note.text.split("\n")
        require(len(lines) == 4 and lines[0] == key.name, "the note is not a checkpoint of this log")
        require(SIZE_FORM.fullmatch(lines[1]), "the size of the tree is not a decimal number")
        root = base64_bytes(lines[2], "the root")
        require(len(root) == 32, "the root is not of 32 bytes")
        return cls(int(lines[1]), root)


def base64_bytes(text: str, where: str) -> bytes:
    """Decode base64 with padding: decode, encode again, compare."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError as failure:
        raise Refused(f"{where} is not base64") from failure
    require(base64.b64encode(raw).decode() == text, f"{where} is not canonical base64")
    return raw


def _line(line: str) -> tuple[str, bytes, bytes]:
    found = LINE_FORM.fullmatch(line)
    raw = base64_bytes(found[2], "a signature line") if found else b""
    require(found and len(raw) > 4, "a line after the blank one is no signature")
    assert found
    return found[1], raw[:4], raw[4:]
