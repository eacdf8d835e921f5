"""Text that a person is asked to trust: the phone shows all of it as it is, or refuses it.

Source: Unicode TR #36 section 3, UAX #9 section 2, UTS #39 sections 5.2 and 5.4.
"""

import re
import unicodedata
from itertools import groupby

# Controls, format characters (bidirectional and zero-width among them), surrogates, private use, line separators.
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
# Letters and marks that are drawn as nothing, and the blank Braille pattern (UAX #44, Default_Ignorable_Code_Point).
BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
MARKS_LIMIT = 4  # on one character: more run into the lines around
LOOK_ALIKE = {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "FULLWIDTH", "ROMAN"}
# East Asian writing, which uses no spaces, and signs of no script; ohm and micro also as Greek letters.
ANYWHERE = re.compile(
    "CJK|HIRAGANA|(HALFWIDTH )?KATAKANA|(HALFWIDTH )?HANGUL|BOPOMOFO|IDEOGRAPHIC|VERTICAL|MODIFIER|SUPERSCRIPT"
    "|FEMININE|MASCULINE|MICRO|GREEK CAPITAL LETTER OMEGA$|GREEK SMALL LETTER MU$"
)


def fault_in(text: str, limit: int, *, multiline: bool = False) -> str | None:
    """Return what is wrong with a text, as the end of a sentence, or None.

    limit: in characters; longer text is refused, never cut. multiline: whether line feeds may stand in it.
    """
    if len(text) > limit:
        return f"has {len(text)} characters, more than {limit}"
    for character in text:
        if _unseen(character) and not (multiline and character == "\n"):
            return f"has a character that would not be seen, U+{ord(character):04X}"
    return _pile_in(text) or _disguise_in(text)


def visible(text: str) -> str:
    """Return a text with every unseen character written as its code, so that none reaches the terminal."""
    return "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) in UNSEEN else c for c in text)


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in UNSEEN or BLANK.match(character) is not None


def _pile_in(text: str) -> str | None:
    for is_mark, pile in groupby(text, lambda one: unicodedata.category(one) in {"Mn", "Me"}):
        if is_mark and len(list(pile)) > MARKS_LIMIT:
            return f"has more than {MARKS_LIMIT} marks on one character"
    return None


def _disguise_in(text: str) -> str | None:
    """Return how letters pass for others: in another font, or of another script in one word."""
    for character in text:
        if "<font>" in unicodedata.decomposition(character):
            return f"has a character that imitates another, U+{ord(character):04X}"
    unmarked = (one for one in text if not unicodedata.category(one).startswith("M"))
    for is_word, letters in groupby(unmarked, _is_letter):
        scripts = {script: letter for letter in letters if (script := _script(letter))} if is_word else {}
        if len(scripts) > 1 and LOOK_ALIKE & set(scripts):
            *_, (script, letter) = scripts.items()
            others = " and ".join(one.capitalize() for one in scripts if one != script)
            return f"has {script.capitalize()} among {others} letters, U+{ord(letter):04X}"
    return None


def _is_letter(character: str) -> bool:
    return character.isalpha() or unicodedata.category(character) == "Nl"


def _script(letter: str) -> str | None:
    name = unicodedata.name(unicodedata.normalize("NFC", letter)[0], "UNNAMED")
    if ANYWHERE.match(name):
        return None
    return "ROMAN" if "ROMAN NUMERAL" in name else name.split()[0]
