"""Text that people are asked to trust is taken only if a screen shows all of it (T04)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.kernel.errors import DeceptiveText, Invalid
from dss.kernel.text import require_plain


@pytest.mark.parametrize(
    "text", ["", "Договір № 12", "contract (final).pdf", "合同", "e\N{COMBINING ACUTE ACCENT}", "✔"]
)
def test_plain_text_of_any_script_is_taken(text):
    require_plain(text, 255, "the file name")


@pytest.mark.parametrize(
    ("character", "said"),
    [
        ("\x00", "a control character, U+0000"),
        ("\x1b", "a control character, U+001B"),
        ("\x7f", "a control character, U+007F"),
        ("\t", "a control character, U+0009"),
        ("\n", "a control character, U+000A"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}", "an invisible or bidirectional format character, U+202E"),
        ("\N{FIRST STRONG ISOLATE}", "an invisible or bidirectional format character, U+2068"),
        ("\N{ZERO WIDTH SPACE}", "an invisible or bidirectional format character, U+200B"),
        ("\N{ZERO WIDTH NO-BREAK SPACE}", "an invisible or bidirectional format character, U+FEFF"),
        ("\N{SOFT HYPHEN}", "an invisible or bidirectional format character, U+00AD"),
        ("\N{TAG LATIN SMALL LETTER A}", "an invisible or bidirectional format character, U+E0061"),
        ("\N{HANGUL FILLER}", "an invisible character, U+3164"),
        ("\N{BRAILLE PATTERN BLANK}", "an invisible character, U+2800"),
        ("\N{VARIATION SELECTOR-16}", "an invisible character, U+FE0F"),
        ("\N{LINE SEPARATOR}", "a line separator, U+2028"),
        ("\N{PARAGRAPH SEPARATOR}", "a paragraph separator, U+2029"),
        ("\ue000", "a private-use character, U+E000"),
        ("\u0378", "an unassigned character, U+0378"),
        ("\ud800", "a lone surrogate, U+D800"),
    ],
)
def test_a_character_that_hides_or_reorders_is_refused_and_named(character, said):
    with pytest.raises(DeceptiveText) as refusal:
        require_plain(f"ab{character}c", 255, "the file name")

    assert refusal.value.detail == f"the file name has {said}, at character 3"


def test_text_at_the_limit_is_taken_and_longer_text_is_refused_never_cut():
    require_plain("я" * 255, 255, "the file name")

    with pytest.raises(Invalid, match="the file name has 256 characters; the limit is 255"):
        require_plain("я" * 256, 255, "the file name")


def test_line_feeds_stand_in_text_of_several_lines_only():
    require_plain("one\ntwo", 100, "the text", multiline=True)

    with pytest.raises(DeceptiveText):
        require_plain("one\r\ntwo", 100, "the text", multiline=True)


@given(st.text())
def test_what_is_taken_has_no_character_of_a_hidden_category(text):
    try:
        require_plain(text, 1000, "the text")
    except DeceptiveText:
        return
    assert {unicodedata.category(character) for character in text}.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn"})
