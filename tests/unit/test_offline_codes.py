"""docs/device-protocol.md section 12, the server's side: codes, held against a hand-made HOTP, and the QR's text."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.devices import offline
from dss.devices.answer import Decision
from dss.devices.offline import Codes
from dss.devices.verification import Verification
from dss.kernel.policy import Mode
from mobile_mock import offline_code
from tests.unit.mock_offline import hkdf, hotp
from tests.unit.mock_server import b64, unb64

BINDING = bytes(range(64, 96))
K_OFFLINE = bytes.fromhex("78bdc649297cd4a733cdbb6361006580fa50f67dce8bc39ff5304215e5c449a5")
# Found by trying a hundred million: by this number the code to confirm is also that to decline.
COLLIDING, AT_NUMBER, SAME = (11612).to_bytes(32, "big"), "2147", "53837418"

keys = st.binary(min_size=32, max_size=32)
numbers = st.sampled_from(["", "17", "0417"])


def by_hand(k_offline: bytes, said: str, counter: int = 0) -> str:
    """RFC 4226 section 5.3 and RFC 5869 over the protocol's key."""
    return hotp(hkdf(k_offline, BINDING, f"dss/offline-code/v1/{said}".encode()), counter)


def test_t50_the_codes_of_known_secrets_are_known():
    """The vector by which phones are built, too."""
    assert Codes.of(K_OFFLINE, BINDING, "42") == Codes(confirm="22041241", decline="99085373")


@given(keys, numbers)
def test_t50_codes_are_those_of_rfc_4226_and_the_phone_makes_the_same(k_offline: bytes, number: str):
    made = Codes.of(k_offline, BINDING, number)
    assert (made.confirm, made.decline) == (by_hand(k_offline, f"confirm/{number}"), by_hand(k_offline, "decline/"))
    phone = offline_code.codes(k_offline, BINDING, number)
    assert (made.confirm, made.decline) == (phone.confirm, phone.decline)


@given(keys, numbers)
def test_t50_codes_have_eight_digits_and_differ(k_offline: bytes, number: str):
    made = Codes.of(k_offline, BINDING, number)
    assert made.confirm != made.decline
    assert all(len(code) == 8 and code.isascii() and code.isdigit() for code in (made.confirm, made.decline))


def test_t50_where_both_codes_would_be_equal_the_one_to_decline_is_the_next():
    assert by_hand(COLLIDING, f"confirm/{AT_NUMBER}") == by_hand(COLLIDING, "decline/") == SAME
    made = Codes.of(COLLIDING, BINDING, AT_NUMBER)
    assert made == Codes(confirm=SAME, decline=by_hand(COLLIDING, "decline/", counter=1))
    assert made.decline != SAME
    phone = offline_code.codes(COLLIDING, BINDING, AT_NUMBER)
    assert (phone.confirm, phone.decline) == (made.confirm, made.decline)


def test_t50_a_code_decides_one_thing_and_any_other_nothing():
    made = Codes.of(K_OFFLINE, BINDING, "42")
    decided = [made.decision(code) for code in (made.confirm, made.decline, "00000000", "", made.confirm[:-1], "é")]
    assert decided == [Decision.CONFIRM, Decision.DECLINE, None, None, None, None]


@given(keys, keys)
def test_t50_codes_of_other_requests_and_by_other_secrets_are_others(binding: bytes, k_offline: bytes):
    right, others = (
        Codes.of(K_OFFLINE, BINDING, ""),
        [Codes.of(k_offline, BINDING, ""), Codes.of(K_OFFLINE, binding, "")],
    )
    assert all({other.confirm, other.decline}.isdisjoint({right.confirm, right.decline}) for other in others)


def test_t50_a_code_by_another_of_the_numbers_is_known_as_one_and_only_among_those_that_were_offered():
    offered = Verification(Mode.CHOOSE, numbers=("17", "42", "58"))

    def is_one(number: str) -> bool:
        code = Codes.of(K_OFFLINE, BINDING, number).confirm
        return offline.confirms_another(K_OFFLINE, BINDING, offered, code)

    assert [is_one(number) for number in ("17", "58", "99", "")] == [True, True, False, False]
    decline = Codes.of(K_OFFLINE, BINDING, "17").decline
    assert not offline.confirms_another(K_OFFLINE, BINDING, offered, decline)


def test_codes_are_not_told_where_they_are_printed():
    """T53."""
    made = Codes.of(K_OFFLINE, BINDING, "42")
    assert made.confirm not in repr(made)
    assert made.decline not in repr(made)


@given(st.binary(max_size=500), st.binary(min_size=64, max_size=64))
def test_the_qr_has_the_payload_compressed_and_the_signature(payload: bytes, signature: bytes):
    """RFC 1951."""
    text = offline.qr_text(f"{b64(b'{}')}.{b64(payload)}.{b64(signature)}")
    assert text is not None
    head, _, tail = text.removeprefix("dss-offline:v1?p=").partition("&s=")
    assert (zlib.decompress(unb64(head), -15), unb64(tail)) == (payload, signature)
    assert offline_code.read_offline_request(text).payload == payload


@pytest.mark.parametrize(("random", "fits"), [(2080, True), (2120, False)])
def test_a_request_that_is_too_long_has_no_qr(random: int, fits: bool):
    noise = b"".join(hkdf(number.to_bytes(4, "big"), b"noise", b"") for number in range(random // 32 + 1))[:random]
    text = offline.qr_text(f"{b64(b'{}')}.{b64(noise)}.{b64(bytes(64))}")
    assert (text is not None) is fits
