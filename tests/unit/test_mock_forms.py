"""docs/device-protocol.md section 1: one text for one value."""

from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobile_mock.errors import Difference
from mobile_mock.forms import b64url, binding, canonical, read_b64url, read_canonical, read_time, time_text
from mobile_mock.plain import fault_in, visible

NUMBERS = st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(VALUES)
def test_canonical_json_is_read_back_as_it_was_written(value):
    """RFC 8785."""
    assert read_canonical(canonical(value)) == value


@settings(deadline=None)
@given(st.binary(max_size=40) | st.text('{}[]":, 0123456789-+.eE\\utrfalsn', max_size=30).map(str.encode))
def test_what_is_read_as_canonical_json_would_be_written_so_again(text):
    try:
        value = read_canonical(text)
    except Difference:
        return
    assert canonical(value) == text


def test_members_stand_in_the_order_of_utf_16():
    """RFC 8785 section 3.2.3: its own example of sorting."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]

    assert list(read_canonical(canonical(dict.fromkeys(names)))) == [
        *("\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        *(b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'{"a": 1}', b'{"a":1}\n', b'{"a":"\\u0041"}', b'{"a":"\\/"}'),
        *(b"1.0", b"1e3", b"-0", b"01", b"9007199254740992", b"NaN", b"Infinity", b'"\\ud800"', b"\xff", b""),
        b"[" * 40 + b"]" * 40,
        b"[" * 100_000,
    ],
)
def test_json_in_any_other_form_is_refused(text):
    with pytest.raises(Difference):
        read_canonical(text)


@settings(deadline=None)
@given(st.binary(max_size=70))
def test_base64url_is_read_back_as_it_was_written(value):
    assert read_b64url(b64url(value)) == value


@pytest.mark.parametrize("text", ["AA==", "AB", "A", "A+/A", "AA A", "AAA\n", "\u00e4AAA"])
def test_base64url_in_any_other_form_is_refused(text):
    """RFC 7515 section 2: no padding; nothing malleable."""
    with pytest.raises(Difference):
        read_b64url(text)


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_read_back_to_the_second(moment):
    assert read_time(time_text(moment)) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    "text", ["2026-03-02T09:00:00+00:00", "2026-03-02T09:00:00.5Z", "2026-03-02 09:00:00Z", "2026-3-2T09:00:00Z", ""]
)
def test_a_time_in_any_other_form_is_refused(text):
    with pytest.raises(Difference):
        read_time(text)


def test_bindings_of_different_labels_differ():
    assert binding("dss/offer/v1", b"{}") != binding("dss/confirmation/v1", b"{}")


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\r", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\ue000"]
)
def test_text_that_a_screen_would_not_show_is_found_and_never_reaches_the_terminal(character):
    """T04: shown is what is signed."""
    text = f"100{character}1"

    assert "would not be seen" in str(fault_in(text, 10))
    assert character not in visible(text)


def test_text_that_is_too_long_is_refused_and_never_cut():
    """T04."""
    assert fault_in("x" * 10, 10) is None
    assert "more than 10" in str(fault_in("x" * 11, 10))


def test_line_feeds_are_seen_only_where_lines_are_shown():
    assert fault_in("a\nb", 10, multiline=True) is None
    assert fault_in("a\nb", 10) is not None
