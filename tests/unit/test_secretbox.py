"""Sealed records open with their own key, at their own place, unaltered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.infra.secretbox import SealBroken, SecretBox

KEY, OTHER = bytes(range(32)), bytes(32)


@given(st.binary(), st.binary())
def test_what_is_sealed_opens_at_its_place(plaintext: bytes, place: bytes) -> None:
    box = SecretBox(KEY)
    assert box.open(box.seal(plaintext, place), place) == plaintext


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    box = SecretBox(KEY)
    assert len({box.seal(b"secret", b"row") for _ in range(50)}) == 50


def test_a_record_moved_to_another_row_does_not_open() -> None:
    """T18."""
    with pytest.raises(SealBroken):
        SecretBox(KEY).open(SecretBox(KEY).seal(b"secret", b"row 1"), b"row 2")


def test_another_key_does_not_open() -> None:
    with pytest.raises(SealBroken):
        SecretBox(OTHER).open(SecretBox(KEY).seal(b"secret", b"row"), b"row")


def test_a_record_with_any_bit_turned_or_any_end_cut_off_does_not_open() -> None:
    box = SecretBox(KEY)
    sealed = box.seal(b"secret", b"row")
    turned = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    cut = [sealed[:at] for at in range(len(sealed))]
    for broken in turned + cut:
        with pytest.raises(SealBroken):
            box.open(broken, b"row")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SecretBox(bytes(length))
