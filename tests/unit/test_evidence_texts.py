"""The texts of evidence in four languages: all complete, alike in what they tell, and right in their plural forms."""

import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.evidence.saying import say
from dss.evidence.words import Words, plural
from dss.kernel.errors import Invalid
from dss.notify.model import LOCALES
from tests.world.proven import EVERYTHING, signed


def texts(language: str) -> dict[str, str]:
    """Every text of a language, by its dotted name."""
    file = resources.files("dss.evidence").joinpath(f"texts/{language}.toml")
    return dict(_flat(tomllib.loads(file.read_text(encoding="utf-8"))))


def _flat(table: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def places(template: str) -> set[str]:
    return {place for _, place, _, _ in Formatter().parse(template) if place is not None}


@pytest.mark.parametrize("language", LOCALES)
def test_every_language_has_the_same_texts_with_the_same_places(language: str) -> None:
    spoken = {name: places(text) for name, text in texts(language).items()}
    assert spoken == {name: places(text) for name, text in texts("en").items()}
    assert all(texts(language).values())


def test_no_text_is_left_in_another_language() -> None:
    """A word may be alike; a sentence is not."""
    for name, english in texts("en").items():
        if len(re.findall(r"(?<!\{)\b[a-z]{2,}", english)) > 2:
            assert len({texts(language)[name] for language in LOCALES}) == len(LOCALES), name


def test_every_text_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    used, text = set(), Words.text

    def noted(self: Words, section: str, name: str, /, **facts: object) -> str:
        used.add(f"{section}.{name}")
        return text(self, section, name, **facts)

    monkeypatch.setattr(Words, "text", noted)
    for proven in EVERYTHING:
        say(proven, "en")
    aside = ("report.", "given.", "counts.")  # what the report and the command say besides, and forms of nouns
    assert {name for name in used if not name.startswith(aside)} == {
        name for name in texts("en") if not name.startswith(aside)
    }


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("en", {"1 document": [1], "{} documents": [0, 2, 5, 11, 21, 100, 101]}),
        (
            "ru",
            {
                "{} документ": [1, 21, 101],
                "{} документа": [2, 3, 4, 22, 34, 102],
                "{} документов": [0, 5, 11, 12, 13, 14, 20, 25, 100, 111, 112],
            },
        ),
        (
            "uk",
            {
                "{} документ": [1, 21, 101],
                "{} документи": [2, 3, 4, 22, 34, 102],
                "{} документів": [0, 5, 11, 12, 13, 14, 20, 25, 100, 111, 112],
            },
        ),
        (
            "ro",
            {
                "1 document": [1],
                "{} documente": [0, 2, 10, 19, 101, 119],
                "{} de documente": [20, 21, 50, 99, 100, 120],
            },
        ),
    ],
)
def test_documents_are_counted_in_the_forms_of_the_language(language: str, forms: dict[str, list[int]]) -> None:
    words = Words.of(language)
    for form, numbers in forms.items():
        assert [words.count("documents", number) for number in numbers] == [form.format(number) for number in numbers]


@given(st.integers(0, 10**6))
def test_a_hundred_more_changes_no_form_in_slavic_languages(number: int) -> None:
    assert plural("ru", number) == plural("uk", number) == plural("ru", number + 100)


def test_a_language_that_is_not_spoken_is_refused() -> None:
    with pytest.raises(Invalid, match="en, ru, uk, ro"):
        say(signed(), "../en")
