"""The texts of a language, and how facts are set into them.

Texts of others are set into templates, and never are one.
Source: docs/evidence.md sections 3 and 4.
"""

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, Self

from dss.kernel.digest import Digest
from dss.kernel.errors import Invalid
from dss.kernel.text import BLANK, HIDDEN
from dss.notify.model import LOCALES


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of a language.

    texts: as they stand in texts/<language>.toml.
    """

    language: str
    texts: Mapping[str, Any]

    @classmethod
    def of(cls, language: str) -> Self:
        """Return the words of one of LOCALES. Raises Invalid."""
        if language not in LOCALES:
            raise Invalid(f"the language is not one of {', '.join(LOCALES)}")
        return cls(language, _texts(language))

    def text(self, section: str, name: str, /, **facts: object) -> str:
        """Return the text `name` of a section, as `proven.how`, with facts in its places."""
        found = self.texts
        for part in section.split("."):
            found = found[part]
        template: str = found[name]
        return template.format(**{place: shown(str(fact)) for place, fact in facts.items()})

    def count(self, thing: str, number: int) -> str:
        """Return so many of a thing of the section `counts`: 1 document, 2 documents."""
        return self.text(f"counts.{thing}", plural(self.language, number), count=number)


def moment(time: datetime) -> str:
    """Write a time as every reader takes it: year first, in UTC, whole seconds."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def shown(text: str) -> str:
    r"""Return text on one line with nothing hidden: line feeds as ¶, what a screen would not draw as \u202E."""
    return "".join(_visible(character) for character in text.replace("\n", " ¶ "))


def hash_name(digest: Digest) -> str:
    """Return the name of a hash algorithm as people write it: SHA-256."""
    return digest.name.replace("sha", "SHA-")


def plural(language: str, count: int) -> str:
    """Return which form a noun has beside a number: one, few or many. Source: the plural rules of Unicode CLDR."""
    ones, tens = count % 10, count % 100
    if language in {"ru", "uk"}:
        if ones == 1 and tens != 11:
            return "one"
        return "few" if 2 <= ones <= 4 and not 12 <= tens <= 14 else "many"
    if count == 1:
        return "one"
    return "few" if count == 0 or 1 <= tens <= 19 else "many"


def _visible(character: str) -> str:
    hidden = character in BLANK or unicodedata.category(character) in HIDDEN
    return f"\\u{ord(character):04X}" if hidden else character


@cache
def _texts(language: str) -> dict[str, Any]:
    texts = resources.files("dss.evidence").joinpath(f"texts/{language}.toml")
    return tomllib.loads(texts.read_text(encoding="utf-8"))
