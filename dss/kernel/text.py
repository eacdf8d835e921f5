"""Text that a person is asked to trust: what is shown must be all there is."""

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


def require_plain(text: str, limit: int, what: str, *, multiline: bool = False) -> None:
    """Accept text only if a screen shows all of it, as it is; nothing is cut or cleaned.

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
        fault = _fault(character)
        if fault:
            raise DeceptiveText(f"{what} has {fault}, U+{ord(character):04X}, at character {place + 1}")


def _fault(character: str) -> str | None:
    if character in BLANK:
        return "an invisible character"
    return HIDDEN.get(unicodedata.category(character))
