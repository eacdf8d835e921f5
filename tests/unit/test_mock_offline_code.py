"""docs/device-protocol.md section 12: the codes to confirm and to decline, and the text of the QR with a request."""

import random
import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobile_mock import offline_code
from mobile_mock.errors import BadInput
from mobile_mock.offline_code import Codes, OfflineRequest, codes, read_offline_request, seal_secret
from tests.unit.mock_offline import by_hand, hotp
from tests.unit.mock_server import CREDENTIAL, b64, unb64

SECRET, PROOF, BINDING = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))


@pytest.mark.parametrize("number", ["", "42", "0417"])
def test_the_codes_are_those_of_rfc_4226_over_the_keys_of_the_protocol(number):
    """T50."""
    made = codes(seal_secret(SECRET, PROOF, CREDENTIAL), BINDING, number)

    assert made.confirm == by_hand(SECRET, PROOF, BINDING, f"confirm/{number}")
    assert made.decline == by_hand(SECRET, PROOF, BINDING, "decline/")


def test_the_codes_of_known_secrets_are_known():
    """T50: a vector for those who build a phone."""
    k_offline = seal_secret(SECRET, PROOF, "01J" + "C" * 23)

    assert k_offline.hex() == "78bdc649297cd4a733cdbb6361006580fa50f67dce8bc39ff5304215e5c449a5"
    assert codes(k_offline, BINDING, "42") == Codes(confirm="22041241", decline="99085373")


def test_rfc_4226_is_written_right_here():
    """RFC 4226 appendix D truncates with SHA-1 and RFC 6238 appendix B with SHA-256: time 59, step 30, is counter 1."""
    assert hotp(b"12345678901234567890123456789012", 1) == "46119246"


def test_both_codes_are_never_equal(monkeypatch):
    """T50: where they would be, the one to decline is that of counter 1."""
    monkeypatch.setattr(offline_code, "_hkdf", lambda *_: SECRET)

    assert codes(SECRET, BINDING, "") == Codes(hotp(SECRET, 0), hotp(SECRET, 1))


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.sampled_from(["", "17", "0417"]))
def test_codes_have_eight_digits_and_differ(k_offline, binding, number):
    """T50."""
    made = codes(k_offline, binding, number)

    assert made.confirm != made.decline
    assert all(len(code) == 8 and code.isdigit() for code in (made.confirm, made.decline))


# --- the text of the QR ---

SIGNATURE = b"s" * 64
TEXT = OfflineRequest(b'{"a":1}', SIGNATURE).text()


@settings(deadline=None)
@given(st.binary(max_size=500), st.binary(min_size=64, max_size=64))
def test_a_request_is_read_back_as_it_was_written(payload, signature):
    request = OfflineRequest(payload, signature)

    assert read_offline_request(request.text()) == request


@settings(deadline=None)
@given(st.integers(0, len(TEXT)), st.integers(0, 3), st.text(max_size=3))
def test_whatever_is_read_has_its_bytes_in_one_form(place, dropped, put):
    text = TEXT[:place] + put + TEXT[place + dropped :]

    with suppress(BadInput):
        request = read_offline_request(text)
        assert text.endswith(f"&s={b64(request.signature)}")
        packed = text.removeprefix("dss-offline:v1?p=").partition("&")[0]
        assert zlib.decompress(unb64(packed), -15) == request.payload
        assert b64(unb64(packed)) == packed


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_other_text_is_refused(text):
    with pytest.raises(BadInput):
        read_offline_request(text)


def packed(content: bytes, wbits: int = -15) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return packer.compress(content) + packer.flush()


@pytest.mark.parametrize(
    "spoilt",
    [
        *(TEXT + "\n", " " + TEXT, TEXT + "&x=1", TEXT.replace(":v1", ":v2"), TEXT.replace("offline", "link")),
        *(TEXT[:-1], TEXT + "A", TEXT[:-1] + "_", TEXT.replace("p=", "p=="), TEXT.replace("&s", "A&s")),
        *(f"dss-offline:v1?p={b64(part)}&s={b64(SIGNATURE)}" for part in (packed(b"{}") + b"x", packed(b"{}")[:-1])),
        *(f"dss-offline:v1?p={b64(packed(b'{}', wbits))}&s={b64(SIGNATURE)}" for wbits in (15, 31)),
        f"dss-offline:v1?p={b64(packed(bytes(300 * 1024)))}&s={b64(SIGNATURE)}",
    ],
)
def test_a_text_in_any_other_form_is_refused(spoilt):
    with pytest.raises(BadInput):
        read_offline_request(spoilt)


def test_a_text_longer_than_a_qr_of_a_request_may_be_is_refused():
    noise = random.Random(7)

    assert read_offline_request(OfflineRequest(noise.randbytes(2080), SIGNATURE).text())
    with pytest.raises(BadInput, match="this is not the QR"):
        read_offline_request(OfflineRequest(noise.randbytes(2120), SIGNATURE).text())
