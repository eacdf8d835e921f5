"""An exported file is checked offline: whatever is changed in it or in its note is refused.

Source: docs/transparency-log.md section 7; T52.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from dss.audit import exported
from dss.audit.event import Event, Recorded, SealNote
from dss.audit.exported import ExportRefused, Period, Summary
from dss.audit.note import ED25519, Note, SignatureLine, VerifierKey
from dss.kernel import canonical
from dss.kernel.ids import EventId
from tests.world.clock import START

ORIGIN = "sign.example.org/log"
KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"the log's key").digest())
PUBLIC = VerifierKey(ORIGIN, ED25519, KEY.public_key().public_bytes_raw())
WHOLE = Period(START, START + timedelta(days=1))
SALT = "A" * 43


def recorded(leaf: int) -> Recorded:
    note = SealNote("thing:1", leaf, b"s" * 32) if leaf % 2 else None
    event = Event("thing.done", "server", "thing:1", details={"number": str(leaf)}, sealed=note)
    return Recorded(EventId(f"{leaf:026}"), START + timedelta(seconds=leaf), event, bytes([leaf]) * 32, leaf)


LINES = [exported.line(recorded(leaf)) for leaf in range(4)]


def note_for(lines: list[bytes]) -> str:
    return signed(Summary(ORIGIN, WHOLE, len(lines), hashlib.sha256(b"".join(lines)).digest()).text)


def signed(text: str) -> str:
    return Note(text, (SignatureLine(ORIGIN, PUBLIC.id, KEY.sign(text.encode())),)).written


def test_a_file_passes_with_its_own_note():
    assert exported.check(LINES, note_for(LINES), PUBLIC).lines == 4


def test_only_sealed_events_have_a_line():
    for changes in ({"leaf": None}, {"salt": None}):
        whole = recorded(1)
        bare = Recorded(whole.id, whole.at, whole.event, **{"salt": whole.salt, "leaf": whole.leaf} | changes)
        with pytest.raises(ValueError, match="sealed"):
            exported.line(bare)


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a line is gone": lambda lines: lines[1:],
    "the end is gone": lambda lines: lines[:-1],
    "all are gone": lambda lines: [],
    "two changed places": lambda lines: [lines[1], lines[0], *lines[2:]],
    "one stands twice": lambda lines: [lines[0], *lines],
    "details are others": lambda lines: [lines[0].replace(b'"number":"0"', b'"number":"1"'), *lines[1:]],
    "the last newline is gone": lambda lines: [*lines[:-1], lines[-1][:-1]],
    "there is a space": lambda lines: [lines[0].replace(b":", b": ", 1), *lines[1:]],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_t52_a_changed_file_is_refused(change: Callable[[list[bytes]], list[bytes]]):
    with pytest.raises(ExportRefused):
        exported.check(change(LINES), note_for(LINES), PUBLIC)


@given(st.data())
def test_t52_a_file_with_any_byte_changed_is_refused(data: st.DataObject):
    whole = bytearray(b"".join(LINES))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[place]))
    with pytest.raises(ExportRefused):
        exported.check(bytes(whole).splitlines(keepends=True), note_for(LINES), PUBLIC)


@given(st.data())
def test_t52_a_note_with_any_byte_changed_is_refused(data: st.DataObject):
    note = note_for(LINES)
    place = data.draw(st.integers(0, len(note) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda character: character != note[place]))
    with pytest.raises(ExportRefused):
        exported.check(LINES, note[:place] + other + note[place + 1 :], PUBLIC)


def member(**changes: object) -> dict[str, Any]:
    return canonical.decode(LINES[1][:-1])["event"] | changes


BAD_LINES: dict[str, object] = {
    "no object": [],
    "leaf of text": {"event": member(), "leaf": "0", "salt": SALT},
    "leaf below 0": {"event": member(), "leaf": -1, "salt": SALT},
    "true as a leaf": {"event": member(), "leaf": True, "salt": SALT},
    "short salt": {"event": member(), "leaf": 0, "salt": "AAAA"},
    "salt of a number": {"event": member(), "leaf": 0, "salt": 5},
    "another member": {"event": member(), "leaf": 0, "salt": SALT, "more": 1},
    "event of text": {"event": "x", "leaf": 0, "salt": SALT},
    "a member too many": {"event": member(more="x"), "leaf": 0, "salt": SALT},
    "an actor of a number": {"event": member(actor=1), "leaf": 0, "salt": SALT},
    "details of a list": {"event": member(details=[]), "leaf": 0, "salt": SALT},
    "details of numbers": {"event": member(details={"a": 1}), "leaf": 0, "salt": SALT},
    "an id that is none": {"event": member(id="i" * 26), "leaf": 0, "salt": SALT},
    "an outcome that is none": {"event": member(outcome="well"), "leaf": 0, "salt": SALT},
    "a time of whole seconds": {"event": member(at="2026-03-02T09:00:01Z"), "leaf": 0, "salt": SALT},
    "a time before": {"event": member(at="2026-03-02T08:59:59.999999Z"), "leaf": 0, "salt": SALT},
    "a time behind": {"event": member(at="2026-03-03T09:00:00.000000Z"), "leaf": 0, "salt": SALT},
    "a seal without members": {"event": member(sealed={}), "leaf": 0, "salt": SALT},
    "a seal of numbers": {"event": member(sealed={"row": 1, "seal": "", "version": 1}), "leaf": 0, "salt": SALT},
    "a seal that is no base64": {
        "event": member(sealed={"row": "", "seal": "=", "version": 1}),
        "leaf": 0,
        "salt": SALT,
    },
}


@pytest.mark.parametrize("line", BAD_LINES.values(), ids=BAD_LINES)
def test_a_line_of_another_form_is_refused_even_if_it_is_signed(line: object):
    lines = [canonical.encode(line) + b"\n"]
    with pytest.raises(ExportRefused, match="line 1"):
        exported.check(lines, note_for(lines), PUBLIC)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("dss-audit-export/v1", "dss-audit-export/v2"),
        (ORIGIN, "other.example.org/log"),
        ("2026-03-02T09:00:00Z ", "2026-03-02T09:00:00Z  "),
        ("2026-03-03T09:00:00Z", "2026-03-02T09:00:00Z"),
        ("2026-03-02T", "2026-3-02T"),
        ("\n4\n", "\n04\n"),
        ("\n4\n", "\n5\n"),
        ("\n4\n", "\n4\nmore\n"),
    ],
)
def test_a_note_of_another_form_is_refused_even_if_it_is_signed(old: str, new: str):
    text = Note.read(note_for(LINES)).text
    assert old in text
    with pytest.raises(ExportRefused):
        exported.check(LINES, signed(text.replace(old, new)), PUBLIC)


def test_a_note_that_another_key_signed_is_refused():
    other = VerifierKey(ORIGIN, ED25519, Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    with pytest.raises(ExportRefused, match="the note"):
        exported.check(LINES, note_for(LINES), other)
