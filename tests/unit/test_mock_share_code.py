"""docs/device-protocol.md section 7: the QR of a new phone, written in one way only."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobile_mock.errors import BadInput
from mobile_mock.forms import b64url
from mobile_mock.share_code import ShareCode, read_share_code
from tests.unit.mock_server import BASE, OTHER_DEVICE, b64

SIGNATURE, ENCRYPTION = b64(b"s" * 32), b64(b"e" * 32)
TEXT = f"dss-share:v1?u=https%3A%2F%2Fsign.example&p={OTHER_DEVICE}&s={SIGNATURE}&e={ENCRYPTION}"
IDS = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=26, max_size=26)
THUMBPRINTS = st.binary(min_size=32, max_size=32).map(b64url)
SERVERS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)


def test_the_text_is_that_of_the_protocol():
    code = ShareCode(BASE, OTHER_DEVICE, SIGNATURE, ENCRYPTION)

    assert code.text() == TEXT
    assert read_share_code(TEXT) == code


@settings(deadline=None)
@given(SERVERS, IDS, THUMBPRINTS, THUMBPRINTS)
def test_a_code_is_read_back_as_it_was_written(server, phone, signature, encryption):
    code = ShareCode(server, phone, signature, encryption)

    assert read_share_code(code.text()) == code


@settings(deadline=None)
@given(st.integers(0, len(TEXT)), st.integers(0, 3), st.text(max_size=3))
def test_whatever_is_read_would_be_written_so_again(place, dropped, put):
    text = TEXT[:place] + put + TEXT[place + dropped :]

    with suppress(BadInput):
        assert read_share_code(text).text() == text


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_other_text_is_refused(text):
    with pytest.raises(BadInput):
        read_share_code(text)


@pytest.mark.parametrize(
    "spoilt",
    [
        *(TEXT + "\n", " " + TEXT, TEXT + "&x=1", TEXT.replace(":v1", ":v2"), TEXT.replace("dss-share", "dss-enrol")),
        *(
            TEXT.replace("%3A", ":"),
            TEXT.replace("%3A", "%3a"),
            TEXT.replace("sign.", "%73ign."),
            TEXT.replace("n.e", "n%FFe"),
        ),
        *(TEXT.replace(OTHER_DEVICE, OTHER_DEVICE.lower()), TEXT.replace(OTHER_DEVICE, OTHER_DEVICE[:-1])),
        *(TEXT[:-1], TEXT[:-1] + "=", TEXT[:-1] + "B"),
        TEXT.replace(f"&s={SIGNATURE}&e={ENCRYPTION}", f"&e={ENCRYPTION}&s={SIGNATURE}"),
    ],
)
def test_a_code_in_any_other_form_is_refused(spoilt):
    with pytest.raises(BadInput):
        read_share_code(spoilt)
