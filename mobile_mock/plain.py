"""Text that a person is asked to trust: the phone shows all of it as it is, or refuses it.

Source: Unicode TR #36 section 3, UAX #9 section 2.
"""

import unicodedata

# Controls, format characters (bidirectional and zero-width among them), surrogates, private use, line separators.
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def fault_in(text: str, limit: int, *, multiline: bool = False) -> str | None:
    """Return what is wrong with a text, as the end of a sentence, or None.

    limit: in characters; longer text is refused, never cut. multiline: whether line feeds may stand in it.
    """
    if len(text) > limit:
        return f"has {len(text)} characters, more than {limit}"
    for character in text:
        if unicodedata.category(character) in UNSEEN and not (multiline and character == "\n"):
            return f"has a character that would not be seen, U+{ord(character):04X}"
    return None


def visible(text: str) -> str:
    """Return a text with every unseen character written as its code, so that none reaches the terminal."""
    return "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) in UNSEEN else c for c in text)
