"""The catalogues of the pages: whole, fitting the templates, and with the plurals of their languages."""

import re
from importlib import resources
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from dss.notify.model import LOCALES
from dss.web.pages.catalogues import SOURCE, TRANSLATED, catalogue, translations

TEMPLATES = Path(str(resources.files("dss.web.pages"))) / "templates"
METHODS = [("**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"**.html": {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}}
PLACE = re.compile(r"%\(\w+\)s")


def extracted() -> set[str | tuple[str, ...]]:
    """Return the messages of all templates; a plural one as the tuple of both its forms."""
    return {message for _, _, message, _, _ in extract_from_dir(str(TEMPLATES), METHODS, OPTIONS)}


def messages(locale: str) -> dict[str | tuple[str, ...], Message]:
    with catalogue(locale).open("rb") as written:
        read: Catalog = read_po(written, locale=locale, abort_invalid=True)
    return {tuple(m.id) if isinstance(m.id, (tuple, list)) else m.id: m for m in read if m.id}


def forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def test_the_templates_have_messages():
    assert len(extracted()) > 100
    assert {SOURCE, *TRANSLATED} == set(LOCALES)


@pytest.mark.parametrize("locale", TRANSLATED)
def test_a_catalogue_has_the_messages_of_the_templates_and_no_others(locale):
    assert set(messages(locale)) == extracted()


@pytest.mark.parametrize("locale", TRANSLATED)
def test_no_message_is_untranslated_or_uncertain(locale):
    bad = [key for key, message in messages(locale).items() if message.fuzzy or not all(forms(message))]

    assert bad == []


@pytest.mark.parametrize("locale", TRANSLATED)
def test_a_translation_names_what_the_message_names(locale):
    for key, message in messages(locale).items():
        expected = set(PLACE.findall(key if isinstance(key, str) else key[1]))
        assert [form for form in forms(message) if set(PLACE.findall(form)) != expected] == []


@pytest.mark.parametrize("locale", TRANSLATED)
def test_a_translation_ends_as_the_message_does(locale):
    for key, message in messages(locale).items():
        ends = (key if isinstance(key, str) else key[1])[-1]
        if ends in ".?":
            assert [form for form in forms(message) if not form.endswith(ends)] == []


@pytest.mark.parametrize(
    ("locale", "counts"),
    [
        ("en", {1: "1 document", 2: "2 documents", 21: "21 documents"}),
        ("ru", {1: "1 документ", 3: "3 документа", 5: "5 документов", 21: "21 документ"}),
        ("uk", {1: "1 документ", 3: "3 документи", 5: "5 документів", 21: "21 документ"}),
        ("ro", {1: "1 document", 3: "3 documente", 19: "19 documente", 21: "21 de documente"}),
    ],
)
def test_plurals_are_those_of_the_language(locale, counts):
    words = translations(locale)

    for count, expected in counts.items():
        shown = words.ngettext("%(count)s document", "%(count)s documents", count) % {"count": count}
        assert shown == expected
