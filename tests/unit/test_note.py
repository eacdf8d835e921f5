"""Signed notes (C2SP signed-note): one note has one form, and is believed only by its signature."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from dss.audit.note import COSIGNATURE, ED25519, Note, NoteRefused, SignatureLine, VerifierKey
from dss.kernel.b64 import decode, encode
from dss.kernel.errors import BadRequest

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = VerifierKey("log.example", ED25519, SIGNER.public_key().public_bytes_raw())
TEXT = "first line\n\nlast line\n"
LINE = SignatureLine(KEY.name, KEY.id, SIGNER.sign(TEXT.encode()))
NOTE = Note(TEXT, (LINE,))
STRANGER = SignatureLine("w.example", b"\x01\x02\x03\x04", b"of a type that is not known here")
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group, RFC 8032 section 5.1

# Keys, and a note that each signed: of the specification, and of Go's package sumdb/note.
VECTORS = {
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k": (
        "This is an example message.\n"
        "\n"
        "— example.com/foo "
        "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    ),
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW": (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "— PeterNeumann "
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    ),
}
SALVATORE = (
    "Ognuno sta solo sul cuor della terra\n"
    "trafitto da un raggio di sole:\n"
    "\n"
    "ed è subito sera.\n"
    "\n"
    "— quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)


def signed(text: str) -> Note:
    return Note(text, (replace(LINE, value=SIGNER.sign(text.encode())),))


# --- known answers ---


@pytest.mark.parametrize(("key", "written"), VECTORS.items())
def test_published_notes_are_read_and_verified(key: str, written: str) -> None:
    note = Note.read(written)
    assert VerifierKey.read(key).text == key
    assert note.written == written
    note.require_signed_by(VerifierKey.read(key))


def test_the_text_ends_at_the_last_empty_line() -> None:
    """C2SP signed-note, "Format": the example."""
    note = Note.read(SALVATORE)
    assert note.text.endswith(":\n\ned è subito sera.\n")
    assert [(line.name, line.id.hex(), len(line.value)) for line in note.lines] == [
        ("quasimodo.example/salvatore", "367ba04b", 64)
    ]
    assert note.written == SALVATORE


def test_a_witness_key_has_an_id_of_its_own() -> None:
    """C2SP tlog-cosignature, "Format": the key of a public witness."""
    witness = VerifierKey.read("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2")
    assert (witness.name, witness.type, witness.id.hex()) == ("remora.n621.de", COSIGNATURE, "da77ade7")
    assert replace(witness, type=ED25519).id != witness.id


def test_a_note_is_written_as_it_was_before() -> None:
    assert KEY.text == "log.example+b252d0cf+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    assert NOTE.written == (
        "first line\n\nlast line\n\n— log.example "
        "slLQz/wf7CFxPI9TClSDaWet3aWC1tgcxjnVCAI6Tvu1YTnRoRuMUO7XFHodEuMb090Wl6IIM0N+WmgszzqqzBCp9gk=\n"
    )


# --- who signed ---


def test_lines_of_others_are_passed_over() -> None:
    """C2SP signed-note, "Signatures": unknown keys, even if they share a name or an id."""
    same_name, same_id = replace(STRANGER, name=KEY.name), replace(STRANGER, id=KEY.id)
    for lines in ((STRANGER, LINE), (LINE, STRANGER), (same_name, LINE, same_id)):
        Note.read(Note(TEXT, lines).written).require_signed_by(KEY)


@pytest.mark.parametrize(
    "lines",
    [
        (STRANGER,),
        (LINE, LINE),
        (LINE, replace(LINE, value=bytes(64))),
        (replace(LINE, name="log.example/2"),),
        (replace(LINE, id=bytes(4)),),
        (replace(LINE, value=LINE.value[:63]),),
        (replace(LINE, value=LINE.value + b"\x00"),),
        (replace(LINE, value=SIGNER.sign(b"another text\n")),),
        (replace(LINE, value=Ed25519PrivateKey.from_private_bytes(bytes(32)).sign(TEXT.encode())),),
    ],
)
def test_a_note_without_one_good_line_of_the_key_is_refused(lines: tuple[SignatureLine, ...]) -> None:
    with pytest.raises(NoteRefused):
        Note(TEXT, lines).require_signed_by(KEY)


def test_a_witness_key_signs_no_notes() -> None:
    """Its signature is over another message: C2SP tlog-cosignature."""
    witness = replace(KEY, type=COSIGNATURE)
    with pytest.raises(NoteRefused):
        Note(TEXT, (replace(LINE, id=witness.id),)).require_signed_by(witness)


def test_a_signature_has_one_form() -> None:
    """RFC 8032 section 5.1.7: S is below the group's order."""
    second = int.from_bytes(LINE.value[32:], "little") + ORDER
    line = replace(LINE, value=LINE.value[:32] + second.to_bytes(32, "little"))
    with pytest.raises(NoteRefused):
        Note(TEXT, (line,)).require_signed_by(KEY)


@given(st.integers(0, len(NOTE.written.encode()) * 8 - 1))
def test_a_note_with_any_bit_changed_is_refused(bit: int) -> None:
    data = bytearray(NOTE.written.encode())
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises((NoteRefused, UnicodeDecodeError)):
        Note.read(data.decode()).require_signed_by(KEY)


# --- one form ---


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])).map(lambda text: text + "\n"))
def test_whatever_is_signed_is_read_back(text: str) -> None:
    note = Note.read(signed(text).written)
    assert note == signed(text)
    note.require_signed_by(KEY)


@given(st.text(alphabet="— a+=\n\u00a0\u2028\r\x85", max_size=12), st.integers(0, len(NOTE.written)))
def test_whatever_is_read_would_have_been_written_so(piece: str, place: int) -> None:
    written = NOTE.written[:place] + piece + NOTE.written[place:]
    try:
        note = Note.read(written)
    except NoteRefused:
        return
    assert note.written == written


def line_with(signature: str, name: str = KEY.name) -> str:
    return f"— {name} {signature}\n"


GOOD = encode(LINE.id + LINE.value)
BAD_NOTES = {
    "nothing": "",
    "no text": "\n" + LINE.text,
    "no empty line": TEXT.replace("\n\n", "\n") + LINE.text,
    "no signature line": TEXT + "\n",
    "only a text": "text\n",
    "only a signature line": LINE.text,
    "two empty lines": TEXT + "\n\n" + LINE.text + "\n",
    "an empty line behind": NOTE.written + "\n",
    "no last newline": NOTE.written[:-1],
    "text behind": NOTE.written + "more",
    "a line that signs nothing": NOTE.written + "more\n",
    "carriage returns": NOTE.written.replace("\n", "\r\n"),
    "a carriage return in the text": "a\r\n\n" + LINE.text,
    "a tab": "a\tb\n\n" + LINE.text,
    "a zero byte": "a\x00b\n\n" + LINE.text,
    "an escape": "a\x1bb\n\n" + LINE.text,
    "a lone surrogate": "a\ud800b\n\n" + LINE.text,
    "a byte order mark before the line": TEXT + "\n\ufeff" + LINE.text,
    "a hyphen": TEXT + "\n" + LINE.text.replace("—", "-"),
    "an en dash": TEXT + "\n" + LINE.text.replace("—", "\N{EN DASH}"),
    "a space before": TEXT + "\n " + LINE.text,
    "a space behind": NOTE.written[:-1] + " \n",
    "two spaces": TEXT + "\n" + LINE.text.replace("— ", "—  "),
    "a space of another kind": TEXT + "\n" + LINE.text.replace("— ", "—\u00a0"),
    "no name": TEXT + "\n" + line_with(GOOD, ""),
    "a name with a plus": TEXT + "\n" + line_with(GOOD, "log+example"),
    "a name with a space": TEXT + "\n" + line_with(GOOD, "log example"),
    "a name with a space of another kind": TEXT + "\n" + line_with(GOOD, "log\u2003example"),
    "a name with a line separator": TEXT + "\n" + line_with(GOOD, "log\u2028example"),
    "a name with a next line": TEXT + "\n" + line_with(GOOD, "log\x85example"),
    "no signature": TEXT + "\n" + line_with(""),
    "a signature of an id only": TEXT + "\n" + line_with(encode(KEY.id)),
    "a signature without a whole id": TEXT + "\n" + line_with(encode(KEY.id[:3])),
    "base64 without padding": TEXT + "\n" + line_with(GOOD.rstrip("=")),
    "base64 with more padding": TEXT + "\n" + line_with(GOOD + "="),
    "base64 with trailing bits": TEXT + "\n" + line_with(GOOD[:-2] + "d="),
    "base64url": TEXT + "\n" + line_with(GOOD.replace("+", "-").replace("/", "_")),
    "base64 that goes on behind its padding": TEXT + "\n" + line_with(GOOD + GOOD),
    "base64 with a stop": TEXT + "\n" + line_with(GOOD[:4] + "." + GOOD[4:]),
    "too many lines": TEXT + "\n" + LINE.text * 65,
    "too long": "a" * 64 * 1024 + "\n\n" + LINE.text,
    "too long in bytes": "\N{EM DASH}" * 22_000 + "\n\n" + LINE.text,
}


@pytest.mark.parametrize("written", BAD_NOTES.values(), ids=BAD_NOTES)
def test_no_other_form_of_a_note_is_read(written: str) -> None:
    """C2SP signed-note, "Format"."""
    with pytest.raises(NoteRefused):
        Note.read(written)


def test_a_note_as_large_as_the_limits_is_read() -> None:
    lines = (LINE,) * 64
    text = "a" * (64 * 1024 - len(Note("\n", lines).written.encode())) + "\n"
    assert len(Note(text, lines).written.encode()) == 64 * 1024
    assert Note.read(Note(text, lines).written) == Note(text, lines)


@pytest.mark.parametrize("text", ["\n", "\n\n", "a\n\nb\n", "\N{EM DASH} a b\n", "a\x7f\x85\u2028\n"])
def test_a_text_may_be_any_lines(text: str) -> None:
    Note.read(signed(text).written).require_signed_by(KEY)


# --- keys ---

NAME, ID, TYPED = KEY.text.split("+", 2)
BAD_KEYS = {
    "nothing": "",
    "a name": NAME,
    "no key": f"{NAME}+{ID}",
    "an empty key": f"{NAME}+{ID}+",
    "no name": f"+{ID}+{TYPED}",
    "another name": f"log2.example+{ID}+{TYPED}",
    "another id": f"{NAME}+00000000+{TYPED}",
    "an id in capitals": f"{NAME}+{ID.upper()}+{TYPED}",
    "a shorter id": f"{NAME}+{ID[:7]}+{TYPED}",
    "another type": f"{NAME}+{ID}+" + encode(b"\x04" + KEY.key),
    "a type that is not known": f"{NAME}+{ID}+" + encode(b"\x02" + KEY.key),
    "a shorter key": f"{NAME}+{ID}+" + encode(b"\x01" + KEY.key[:-1]),
    "a longer key": f"{NAME}+{ID}+" + encode(b"\x01" + KEY.key + b"\x00"),
    "no base64": f"{NAME}+{ID}+!",
    "a space behind": f"{KEY.text} ",
    "a newline behind": f"{KEY.text}\n",
    "a space before": f" {KEY.text}",
    "a lone surrogate": f"\ud800{KEY.text}",
}


@pytest.mark.parametrize("text", BAD_KEYS.values(), ids=BAD_KEYS)
def test_no_other_form_of_a_key_is_read(text: str) -> None:
    """C2SP signed-note, "Verifier keys"."""
    with pytest.raises(NoteRefused):
        VerifierKey.read(text)


@pytest.mark.parametrize("kind", [ED25519, COSIGNATURE])
@given(key=st.binary(min_size=32, max_size=32))
def test_every_key_is_read_as_it_was_written(kind: int, key: bytes) -> None:
    """Its base64 may have a plus, as stands between the parts."""
    written = VerifierKey("log.example/audit", kind, key)
    assert VerifierKey.read(written.text) == written
    assert decode(written.text.split("+", 2)[2])[0] == kind


@pytest.mark.parametrize(
    ("name", "kind", "key"),
    [
        ("", ED25519, KEY.key),
        ("a b", ED25519, KEY.key),
        ("a+b", ED25519, KEY.key),
        ("a\x00", ED25519, KEY.key),
        ("a", 2, KEY.key),
        ("a", ED25519, b""),
        ("a", COSIGNATURE, KEY.key + b"\x00"),
    ],
)
def test_a_key_that_no_note_could_name_is_not_made(name: str, kind: int, key: bytes) -> None:
    with pytest.raises(NoteRefused):
        VerifierKey(name, kind, key)


def test_a_refused_note_is_the_callers_fault() -> None:
    assert issubclass(NoteRefused, BadRequest)
    assert (NoteRefused.code, NoteRefused.status) == ("note_refused", 400)
