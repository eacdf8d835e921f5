"""The referee's canonical JSON: the rules of RFC 8785 that the protocol needs."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.referee import canonical
from tests.referee.refusing import Refused

INTEGERS = st.integers(-canonical.LARGEST, canonical.LARGEST)
SCALARS = st.none() | st.booleans() | INTEGERS | st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_members_stand_in_the_order_of_their_utf_16_units():
    """RFC 8785 section 3.2.3, the example: by code points the last two were the other way round."""
    unordered = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}

    written = canonical.encode(unordered).decode()

    assert written == '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}'


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('"', rb'"\""'),
        ("\\", rb'"\\"'),
        ("\b\t\n\f\r", rb'"\b\t\n\f\r"'),
        ("\x0f\x00\x1f", rb'"\u000f\u0000\u001f"'),
        ("/\x7f", b'"/\x7f"'),
        ("\u2028\u20ac", '"\u2028\u20ac"'.encode()),
    ],
)
def test_a_text_is_escaped_only_where_it_must_be(text: str, written: bytes):
    """RFC 8785 section 3.2.2.2."""
    assert canonical.encode(text) == written
    assert canonical.decode(written) == text


@pytest.mark.parametrize(
    "data",
    [
        b"1.0",
        b"1e2",
        b"-0",
        b"01",
        b"NaN",
        b"9007199254740992",
        b"-9007199254740992",
        b"1" * 5000,
        b'"\\u0041"',
        b'"\\/"',
        b'"\\u001F"',
        b'"\\ud800"',
        b'"\xed\xa0\x80"',
        b'"\t"',
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a": 1}',
        b" 1",
        b"1\n",
        b"\xef\xbb\xbf1",
        b"[" * 100_000,
        b"",
    ],
)
def test_what_is_not_canonical_is_refused(data: bytes):
    with pytest.raises(Refused):
        canonical.decode(data)


@given(VALUES)
def test_what_is_written_is_read_again(value: object):
    data = canonical.encode(value)

    assert canonical.decode(data) == value
    assert json.loads(data) == value


@given(VALUES, st.data())
def test_no_two_texts_have_one_value(value: object, draw: st.DataObject):
    data = canonical.encode(value)
    at, byte = draw.draw(st.integers(0, len(data) - 1)), draw.draw(st.integers(0, 255))
    other = data[:at] + bytes([byte]) + data[at + 1 :]

    try:
        read = canonical.decode(other)
    except Refused:
        return
    assert canonical.encode(read) == other
