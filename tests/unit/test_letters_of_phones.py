"""The letters that tell of phones and keys: what happened, and what to do if it was somebody else (T22)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from dss.notify import letters
from dss.notify.letters import Reader
from dss.notify.model import LOCALES, Letter

STOP_URL = "https://sign.example.com/stop/01KAJ9T8VX3N5Q7R9S1T2V4W6Y/q2V_-0"
KEY = "01KAJ9T8VX3N5Q7R9S1T2V4W70"
TIME, TOLD = datetime(2026, 3, 9, 10, 0, tzinfo=UTC), "2026-03-09 10:00 UTC"
REASONS = ("pin", "clone", "owner", "operator")
CHANGES = ("suspended", "resumed", "revoked", "destroyed", "replaced", "password")

Written = Callable[[Reader, str], Letter]

WITH_LINK: dict[str, Written] = {
    "new": lambda reader, phone: letters.new_device_letter(reader, phone, STOP_URL),
    "waiting": lambda reader, phone: letters.waiting_phone_letter(reader, phone, TIME, STOP_URL),
    "shared": lambda reader, phone: letters.shared_letter(reader, phone, STOP_URL),
    "unlocked": lambda reader, phone: letters.phone_unlocked_letter(reader, phone, STOP_URL),
    "new PIN": lambda reader, phone: letters.pin_changed_letter(reader, phone, STOP_URL),
}


def locked(why: str, until: datetime | None) -> Written:
    return lambda reader, phone: letters.phone_locked_letter(reader, phone, why, until)


def changed(what: str) -> Written:
    return lambda reader, key: letters.key_changed_letter(reader, key, what)


WITHOUT_LINK: dict[str, Written] = {
    "removed": lambda reader, phone: letters.phone_removed_letter(reader, phone, 0),
    "removed, the last": lambda reader, phone: letters.phone_removed_letter(reader, phone, 2),
    **{f"locked, {why}": locked(why, None) for why in REASONS},
    "locked for a time": locked("pin", TIME),
    **{f"key {what}": changed(what) for what in CHANGES},
}
ALL = WITH_LINK | WITHOUT_LINK

in_every_language = pytest.mark.parametrize("locale", LOCALES)
every_letter = pytest.mark.parametrize("kind", ALL)


def reader(locale: str = "en", name: str = "Olena") -> Reader:
    return Reader("olena@example.com", locale, name)


def english(kind: str) -> str:
    return ALL[kind](reader(), "Pixel 9").body


@in_every_language
@every_letter
def test_a_letter_greets_its_reader_and_names_the_phone_or_key_on_its_own_line(locale, kind):
    letter = ALL[kind](reader(locale, "Олена {device}"), "Pixel {0} {name}")

    assert letter.recipient == "olena@example.com"
    assert "Олена {device}" in letter.body.partition("\n")[0]
    assert "\n\n    Pixel {0} {name}\n\n" in letter.body


@in_every_language
@every_letter
def test_no_place_of_a_letter_is_left_unfilled(locale, kind):
    letter = ALL[kind](reader(locale), "Pixel 9")

    assert not re.search("[{}]", letter.subject + letter.body)
    assert "\n" not in letter.subject
    assert letter.attachments == ()


@in_every_language
def test_every_letter_has_words_of_its_own(locale):
    written = [ALL[kind](reader(locale), "Pixel 9") for kind in ALL]

    assert len({letter.body for letter in written}) == len(ALL)


@every_letter
def test_every_language_has_words_of_its_own(kind):
    written = [ALL[kind](reader(locale), "Pixel 9") for locale in LOCALES]

    assert len({letter.subject for letter in written}) == len({letter.body for letter in written}) == len(LOCALES)


@in_every_language
@pytest.mark.parametrize("kind", WITH_LINK)
def test_t22_the_stop_link_in_the_readers_language_stands_once_and_alone_on_its_line(locale, kind):
    """T22: who did not register the phone stops it from the letter."""
    body = ALL[kind](reader(locale), "Pixel 9").body

    assert f"\n\n{STOP_URL}?lang={locale}\n\n" in body
    assert body.count("://") == 1


@in_every_language
@pytest.mark.parametrize("kind", WITHOUT_LINK)
def test_where_nothing_can_be_stopped_there_is_no_link(locale, kind):
    assert "://" not in ALL[kind](reader(locale), "Pixel 9").body


@in_every_language
def test_t22_the_letter_of_a_further_phone_says_until_when_it_can_do_nothing(locale):
    assert TOLD in ALL["waiting"](reader(locale), "Pixel 9").body
    assert f"Until {TOLD} it can do nothing" in english("waiting")


@in_every_language
def test_the_letter_of_a_lock_that_ends_says_when(locale):
    assert TOLD in ALL["locked for a time"](reader(locale), "Pixel 9").body
    assert f"from {TOLD}" in english("locked for a time")
    assert "until the operator helps you" in english("locked, pin")


@in_every_language
def test_a_last_phone_takes_its_keys_with_it_and_the_letter_counts_them(locale):
    body = ALL["removed, the last"](reader(locale), "Pixel 9").body

    assert "(2)" in body
    assert body.count("\n\n") == ALL["removed"](reader(locale), "Pixel 9").body.count("\n\n") + 1


def test_it_is_said_plainly_that_destroyed_keys_are_gone_and_what_they_signed_is_not():
    assert "are destroyed: nobody can use or restore them." in english("removed, the last")
    assert "What they signed before stays valid." in english("removed, the last")
    assert "ask the operator for a new key" in english("removed, the last")
    assert "destroyed" not in english("removed")


def test_a_first_phone_works_at_once_and_a_further_one_does_not():
    assert "It works from now on" in english("new")
    assert "It works from now on" not in english("waiting")
