"""Text that people are asked to trust is taken only if a screen shows all of it, and no letter of it deceives (T04)."""

# ruff: noqa: RUF001, letters that pass for others are what is tested
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.kernel.errors import DeceptiveText, Invalid
from dss.kernel.text import require_plain, require_visible
from mobile_mock.plain import fault_in

PLAIN = [
    *("", "Договор № 12", "contract (final).pdf", "合同", "e\N{COMBINING ACUTE ACCENT}", "✔", "हिन्दी", "שָׁלוֹם", "Տեքստ"),
    # Two scripts in a text, each in words of its own.
    *("Договор Contract", "IT-отдел", "iPhone'ом", "iPhone’ом", "счёт_final.pdf", "α-излучение", "PDF/договор"),
    # A digit ends a word.
    *("ВТБ24", "№5а", "2А", "M5кл", "Covid19а"),
    # East Asian writing has no spaces.
    *("Tシャツ", "株式会社ABC", "ＮＴＴ西日本", "ｱｲﾌｫﾝX", "한글Word", "договор合同", "カタカナとひらがなと漢字"),
    # Letters that are signs of no script.
    *("5 µm", "5 \N{GREEK SMALL LETTER MU}m", "10kΩ", "10k\N{OHM SIGN}", "1ª", "Nº", "кв.мⁿ", "зʼїзд", "п.Ⅳ", "ⅩⅡ"),
    # Marks belong to their letters, composed or not.
    *("Ду\N{COMBINING BREVE}шанбе", "Москва\N{COMBINING ACUTE ACCENT}", "Việt Nam", "ﬁnance"),
]


@pytest.mark.parametrize("text", PLAIN)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_plain_text_of_any_script_is_taken(text, form):
    require_plain(text, 255, "the file name")
    require_plain(unicodedata.normalize(form, text), 255, "the file name")


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p\N{CYRILLIC SMALL LETTER A}ypal", "Cyrillic among Latin letters, U+0430, at character 2"),
        ("для \N{LATIN CAPITAL LETTER C}бербанка", "Cyrillic among Latin letters, U+0431, at character 6"),
        ("контраκт", "Greek among Cyrillic letters, U+03BA, at character 7"),
        ("fօrm", "Armenian among Latin letters, U+0585, at character 2"),
        ("Βanca", "Latin among Greek letters, U+0061, at character 2"),
        ("Ꭺlpha", "Latin among Cherokee letters, U+006C, at character 2"),
        ("ａlpha", "Latin among Fullwidth letters, U+006C, at character 2"),
        ("paypaⅼ", "Roman among Latin letters, U+217C, at character 6"),
        ("Ⅳб", "Cyrillic among Roman letters, U+0431, at character 2"),
        ("PDFملف", "Arabic among Latin letters, U+0645, at character 4"),
        ("\N{KELVIN SIGN}лиент", "Cyrillic among Latin letters, U+043B, at character 2"),
        # A mark does not part two letters, and what stands beside any script does not either.
        (
            "p\N{COMBINING DOT BELOW}\N{CYRILLIC SMALL LETTER A}y",
            "Cyrillic among Latin letters, U+0430, at character 3",
        ),
        ("P合\N{CYRILLIC SMALL LETTER A}y", "Cyrillic among Latin letters, U+0430, at character 3"),
        ("𝐩𝐚𝐲", "a character that imitates another, U+1D429, at character 1"),
        ("за 𝟏00", "a character that imitates another, U+1D7CF, at character 4"),
        ("ℝ", "a character that imitates another, U+211D, at character 1"),
        ("a" + "\N{COMBINING GRAVE ACCENT}" * 5, "more than 4 marks on one character, U+0300, at character 6"),
    ],
)
def test_a_letter_that_passes_for_another_is_refused_and_named_with_its_place(text, said):
    """T04. Unicode UTS #39 sections 5.2 and 5.4."""
    with pytest.raises(DeceptiveText) as refusal:
        require_plain(text, 255, "the file name")

    assert refusal.value.detail == f"the file name has {said}"


def test_four_marks_on_a_character_are_taken():
    require_plain("a" + "\N{COMBINING GRAVE ACCENT}" * 4, 255, "the file name")


@pytest.mark.parametrize("text", ["p\N{CYRILLIC SMALL LETTER A}ypal", "𝐩𝐚𝐲", "a" + "\N{COMBINING GRAVE ACCENT}" * 5])
def test_what_was_taken_before_letters_were_compared_is_still_read(text):
    """What a phone signed then is evidence now."""
    require_visible(text, 255, "the reason")


@pytest.mark.parametrize("text", PLAIN)
def test_the_phone_shows_plain_text_of_any_script(text):
    assert fault_in(text, 255) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p\N{CYRILLIC SMALL LETTER A}ypal", "has Cyrillic among Latin letters, U+0430"),
        ("paypaⅼ", "has Roman among Latin letters, U+217C"),
        ("𝐩𝐚𝐲", "has a character that imitates another, U+1D429"),
        ("a" + "\N{COMBINING GRAVE ACCENT}" * 5, "has more than 4 marks on one character"),
        ("a\N{HANGUL FILLER}", "has a character that would not be seen, U+3164"),
    ],
)
def test_the_phone_refuses_to_show_what_deceives(text, said):
    """T04, T15: the phone asks no server what it may show."""
    assert fault_in(text, 255) == said


@given(st.text(st.characters(exclude_categories=("Cn",)) | st.sampled_from("aаαaA5-µΩ合Ⅳ\u0301ա")))
def test_phone_and_server_agree_on_what_may_be_shown(text):
    """Each has the rule of its own; what the server takes, the phone shows."""
    try:
        require_plain(text, 1000, "the text")
    except DeceptiveText:
        assert fault_in(text, 1000) is not None
    else:
        assert fault_in(text, 1000) is None


def test_no_letter_of_unicode_is_judged_differently_by_phone_and_server():
    """Each letter beside a Latin one."""
    for letter in map(chr, range(0x110000)):
        if unicodedata.category(letter)[0] not in "LMN":
            continue
        try:
            require_plain("a" + letter, 2, "the text")
        except DeceptiveText:
            assert fault_in("a" + letter, 2), ascii(letter)
        else:
            assert not fault_in("a" + letter, 2), ascii(letter)
