"""Digests, kinds of keys, identifiers and times: the values that everything is told in."""

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.kernel.clock import SystemClock, timestamp
from dss.kernel.digest import SHA256, SHA384, SHA512, Digest, algorithm_named
from dss.kernel.errors import BadDigest, Invalid
from dss.kernel.ids import CROCKFORD, Ids, is_id, least_at, made_at
from dss.kernel.keyspec import KeySpec, Padding, Scheme, require_fit
from tests.world.clock import HandClock


def test_a_digest_is_computed_and_named() -> None:
    """FIPS 180-4: the digest of `abc`."""
    digest = Digest.of(b"abc")
    assert digest.hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (digest.name, digest.algorithm) == ("sha256", SHA256)


@pytest.mark.parametrize(("oid", "name"), [(SHA256, "sha256"), (SHA384, "sha384"), (SHA512, "sha512")])
def test_each_algorithm_has_its_length_and_no_other(oid: str, name: str) -> None:
    right = hashlib.new(name, b"x").digest()
    assert Digest(oid, right) == Digest.of(b"x", oid)
    assert algorithm_named(name) == oid
    for wrong in (right[:-1], right + b"\x00", b""):
        with pytest.raises(BadDigest, match=f"{len(right)} bytes"):
            Digest(oid, wrong)


@pytest.mark.parametrize("name", ["1.3.14.3.2.26", "sha1", "", "SHA256", "2.16.840.1.101.3.4.2.4"])
def test_other_algorithms_are_refused_by_oid_and_by_name(name: str) -> None:
    with pytest.raises(BadDigest, match="not supported"):
        Digest(name, bytes(32))
    with pytest.raises(BadDigest, match="not supported"):
        Digest.of(b"abc", name)
    with pytest.raises(BadDigest, match="not supported"):
        algorithm_named(name)


def test_digests_are_equal_by_algorithm_and_value() -> None:
    digest = Digest.of(b"abc")
    assert digest == Digest(SHA256, digest.value)
    assert len({digest, Digest.of(b"abc"), Digest.of(b"abd")}) == 2
    assert digest != digest.value


@pytest.mark.parametrize(
    ("spec", "is_rsa", "bits", "hash_oid"),
    [
        ("RSA-2048", True, 2048, SHA256),
        ("RSA-3072", True, 3072, SHA256),
        ("RSA-4096", True, 4096, SHA256),
        ("P-256", False, 256, SHA256),
        ("P-384", False, 384, SHA384),
        ("P-521", False, 521, SHA512),
    ],
)
def test_a_kind_of_key_knows_its_size_and_its_hash(spec: str, is_rsa: bool, bits: int, hash_oid: str) -> None:
    kind = KeySpec(spec)
    assert (kind.is_rsa, kind.bits, kind.natural_hash) == (is_rsa, bits, hash_oid)
    require_fit(kind, Scheme.default_for(kind))


@pytest.mark.parametrize(
    ("spec", "scheme"),
    [
        (KeySpec.P256, Scheme(Padding.PKCS1)),
        (KeySpec.P521, Scheme(Padding.PSS, 32)),
        (KeySpec.RSA_2048, Scheme(Padding.ECDSA)),
        (KeySpec.RSA_2048, Scheme(Padding.PSS, 65)),
        (KeySpec.RSA_2048, Scheme(Padding.PSS, -1)),
    ],
)
def test_a_key_does_not_sign_in_a_way_that_is_not_its_own(spec: KeySpec, scheme: Scheme) -> None:
    with pytest.raises(Invalid):
        require_fit(spec, scheme)


def test_identifiers_sort_in_the_order_they_were_made_even_when_the_clock_stands_or_goes_back() -> None:
    """T44: a step back of the clock turns no order around."""
    clock = HandClock()
    ids = Ids(clock)
    made = []
    for seconds in (0, 0, 1, -30, 0, 3600):
        clock.move(seconds)
        made.append(ids.new())
    assert made == sorted(set(made))


@given(st.integers(0, 10**12), st.binary(min_size=10, max_size=10))
def test_an_identifier_tells_when_it_was_made(milliseconds: int, random: bytes) -> None:
    moment = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    id = Ids(HandClock(moment), lambda _: random).new()
    assert len(id) == 26
    assert set(id) <= set(CROCKFORD)
    assert is_id(id)
    assert moment - timedelta(milliseconds=1) <= made_at(id) <= moment + timedelta(microseconds=1)
    assert least_at(moment) <= id < least_at(moment + timedelta(milliseconds=2))


@pytest.mark.parametrize(
    "text", ["", "0" * 25, "0" * 27, "0" * 26 + "\n", "a" * 26, "U" * 26, "\N{ARABIC-INDIC DIGIT ONE}" * 26]
)
def test_what_has_another_form_is_no_identifier(text: str) -> None:
    assert is_id("0" * 26)
    assert not is_id(text)


def test_a_timestamp_is_utc_in_whole_seconds() -> None:
    """RFC 3339 section 5.6, in the one form of the device protocol."""
    kyiv = timezone(timedelta(hours=2))
    assert timestamp(datetime(2026, 3, 2, 11, 0, 5, 999_999, tzinfo=kyiv)) == "2026-03-02T09:00:05Z"
    assert SystemClock().now().utcoffset() == timedelta(0)
