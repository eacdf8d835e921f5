"""Canonical JSON: one text for one value (RFC 8785, RFC 7493)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.kernel import canonical
from dss.kernel.errors import BadRequest

SIMPLE = st.none() | st.booleans() | st.integers(-canonical.LARGEST, canonical.LARGEST) | st.text()
VALUES = st.recursive(SIMPLE, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def test_members_are_sorted_by_utf_16_code_units() -> None:
    """RFC 8785 section 3.2.3: the emoji, outside the basic plane, comes before a letter that is within it."""
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical.encode(value))) == order


def test_texts_are_escaped_as_the_rfc_shows() -> None:
    """RFC 8785 sections 3.2.2 and 3.2.4, as far as its example has no fractions."""
    value = {"string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/", "literals": [None, True, False]}
    written = canonical.encode(value)
    assert written.startswith(b'{"literals":[null,true,false],"string":')
    text = written.removeprefix(b'{"literals":[null,true,false],"string":').removesuffix(b"}")
    assert text == bytes.fromhex("22 e282ac 24 5c7530303066 5c6e 41 27 42 5c22 5c5c 5c5c 5c22 2f 22")


ESCAPES = {
    "\b": r"\b",
    "\t": r"\t",
    "\n": r"\n",
    "\f": r"\f",
    "\r": r"\r",
    "\x00": r"\u0000",
    "\x1f": r"\u001f",
    "\x7f": "\x7f",
}


@pytest.mark.parametrize(("control", "escape"), ESCAPES.items())
def test_control_characters_have_their_one_escape(control: str, escape: str) -> None:
    """RFC 8785 section 3.2.2.2."""
    assert canonical.encode(control).decode() == f'"{escape}"'


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert canonical.decode(canonical.encode(value)) == value


@given(VALUES)
def test_another_writing_of_the_same_value_is_refused(value: Any) -> None:
    written = canonical.encode(value)
    other = json.dumps(value, indent=1).encode()
    if other != written:
        with pytest.raises(BadRequest):
            canonical.decode(other)


@given(st.binary(max_size=64) | st.text(max_size=64).map(str.encode))
def test_no_input_fails_in_another_way(text: bytes) -> None:
    try:
        value = canonical.decode(text)
    except BadRequest:
        return
    assert canonical.encode(value) == text


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":1}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b"-0",
        b"1.0",
        b"1e3",
        b"NaN",
        b"9007199254740992",
        b"1" * 5000,
        b'"\\u0041"',
        b'"\\/"',
        b'"\\ud83d"',
        b"\xef\xbb\xbf1",
        b'"\xff"',
        b"[" * 100_000,
        b"[" * 33 + b"]" * 33,
        b"",
    ],
)
def test_duplicates_other_orders_fractions_and_malformed_texts_are_refused(text: bytes) -> None:
    """T61."""
    with pytest.raises(BadRequest):
        canonical.decode(text)


@pytest.mark.parametrize("value", [1.5, 2**53, -(2**53), "\ud800", {"\udc00": 1}, {1: 2}, b"bytes", {"a": {1, 2}}])
def test_what_has_no_canonical_form_is_not_written(value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the codec's own kind included
        canonical.encode(value)
