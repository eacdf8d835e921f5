"""Base64 is read strictly: one text for one value (RFC 4648 sections 3.5, 4 and 5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.kernel import b64
from dss.kernel.errors import BadRequest

# RFC 4648 section 10.
VECTORS = {b"": "", b"f": "Zg==", b"fo": "Zm8=", b"foo": "Zm9v", b"foob": "Zm9vYg==", b"foobar": "Zm9vYmFy"}


@pytest.mark.parametrize(("value", "text"), VECTORS.items())
def test_the_vectors_of_the_rfc_are_written_and_read(value: bytes, text: str) -> None:
    assert b64.encode(value) == text
    assert b64.decode(text) == value
    assert b64.url_decode(text.rstrip("=")) == value


@given(st.binary())
def test_what_is_written_is_read_back(value: bytes) -> None:
    assert b64.decode(b64.encode(value)) == value
    assert b64.url_decode(b64.url_encode(value)) == value


@given(st.text(alphabet="ABab01+/-_= \n", max_size=12))
def test_whatever_is_read_would_have_been_written_so(text: str) -> None:
    for read, write in ((b64.decode, b64.encode), (b64.url_decode, b64.url_encode)):
        try:
            value = read(text)
        except BadRequest:
            continue
        assert write(value) == text


@pytest.mark.parametrize("text", ["Zh==", "Zm9=", "Zg", "Zg=", "Zm9v\n", " Zm9v", "Zm-_", "Zg==Zg==", "Ъ", "\ud800"])
def test_trailing_bits_white_space_and_wrong_padding_are_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        b64.decode(text)


@pytest.mark.parametrize("text", ["Zh", "Zm9", "Zg==", "A", "Zm+/", "Zm9v\n", "Zg.", "Ъ", "\ud800"])
def test_base64url_has_no_padding_and_its_own_alphabet(text: str) -> None:
    """RFC 7515 section 2."""
    with pytest.raises(BadRequest):
        b64.url_decode(text)
