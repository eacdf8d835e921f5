"""Checkpoints (C2SP tlog-checkpoint) and the cosignatures of witnesses (C2SP tlog-cosignature)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from dss.audit.checkpoint import Checkpoint, cosigned_at, cosigned_message, read_signed
from dss.audit.merkle import EMPTY_ROOT, Head
from dss.audit.note import COSIGNATURE, ED25519, Note, NoteRefused, SignatureLine, VerifierKey
from dss.kernel.b64 import encode

LOG = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = VerifierKey("example.com/behind-the-sofa", ED25519, LOG.public_key().public_bytes_raw())
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
WITNESS_KEY = VerifierKey("witness.example.com/w1", COSIGNATURE, WITNESS.public_key().public_bytes_raw())
# The example of both specifications.
TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
ROOT = bytes.fromhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")
EXAMPLE = (
    TEXT + "\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
AT = datetime(2023, 3, 20, 12, 25, 47, tzinfo=UTC)  # 1679315147, the time of the example


def signed(text: str, key: VerifierKey = KEY) -> Note:
    return Note(text, (SignatureLine(key.name, key.id, LOG.sign(text.encode())),))


def cosignature(seconds: int, message: bytes) -> SignatureLine:
    return SignatureLine(WITNESS_KEY.name, WITNESS_KEY.id, seconds.to_bytes(8) + WITNESS.sign(message))


LINE = cosignature(1679315147, cosigned_message(AT, TEXT))

# --- checkpoints ---


def test_the_example_is_read_and_written() -> None:
    """C2SP tlog-checkpoint, "Note text"."""
    checkpoint = Checkpoint.read(Note.read(EXAMPLE).text)
    assert checkpoint == Checkpoint("example.com/behind-the-sofa", Head(20852163, ROOT))
    assert checkpoint.text == TEXT


def test_the_empty_tree_has_the_size_0() -> None:
    assert Checkpoint.read(f"log\n0\n{encode(EMPTY_ROOT)}\n") == Checkpoint("log", Head(0, EMPTY_ROOT))


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_every_checkpoint_is_read_as_it_was_written(size: int, root: bytes) -> None:
    checkpoint = Checkpoint("log.example/audit", Head(size, root))
    assert Checkpoint.read(checkpoint.text) == checkpoint


@given(st.text(alphabet="0A=\n+ \r٣", max_size=3), st.integers(0, len(TEXT)), st.integers(0, 2))
def test_whatever_checkpoint_is_read_would_have_been_written_so(piece: str, place: int, gone: int) -> None:
    text = TEXT[:place] + piece + TEXT[place + gone :]
    try:
        checkpoint = Checkpoint.read(text)
    except NoteRefused:
        return
    assert checkpoint.text == text


HASH = encode(ROOT)
BAD_TEXTS = {
    "nothing": "",
    "no lines": "\n\n\n",
    "no origin": f"\n5\n{HASH}\n",
    "no size": f"log\n\n{HASH}\n",
    "no root": "log\n5\n\n",
    "two lines": "log\n5\n",
    "no last newline": f"log\n5\n{HASH}",
    "an extension line": f"log\n5\n{HASH}\nmore\n",
    "an extension line without its newline": f"log\n5\n{HASH}\nmore",
    "an empty line behind": f"log\n5\n{HASH}\n\n",
    "an empty line before": f"\nlog\n5\n{HASH}\n",
    "carriage returns": f"log\r\n5\r\n{HASH}\r\n",
    "a leading zero": f"log\n05\n{HASH}\n",
    "zero twice": f"log\n00\n{HASH}\n",
    "a sign": f"log\n+5\n{HASH}\n",
    "below zero": f"log\n-5\n{HASH}\n",
    "an underscore": f"log\n1_0\n{HASH}\n",
    "a space before the size": f"log\n 5\n{HASH}\n",
    "a space behind the size": f"log\n5 \n{HASH}\n",
    "a fraction": f"log\n5.0\n{HASH}\n",
    "hexadecimal": f"log\n0x5\n{HASH}\n",
    "a digit of another script": f"log\n1\N{ARABIC-INDIC DIGIT FIVE}\n{HASH}\n",
    "a size of 2**63": f"log\n{2**63}\n{HASH}\n",
    "a size of 20 digits": f"log\n{10**19}\n{HASH}\n",
    "a size of 5,000 digits": f"log\n1{'0' * 5_000}\n{HASH}\n",
    "a root of 31 bytes": f"log\n5\n{encode(ROOT[:31])}\n",
    "a root of 33 bytes": f"log\n5\n{encode(ROOT + b'0')}\n",
    "a root without padding": f"log\n5\n{HASH[:-1]}\n",
    "a root with trailing bits": f"log\n5\n{HASH[:-2]}J=\n",
    "a root in hexadecimal": f"log\n5\n{ROOT.hex()}\n",
    "a space before the root": f"log\n5\n {HASH}\n",
}


@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_no_other_form_of_a_checkpoint_is_read(text: str) -> None:
    """C2SP tlog-checkpoint, "Note text"; this log makes no extension lines, and takes none."""
    with pytest.raises(NoteRefused):
        Checkpoint.read(text)


def test_a_signed_checkpoint_is_read_by_its_logs_key() -> None:
    assert read_signed(signed(TEXT).written, KEY) == Checkpoint.read(TEXT)


def test_cosignatures_do_not_hinder_reading_a_signed_checkpoint() -> None:
    note = replace(signed(TEXT), lines=(*signed(TEXT).lines, LINE))
    assert read_signed(note.written, KEY) == Checkpoint.read(TEXT)


def test_a_checkpoint_that_another_signed_is_refused() -> None:
    with pytest.raises(NoteRefused):
        read_signed(EXAMPLE, KEY)
    with pytest.raises(NoteRefused):
        read_signed(Note(TEXT, (LINE,)).written, KEY)


def test_a_checkpoint_of_another_log_is_refused_though_the_key_signed_it() -> None:
    other = signed(TEXT.replace("sofa", "door"))
    other.require_signed_by(KEY)
    with pytest.raises(NoteRefused, match="not of the log"):
        read_signed(other.written, KEY)


def test_a_note_of_another_kind_is_no_checkpoint_though_the_key_signed_it() -> None:
    """docs/transparency-log.md section 7."""
    export = signed(f"dss-audit-export/v1\n{KEY.name}\nfrom to\n5\n{HASH}\n")
    export.require_signed_by(KEY)
    with pytest.raises(NoteRefused):
        read_signed(export.written, KEY)


# --- cosignatures ---


def test_a_witness_signs_the_message_of_the_specification() -> None:
    """C2SP tlog-cosignature, "Ed25519 signed message": the example."""
    assert cosigned_message(AT, TEXT) == (
        b"cosignature/v1\n"
        b"time 1679315147\n"
        b"example.com/behind-the-sofa\n"
        b"20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


def test_the_cosignature_of_the_example_has_the_form_that_is_read_here() -> None:
    """C2SP tlog-cosignature, "Format"; nobody published the key."""
    _, line = Note.read(EXAMPLE).lines
    assert (line.name, line.id.hex(), len(line.value)) == (WITNESS_KEY.name, "8d66cf3f", len(LINE.value))
    assert line.value[:8] == LINE.value[:8]


def test_a_cosignature_tells_when_the_witness_saw_the_checkpoint() -> None:
    assert cosigned_at(LINE, WITNESS_KEY, TEXT) == AT


def test_a_cosignature_is_as_it_was_before() -> None:
    assert LINE.text == (
        "— witness.example.com/w1 "
        "lpmAzwAAAABkGFDL6ade/xdmW0GepsICyPher/bBsso0aCocxkD4MgnQ2J3N/61CxrucC0uO4wzUWe3K7XvjkEYtewKXIfP/U7l4Cw==\n"
    )


@given(st.integers(0, 253_402_300_799))
def test_every_second_that_a_calendar_has_can_be_told(seconds: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    line = cosignature(seconds, b"cosignature/v1\ntime %d\n" % seconds + TEXT.encode())
    assert cosigned_at(line, WITNESS_KEY, TEXT) == at
    assert cosigned_message(at + timedelta(microseconds=999_999), TEXT) == cosigned_message(at, TEXT)


@pytest.mark.parametrize("seconds", [253_402_300_800, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_time_that_no_calendar_has_is_refused(seconds: int) -> None:
    line = cosignature(seconds, b"cosignature/v1\ntime %d\n" % seconds + TEXT.encode())
    with pytest.raises(NoteRefused):
        cosigned_at(line, WITNESS_KEY, TEXT)


@pytest.mark.parametrize(
    "line",
    [
        replace(LINE, name="witness.example.com/w2"),
        replace(LINE, id=bytes(4)),
        replace(LINE, value=(1679315148).to_bytes(8) + LINE.value[8:]),
        replace(LINE, value=LINE.value[8:]),
        replace(LINE, value=LINE.value[:-1]),
        replace(LINE, value=LINE.value + b"\x00"),
        replace(LINE, value=LINE.value[:8]),
        replace(LINE, value=b"\x00"),
        replace(LINE, value=(1679315147).to_bytes(8) + WITNESS.sign(TEXT.encode())),
    ],
)
def test_a_line_that_is_not_the_witnesss_is_refused(line: SignatureLine) -> None:
    with pytest.raises(NoteRefused):
        cosigned_at(line, WITNESS_KEY, TEXT)


def test_a_cosignature_is_of_one_checkpoint_only() -> None:
    with pytest.raises(NoteRefused):
        cosigned_at(LINE, WITNESS_KEY, TEXT.replace("20852163", "20852164"))


@given(st.integers(0, 72 * 8 - 1))
def test_a_cosignature_with_any_bit_changed_is_refused(bit: int) -> None:
    changed = int.from_bytes(LINE.value) ^ 1 << bit
    with pytest.raises(NoteRefused):
        cosigned_at(replace(LINE, value=changed.to_bytes(72)), WITNESS_KEY, TEXT)


def test_a_logs_key_cosigns_nothing() -> None:
    """The types part the two statements, though one key pair be used for both."""
    as_log = replace(WITNESS_KEY, type=ED25519)
    with pytest.raises(NoteRefused):
        cosigned_at(replace(LINE, id=as_log.id), as_log, TEXT)
    with pytest.raises(NoteRefused):
        cosigned_at(LINE, as_log, TEXT)
