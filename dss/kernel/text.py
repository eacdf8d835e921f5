"""Text that a person is asked to trust: what is shown must be all there is, and no letter may pass for another."""

import unicodedata

from dss.kernel.errors import DeceptiveText, Invalid

# Categories of Unicode chapter 4.5; Cf holds bidirectional controls, zero-width joiners and the byte order mark.
HIDDEN = {
    "Cc": "a control character",
    "Cf": "an invisible or bidirectional format character",
    "Cs": "a lone surrogate",
    "Co": "a private-use character",
    "Cn": "an unassigned character",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}
# Drawn as nothing though their category is that of a letter, a mark or a symbol
# (Default_Ignorable_Code_Point of UAX #44, and the blank Braille pattern).
BLANK = frozenset(
    chr(point)
    for first, last in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    )
    for point in range(first, last + 1)
)
MOST_MARKS = 4  # on one character; more are drawn over the lines above and below (UTS #39 section 5.4)
# A letter's script is the first word of its character's name. These have letters that look the same; fullwidth Latin
# and the signs of Roman numerals are like scripts of their own.
ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "FULLWIDTH", "ROMAN"})
# What stands beside letters of any script: East Asian writing, which has no spaces and looks like none of the above
# (UTS #39 section 5.2, Highly Restrictive), modifier letters, ordinal indicators, and the signs of micro and ohm,
# the last two also as the Greek letters that keyboards and NFC make of them.
BESIDE_ANY = frozenset(
    {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HALFWIDTH", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "VERTICAL"}
    | {"MODIFIER", "SUPERSCRIPT", "FEMININE", "MASCULINE", "MICRO"}
)
UNITS = frozenset("\N{GREEK CAPITAL LETTER OMEGA}\N{GREEK SMALL LETTER MU}")


def require_plain(text: str, limit: int, what: str, *, multiline: bool = False) -> None:
    """Accept text only if it is visible and no letter or mark in it deceives; nothing is cut, cleaned or normalised.

    A word is letters and their marks without anything between: a hyphen, an apostrophe or a digit ends it.
    Raises Invalid and DeceptiveText as `require_visible`, and DeceptiveText on a word that mixes Latin, Cyrillic, Greek
    or Armenian letters with those of another script, on letters that imitate others in another font, and on more than
    four marks on one character. Source: Unicode UTS #39 sections 5.2 and 5.4.
    """
    require_visible(text, limit, what, multiline=multiline)
    if text.isascii():
        return
    for found in (_crowded(text), _disguised(text)):
        if found:
            place, fault = found
            raise _refusal(what, fault, text, place)


def require_visible(text: str, limit: int, what: str, *, multiline: bool = False) -> None:
    """Accept text only if a screen shows all of it, as it is: the form of what phones signed, taken or read again.

    limit:     in characters (code points).
    what:      the text's name in the sentence of the error, as `the file name`.
    multiline: whether line feeds may stand in it.
    Raises Invalid if it is longer, and DeceptiveText on control, format (bidirectional, zero-width), blank, private-use
    and unassigned characters, and on lone surrogates. Source: Unicode TR #36 section 3, UAX #9 section 2.
    """
    if len(text) > limit:
        raise Invalid(f"{what} has {len(text)} characters; the limit is {limit}")
    for place, character in enumerate(text):
        if character == "\n" and multiline:
            continue
        fault = _unseen(character)
        if fault:
            raise _refusal(what, fault, text, place)


def _refusal(what: str, fault: str, text: str, place: int) -> DeceptiveText:
    return DeceptiveText(f"{what} has {fault}, U+{ord(text[place]):04X}, at character {place + 1}")


def _unseen(character: str) -> str | None:
    if character in BLANK:
        return "an invisible character"
    return HIDDEN.get(unicodedata.category(character))


def _crowded(text: str) -> tuple[int, str] | None:
    marks = 0
    for place, character in enumerate(text):
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks > MOST_MARKS:
            return place, f"more than {MOST_MARKS} marks on one character"
    return None


def _disguised(text: str) -> tuple[int, str] | None:
    """Return the place of the first letter or digit that deceives, and how."""
    of_word = ""
    for place, character in enumerate(text):
        category = unicodedata.category(character)
        if unicodedata.decomposition(character).startswith("<font>"):
            return place, "a character that imitates another"
        if category[0] == "L" or category == "Nl":
            script = _script(character)
            if script and of_word not in {"", script} and {script, of_word} & ALIKE:
                return place, f"{script.capitalize()} among {of_word.capitalize()} letters"
            of_word = of_word or script
        elif category[0] != "M":
            of_word = ""
    return None


def _script(letter: str) -> str:
    # The signs of kelvin and angstrom are Latin letters in NFC.
    composed = unicodedata.normalize("NFC", letter)
    if composed in UNITS:
        return ""
    script = unicodedata.name(composed[0], "UNNAMED").removeprefix("SMALL ").partition(" ")[0]
    return "" if script in BESIDE_ANY else script
