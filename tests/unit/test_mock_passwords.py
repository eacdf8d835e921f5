"""docs/device-protocol.md section 6: which passwords a key may have (Q8), and what is made of one."""

from contextlib import suppress

import pytest
from argon2.low_level import Type, hash_secret_raw
from hypothesis import given, settings
from hypothesis import strategies as st

from mobile_mock import passwords
from mobile_mock.errors import BadInput
from mobile_mock.passwords import Recipe

RECIPE = Recipe(b"a" * 16, 19_456, 2, 1)


@pytest.mark.parametrize("password", ["abcDEF12", "Passw0rd", "1aA     ", "Ж-12345aA", "caf\u00e9CAFE1"])
def test_eight_characters_with_digits_and_both_cases_of_latin_letters_are_a_password(password):
    passwords.require_acceptable(password)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "abcDE12",
        "abcdef12",
        "ABCDEF12",
        "abcdEFGH",
        "жшфщ1234",
        "ЖШФЩжшфщ12",
        "abcDEF\u0661\u0662",
        "\u00c9\u00e9123456",
    ],
    ids=ascii,
)
def test_a_password_without_one_of_them_is_refused(password):
    """Q8: all of them are mandatory; letters and digits of other scripts count as neither."""
    with pytest.raises(BadInput, match="8 characters"):
        passwords.require_acceptable(password)


@pytest.mark.parametrize("password", ["cafe\u0301CAFE1", "abcDEF12\ud800"], ids=ascii)
def test_a_password_that_is_not_one_text_in_nfc_is_refused_and_never_stretched(password):
    """T61: typed on another keyboard it would be another password."""
    with pytest.raises(BadInput):
        passwords.require_acceptable(password)
    with pytest.raises(BadInput):
        passwords.stretch(password, RECIPE)


@settings(deadline=None)
@given(st.text())
def test_a_refusal_never_repeats_the_password(password):
    with suppress(BadInput):
        passwords.require_acceptable(password)
        return
    with pytest.raises(BadInput) as refusal:
        passwords.require_acceptable(password)
    assert len(password) < 3 or password not in str(refusal.value)


@pytest.mark.parametrize("recipe", [RECIPE, Recipe(b"b" * 16, 20_000, 1, 2)])
def test_a_password_becomes_32_bytes_by_argon2id(recipe):
    """RFC 9106, by another implementation than the phone's."""
    expected = hash_secret_raw(
        "caf\u00e9CAFE1".encode(), recipe.salt, recipe.passes, recipe.memory_kib, recipe.lanes, 32, Type.ID
    )

    assert passwords.stretch("caf\u00e9CAFE1", recipe) == expected


def test_a_machine_without_the_memory_says_so(monkeypatch):
    class Short:
        def __init__(self, **_) -> None:
            pass

        def derive(self, _: bytes) -> bytes:
            raise MemoryError

    monkeypatch.setattr(passwords, "Argon2id", Short)

    with pytest.raises(BadInput, match="19456 KiB"):
        passwords.stretch("Passw0rd", RECIPE)
