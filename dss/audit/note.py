"""Signed notes: a text and the lines that sign it, read strictly, so that one note has one form.

Source: C2SP signed-note.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from dss.kernel import b64
from dss.kernel.errors import BadRequest

ED25519, COSIGNATURE = 0x01, 0x04  # types of keys; the second is that of C2SP tlog-cosignature
KEY_BYTES, KEY_ID_BYTES = 32, 4
LONGEST_NOTE = 64 * 1024
MOST_LINES = 64
UNWRITABLE = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")  # control characters; surrogates are no UTF-8
DASH = "\N{EM DASH}"


class NoteRefused(BadRequest):
    """A text that is not a signed note, or not one signed by the key in question."""

    code, title = "note_refused", "The signed note was not accepted"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key by which a log or a witness is known.

    name: without white space and plus signs. type: ED25519 or COSIGNATURE. key: the 32 bytes of RFC 8032.
    Raises NoteRefused for any other.
    """

    name: str
    type: int
    key: bytes

    def __post_init__(self) -> None:
        _require_name(self.name)
        if self.type not in {ED25519, COSIGNATURE} or len(self.key) != KEY_BYTES:
            raise NoteRefused("the key is none of Ed25519, of type 0x01 or 0x04")

    @property
    def id(self) -> bytes:
        """The 4 bytes by which a signature names its key, with the key's name."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._typed).digest()[:KEY_ID_BYTES]

    @property
    def text(self) -> str:
        """The key in text form, `<name>+<id>+<base64 of type and key>`."""
        return f"{self.name}+{self.id.hex()}+{b64.encode(self._typed)}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `text` gives. Raises NoteRefused on any other text."""
        name, _, rest = text.partition("+")
        typed = read_base64(rest.partition("+")[2])
        key = cls(name, typed[0] if typed else 0, typed[1:])
        if key.text != text:
            raise NoteRefused("the key's id is not that of the name and the key")
        return key

    def require_signed(self, message: bytes, signature: bytes) -> None:
        """Accept a message with a signature of 64 bytes by this key. Raises NoteRefused."""
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except InvalidSignature as fault:
            raise NoteRefused(f"the signature of {self.name} does not verify") from fault

    @property
    def _typed(self) -> bytes:
        return bytes([self.type]) + self.key


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """A line of a note that signs its text.

    name: the key's. id: the key's, 4 bytes. value: as the key's type has it, not empty.
    """

    name: str
    id: bytes
    value: bytes

    @property
    def text(self) -> str:
        """The line as it is written, with its newline."""
        return f"{DASH} {self.name} {b64.encode(self.id + self.value)}\n"

    def is_by(self, key: VerifierKey) -> bool:
        """Return True when the line says it is by a key; its signature tells whether it is."""
        return (self.name, self.id) == (key.name, key.id)


@dataclass(frozen=True, slots=True)
class Note:
    """A text with its signature lines; not to be believed before a signature is verified.

    text: ends with a newline.
    """

    text: str
    lines: tuple[SignatureLine, ...]

    @property
    def written(self) -> str:
        """The note as it is handed on."""
        return self.text + "\n" + "".join(line.text for line in self.lines)

    @classmethod
    def read(cls, written: str) -> Self:
        """Read a note of 1 to 64 signature lines and at most 64 KiB. Raises NoteRefused."""
        _require_text(written)
        text, blank, signatures = written.rpartition("\n\n")
        *lines, rest = signatures.split("\n")
        if not blank or rest or not 1 <= len(lines) <= MOST_LINES:
            raise NoteRefused(f"a note is a text, an empty line and 1 to {MOST_LINES} signature lines")
        return cls(text + "\n", tuple(_read_line(line) for line in lines))

    def require_signed_by(self, key: VerifierKey) -> None:
        """Accept a note that one line signs by a key of type ED25519. Raises NoteRefused."""
        signatures = [line.value for line in self.lines if line.is_by(key)]
        if key.type != ED25519 or not signatures:
            raise NoteRefused(f"the note has no signature line by the given key of {key.name}")
        if len(signatures) > 1:
            raise NoteRefused(f"the note has more than one signature line by the given key of {key.name}")
        key.require_signed(self.text.encode(), signatures[0])


def read_base64(text: str) -> bytes:
    """Read base64 in its one form. Raises NoteRefused."""
    try:
        return b64.decode(text)
    except BadRequest as fault:
        raise NoteRefused(fault.detail) from fault


def _read_line(text: str) -> SignatureLine:
    """Read a signature line, without its newline."""
    parts = text.split(" ")
    if len(parts) != 3 or parts[0] != DASH:
        raise NoteRefused("a signature line is a dash, a name and a signature")
    _require_name(parts[1])
    value = read_base64(parts[2])
    if len(value) <= KEY_ID_BYTES:
        raise NoteRefused("a signature line has no signature")
    return SignatureLine(parts[1], value[:KEY_ID_BYTES], value[KEY_ID_BYTES:])


def _require_text(written: str) -> None:
    if UNWRITABLE.search(written):
        raise NoteRefused("a note is UTF-8 and has no control characters but newlines")
    if len(written.encode()) > LONGEST_NOTE:
        raise NoteRefused(f"a note has at most {LONGEST_NOTE} bytes")


def _require_name(name: str) -> None:
    if not name or "+" in name or UNWRITABLE.search(name) or any(character.isspace() for character in name):
        raise NoteRefused("a key's name is not empty, and has no white space, no plus and no control character")
