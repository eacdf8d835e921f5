"""The letters about who may ask a signer: to the operators, and to the signer."""

import pytest

from dss.notify import letters
from dss.notify.model import LOCALES, Letter, Reader

NAME = "{signer} & Söhne {0}"


def not_me(locale: str, *, stopped: bool = True) -> Letter:
    return letters.not_me_letter(Reader("duty@example.org", locale, ""), "alice", NAME, stopped=stopped)


@pytest.mark.parametrize("locale", LOCALES)
def test_operators_are_told_who_was_asked_by_whom_and_where_the_log_tells_of_it(locale: str) -> None:
    letter = not_me(locale)
    assert letter.recipient == "duty@example.org"
    assert all(word in letter.body for word in ("\n    alice\n", f"\n    {NAME}\n", "alarm.not_me"))


@pytest.mark.parametrize("locale", LOCALES)
def test_they_are_told_that_an_application_is_stopped_only_where_one_is(locale: str) -> None:
    assert len(not_me(locale, stopped=False).body.split("\n\n")) == len(not_me(locale).body.split("\n\n")) - 1


@pytest.mark.parametrize("locale", LOCALES)
def test_the_signer_is_told_which_application_may_ask_again(locale: str) -> None:
    letter = letters.application_allowed_letter(Reader("alice@example.org", locale, "Alice Example"), NAME)
    assert "Alice Example" in letter.body
    assert f"\n    {NAME}\n" in letter.body


def test_every_language_says_it_in_words_of_its_own() -> None:
    assert len({not_me(locale).subject for locale in LOCALES}) == len(LOCALES)
