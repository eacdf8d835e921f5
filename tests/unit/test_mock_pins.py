"""Which PINs the phone takes (F17, I12), and the proof of one."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobile_mock import pins
from mobile_mock.errors import BadInput


@pytest.mark.parametrize("pin", ["12345678", "87654321", "1234567890", "00000000", "11111111", "0987654321", "123456"])
def test_the_known_default_pins_of_carriers_are_refused(pin):
    """F17: Rutoken 12345678 and 87654321, eToken 1234567890, and those of other cards."""
    with pytest.raises(BadInput):
        pins.require_acceptable(pin)


@pytest.mark.parametrize(
    "pin", ["777777", "234567", "890123", "765432", "210987", "424242", "731731", "112233", "147258"]
)
def test_runs_repetitions_and_keypad_paths_are_refused(pin):
    with pytest.raises(BadInput):
        pins.require_acceptable(pin)


@pytest.mark.parametrize(
    "pin", ["", "49381", "49381a", "49 3817", "\u0661\u0662\u0663\u0661\u0664\u0669", "4938171" * 5]
)
def test_a_pin_is_6_to_32_digits(pin):
    """I12: not shorter than 6 digits."""
    with pytest.raises(BadInput):
        pins.require_acceptable(pin)


@pytest.mark.parametrize("pin", ["493817", "240891", "19840325", "250384", "311299"])
def test_other_pins_are_taken_and_dates_are_among_them(pin):
    pins.require_acceptable(pin)


def test_the_server_may_ask_for_more_digits_but_not_for_fewer():
    with pytest.raises(BadInput):
        pins.require_acceptable("493817", at_least=8)
    with pytest.raises(BadInput):
        pins.require_acceptable("4938", at_least=4)


@settings(deadline=None)
@given(st.text("0123456789", min_size=1, max_size=3), st.integers(2, 10))
def test_a_short_block_said_again_and_again_is_refused(block, times):
    with pytest.raises(BadInput):
        pins.require_acceptable(block * times)


@settings(deadline=None)
@given(st.text("0123456789", min_size=4, max_size=5) | st.text("0123456789x", min_size=7).map(lambda text: f"x{text}"))
def test_a_refusal_never_repeats_the_pin(pin):
    with pytest.raises(BadInput) as refusal:
        pins.require_acceptable(pin)
    assert pin not in str(refusal.value)


def test_the_proof_is_pbkdf2_with_hmac_sha_256():
    """docs/device-protocol.md section 2; RFC 8018."""
    assert pins.proof("493817", b"s" * 16, 5) == hashlib.pbkdf2_hmac("sha256", b"493817", b"s" * 16, 5, 32)
