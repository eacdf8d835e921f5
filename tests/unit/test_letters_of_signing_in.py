"""The letters of signing in: passwords, new browsers, and sign-ins that were somebody else's."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from dss.notify import letters
from dss.notify.model import LOCALES, Letter, Reader

LINK = "https://sign.example.com/signin/password/01KAJ9T8VX3N5Q7R9S1T2V4W6Y.q2V_-0"
TIME, TOLD = datetime(2026, 3, 9, 10, 0, tzinfo=UTC), "2026-03-09 10:00 UTC"

ALL: dict[str, Callable[[Reader], Letter]] = {
    "link": lambda reader: letters.password_letter(reader, LINK, TIME),
    "set": lambda reader: letters.password_set_letter(reader, TIME),
    "ended": lambda reader: letters.password_ended_letter(reader, TIME),
    "new browser": lambda reader: letters.new_browser_letter(reader, "Firefox {0}", "192.0.2.1", TIME),
    "app added": lambda reader: letters.factor_added_letter(reader, "totp", "", TIME),
    "app removed": lambda reader: letters.factor_removed_letter(reader, "totp", "", TIME),
    "passkey added": lambda reader: letters.factor_added_letter(reader, "passkey", "Key {0}", TIME),
    "passkey removed": lambda reader: letters.factor_removed_letter(reader, "passkey", "Key {0}", TIME),
    "operators": lambda reader: letters.not_my_login_letter(reader, "olena"),
}
NAMING = {"new browser", "passkey added", "passkey removed"}
in_every_language = pytest.mark.parametrize("locale", LOCALES)
every_letter = pytest.mark.parametrize("kind", ALL)


def reader(locale: str) -> Reader:
    return Reader("olena@example.com", locale, "Олена {link}")


@in_every_language
@every_letter
def test_a_letter_goes_to_its_reader_and_says_when(locale: str, kind: str):
    letter = ALL[kind](reader(locale))

    assert letter.recipient == "olena@example.com"
    assert "\n" not in letter.subject
    if kind != "operators":
        assert "Олена {link}" in letter.body.partition("\n")[0]
        assert TOLD in letter.body


@in_every_language
@every_letter
def test_no_place_of_a_letter_is_left_unfilled(locale: str, kind: str):
    letter = ALL[kind](Reader("olena@example.com", locale, "Olena"))
    assert re.findall("[{][^}]*[}]", letter.subject + letter.body) == (["{0}"] if kind in NAMING else [])


@in_every_language
def test_the_link_that_sets_a_password_stands_alone_on_its_line_and_in_no_other_letter(locale: str):
    assert f"\n\n{LINK}\n\n" in ALL["link"](reader(locale)).body
    assert [kind for kind, build in ALL.items() if "://" in build(reader(locale)).body] == ["link"]


@in_every_language
def test_a_new_browser_is_named_by_its_own_word_and_its_address(locale: str):
    """T04: its word is set into the letter, and never is a template."""
    body = ALL["new browser"](reader(locale)).body
    assert "\n\n    Firefox {0}\n\n" in body
    assert "192.0.2.1" in body
    silent = letters.new_browser_letter(reader(locale), "", "192.0.2.1", TIME).body
    assert re.search(r"\n\n    \(.+\)\n\n", silent)


@in_every_language
def test_operators_are_told_who_it_was_and_where_the_log_tells_of_it(locale: str):
    body = ALL["operators"](reader(locale)).body
    assert "\n    olena\n" in body
    assert "password.distrusted" in body


@every_letter
def test_every_language_says_it_in_words_of_its_own(kind: str):
    assert len({ALL[kind](reader(locale)).subject for locale in LOCALES}) == len(LOCALES)
