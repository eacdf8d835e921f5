"""The referee's signed notes, keys and checkpoints (C2SP signed-note, tlog-checkpoint)."""

import base64

import pytest

from tests.referee.channel import require_stated
from tests.referee.notes import Checkpoint, LogKey, Note
from tests.referee.refusing import Refused
from tests.referee.writing import LOG, ORIGIN, OTHER_LOG, checkpoint, note, public

# The example of Go's golang.org/x/mod/sumdb/note, which the form comes from.
KNOWN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
KNOWN_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
KEY = LogKey(ORIGIN, public(LOG))
ROOT = base64.b64encode(bytes(32)).decode()


def test_a_known_note_verifies_by_its_known_key():
    Note.read(KNOWN_NOTE).require_signed_by(LogKey.read(KNOWN_KEY))


def test_a_note_that_was_changed_does_not_verify():
    with pytest.raises(Refused, match="verify"):
        Note.read(KNOWN_NOTE.replace("don't", "do")).require_signed_by(LogKey.read(KNOWN_KEY))


@pytest.mark.parametrize(
    "text",
    [
        KNOWN_KEY.replace("c74f20a3", "c74f20a4"),
        KNOWN_KEY.replace("c74f20a3", "C74F20A3"),
        KNOWN_KEY.replace("PeterNeumann", "Peter Neumann"),
        KNOWN_KEY.replace("PeterNeumann", ""),
        KNOWN_KEY.replace("ARpc", "BBpc"),
        KNOWN_KEY + "=",
        KNOWN_KEY[:-4],
        KNOWN_KEY + "\n",
        "",
    ],
)
def test_a_key_of_another_form_is_refused(text: str):
    with pytest.raises(Refused):
        LogKey.read(text)


def test_the_lines_of_others_are_passed_over():
    other = note("x\n", "witness.example", OTHER_LOG).splitlines(keepends=True)[-1]

    Note.read(checkpoint([]) + other).require_signed_by(KEY)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "text\n",
        "text\n\n",
        "\n\n— a AAAAAAA=\n",
        checkpoint([])[:-1],
        checkpoint([]) + "\n",
        checkpoint([]).replace("— ", "-- "),
        checkpoint([]).replace("\n", "\r\n"),
        checkpoint([]) + "more\n",
        checkpoint([]).replace("\n— ", "\n\n— \t"),
        checkpoint([]) + "— witness.example AAAA\n",
        checkpoint([]) + "— witness.example AAAAAAB=\n",
        checkpoint([]) + "— witness.example AAAAAAA=\n" * 64,
        "x" * 70_000 + checkpoint([]),
    ],
)
def test_what_is_not_a_note_is_refused(written: str):
    with pytest.raises(Refused):
        Note.read(written)


@pytest.mark.parametrize("control", ["\x00", "\t", "\x0b", "\r", "\x1f"])
def test_a_note_has_no_control_characters(control: str):
    """C2SP signed-note: those below U+0020, but for line feeds."""
    with pytest.raises(Refused, match="control"):
        Note.read(note(f"a{control}b\n"))


@pytest.mark.parametrize("text", ["\x7f\x85\u2028\u202e\n", "\nbehind an empty line\n", "\u2014 a AAAAAAA=\n\n\n"])
def test_a_note_has_any_other_text(text: str):
    assert Note.read(note(text)).text == text


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n7\n",
        f"{ORIGIN}\n7\n{ROOT}\nmore\n",
        f"{ORIGIN}\n07\n{ROOT}\n",
        f"{ORIGIN}\n-7\n{ROOT}\n",
        f"{ORIGIN}\n\N{ARABIC-INDIC DIGIT SEVEN}\n{ROOT}\n",
        f"{ORIGIN}\n\n{ROOT}\n",
        f"{ORIGIN}\n7\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n7\n{ROOT[:-2]}B=\n",
        f"{ORIGIN}\n7\nAAAA\n",
        f"{ORIGIN}/\n7\n{ROOT}\n",
        f"dss-audit-export/v1\n{ORIGIN}\n7\n",
    ],
)
def test_a_note_that_is_no_checkpoint_is_refused_though_the_log_signed_it(text: str):
    with pytest.raises(Refused):
        Checkpoint.read(Note.read(note(text)), KEY)


def test_a_checkpoint_says_size_and_root():
    assert Checkpoint.read(Note.read(note(f"{ORIGIN}\n7\n{ROOT}\n")), KEY) == Checkpoint(7, bytes(32))


def test_a_statement_says_which_channel_key_is_a_servers():
    """docs/evidence.md section 1a."""
    stated = note(f"dss-channel-key/v1\n{ORIGIN}\nhttps://sign.example\nthumbprint\n")

    require_stated(stated, KEY, "https://sign.example", "thumbprint")
    for server, thumbprint in (("https://sign.example/", "thumbprint"), ("https://sign.example", "other")):
        with pytest.raises(Refused, match="another channel key"):
            require_stated(stated, KEY, server, thumbprint)


def test_neither_a_statement_nor_a_checkpoint_is_taken_for_the_other():
    stated = note(f"dss-channel-key/v1\n{ORIGIN}\n7\n{ROOT}\n")

    with pytest.raises(Refused, match="not a checkpoint"):
        Checkpoint.read(Note.read(stated), KEY)
    with pytest.raises(Refused, match="another channel key"):
        require_stated(checkpoint([bytes(32)]), KEY, "1", ROOT)
