"""The key blob opens with its own secret, at its own place, unaltered: and in no other way."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from dss.hsm.keyblob import BlobPlace, BlobRefused, KeySecret, lock, unlock
from dss.kernel.errors import Forbidden
from dss.kernel.ids import CredentialId, UserId

PLACE = BlobPlace(CredentialId("01J00000000000000000000CRE"), UserId("01J00000000000000000000USE"), "kek-1")
K_ACT = bytes(range(32))
SECRET = KeySecret(K_ACT)
WRAPPED = b"a wrapped key"


def open_at(blob: bytes, k_act: bytes = K_ACT, place: BlobPlace = PLACE, k_pwd: bytes = b"") -> tuple[str, bytes]:
    return unlock(blob, KeySecret(k_act, k_pwd), place.credential_id, place.owner)


@given(wrapped=st.binary(max_size=3000), k_act=st.binary(min_size=32, max_size=32))
def test_what_was_locked_opens(wrapped: bytes, k_act: bytes):
    assert open_at(lock(wrapped, KeySecret(k_act), PLACE), k_act) == ("kek-1", wrapped)


def test_the_form_is_as_written():
    """version | length | kek id | nonce | AES-256-GCM under HKDF(K_act, credential id), bound to its place."""
    blob = lock(WRAPPED, SECRET, PLACE, random=lambda length: b"n" * length)

    key = HKDF(SHA256(), 32, salt=b"01J00000000000000000000CRE", info=b"dss/lock/v1").derive(K_ACT)
    bound_to = (
        b'{"credential":"01J00000000000000000000CRE","kek":"kek-1","owner":"01J00000000000000000000USE","version":1}'
    )
    sealed = AESGCM(key).encrypt(b"n" * 12, WRAPPED, bound_to)
    assert blob == b"\x01\x05kek-1" + b"n" * 12 + sealed


def test_two_blobs_of_one_key_differ():
    assert lock(WRAPPED, SECRET, PLACE) != lock(WRAPPED, SECRET, PLACE)


@given(at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_no_byte_can_be_altered(at: int, flip: int):
    blob = bytearray(lock(WRAPPED, SECRET, PLACE))
    blob[at % len(blob)] ^= flip

    with pytest.raises(BlobRefused):
        open_at(bytes(blob))


@given(data=st.data())
def test_no_part_of_a_blob_opens(data: st.DataObject):
    blob = lock(WRAPPED, SECRET, PLACE)

    with pytest.raises(BlobRefused):
        open_at(blob[: data.draw(st.integers(0, len(blob) - 1))])


@given(st.binary(max_size=200))
def test_foreign_bytes_do_not_open(blob: bytes):
    with pytest.raises(BlobRefused):
        open_at(blob)


@given(st.binary(min_size=32, max_size=32).filter(lambda k_act: k_act != K_ACT))
def test_another_secret_does_not_open(k_act: bytes):
    with pytest.raises(BlobRefused):
        open_at(lock(WRAPPED, SECRET, PLACE), k_act)


@pytest.mark.parametrize(
    "other", [replace(PLACE, credential_id=CredentialId("OTHER")), replace(PLACE, owner=UserId("OTHER"))]
)
def test_a_blob_moved_to_another_row_does_not_open(other: BlobPlace):
    """T18, T19: rows edited in the database."""
    with pytest.raises(BlobRefused):
        open_at(lock(WRAPPED, SECRET, PLACE), place=other)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_secret_of_another_length_is_refused(length: int):
    with pytest.raises(BlobRefused):
        lock(WRAPPED, KeySecret(bytes(length)), PLACE)
    with pytest.raises(BlobRefused):
        open_at(lock(WRAPPED, SECRET, PLACE), bytes(length))


@given(k_pwd=st.binary(min_size=32, max_size=32), other=st.binary(min_size=32, max_size=32))
def test_a_blob_with_a_password_opens_with_that_password_alone(k_pwd: bytes, other: bytes):
    """F9: without the password the phone's share opens nothing."""
    blob = lock(WRAPPED, KeySecret(K_ACT, k_pwd), PLACE)

    assert open_at(blob, k_pwd=k_pwd) == ("kek-1", WRAPPED)
    for wrong in {b"", other} - {k_pwd}:
        with pytest.raises(BlobRefused):
            open_at(blob, k_pwd=wrong)


@pytest.mark.parametrize("length", [1, 16, 31, 33, 64])
def test_a_password_s_secret_of_another_length_is_refused(length: int):
    with pytest.raises(BlobRefused):
        lock(WRAPPED, KeySecret(K_ACT, bytes(length)), PLACE)


def test_the_refusal_is_told_as_forbidden():
    assert issubclass(BlobRefused, Forbidden)
    assert BlobRefused.code == "blob_refused"
