"""What a child that a document took over could answer, and the server does not believe."""

import hashlib
from dataclasses import replace

import pytest

from dss.documents import pades, recheck
from dss.documents.model import NotVerified, Place
from dss.kernel.errors import BadDocument
from dss.kernel.keyspec import KeySpec
from tests.world.clock import START
from tests.world.pdfs import simple_pdf
from tests.world.signed_pdfs import prepared
from tests.world.signers import PSS, soft_signer

SIZE = 1000
GAP = b"<0000>"


def tail_of(gap: bytes = GAP, *, start: int = 36, more: int = 0, before: bytes = b"") -> bytes:
    """An appended part of the least form: 36 bytes, the gap, and some more."""
    end = SIZE + start + len(gap)
    byte_range = b"/ByteRange [0 %d %d %d]" % (SIZE + start, end, 9 + more)
    return before + byte_range.ljust(start) + gap + b"123456789"


def test_the_place_is_found_where_the_byte_range_says():
    how = soft_signer().how()

    assert recheck.place_in(tail_of(), SIZE, how) == Place(SIZE + 36, SIZE + 42, "sha256", how.scheme, START)


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(tail_of().replace(b"/ByteRange", b"/ByteRangy"), id="no byte range"),
        pytest.param(tail_of() + b"/ByteRange [0 1 2 3]", id="two byte ranges"),
        pytest.param(tail_of() + b"/Reason (/ByteRange)", id="a text that looks like one"),
        pytest.param(tail_of(more=1), id="more than the file"),
        pytest.param(tail_of(more=-1), id="less than the file"),
        pytest.param(tail_of(before=b" "), id="a gap elsewhere"),
        pytest.param(tail_of(b"<0010>"), id="a gap with something in it"),
        pytest.param(tail_of(b"(0000)"), id="a gap that is not hexadecimal"),
        pytest.param(tail_of(b"<>").replace(b"1036 1038", b"0036 1038"), id="a gap in the original"),
    ],
)
def test_anything_but_one_empty_place_is_refused(tail):
    with pytest.raises(BadDocument):
        recheck.place_in(tail, SIZE, soft_signer().how())


async def test_a_reason_that_looks_like_a_byte_range_leaves_one_place():
    """A phone looks for the one new byte range as the server does."""
    how = soft_signer().how("see /ByteRange [0 1 2 3]")
    tail = await pades.prepare(simple_pdf(), how)

    assert recheck.place_in(tail, len(simple_pdf()), how).start > len(simple_pdf())


async def test_the_byte_range_is_hashed_but_for_the_gap(tmp_path):
    file, how = await prepared(simple_pdf(), soft_signer(KeySpec.P384))
    path = tmp_path / "prepared"
    path.write_bytes(file)

    covered = file[: how.place.start] + file[how.place.end :]
    assert recheck.byte_range_digest(path, how.place) == hashlib.sha384(covered).digest()


@pytest.mark.parametrize(
    ("spec", "scheme"), [(KeySpec.P256, None), (KeySpec.P521, None), (KeySpec.RSA_2048, None), (KeySpec.RSA_2048, PSS)]
)
async def test_only_the_certificates_own_signature_over_these_attributes_is_taken(spec, scheme):
    alice, mallory = soft_signer(spec, scheme), soft_signer(spec, scheme, "Mallory")
    _, how = await prepared(simple_pdf(), alice)

    recheck.require_signature(how)
    for wrong in (
        replace(how, signature=mallory.sign(how.attributes)),
        replace(how, attributes=how.attributes + b"\0"),
        replace(how, signature=b""),
        replace(how, chain=mallory.chain),
    ):
        with pytest.raises(NotVerified):
            recheck.require_signature(wrong)


async def test_a_signature_by_another_scheme_than_agreed_is_not_taken():
    """T29: PKCS#1 v1.5 where PSS was agreed."""
    _, how = await prepared(simple_pdf(), soft_signer(KeySpec.RSA_2048))

    with pytest.raises(NotVerified):
        recheck.require_signature(replace(how, place=replace(how.place, scheme=PSS)))


async def test_a_cms_object_must_carry_exactly_what_was_signed():
    file, how = await prepared(simple_pdf(), soft_signer())
    content = await pades.complete(file, how)

    recheck.require_carries(content, how)
    _, other = await prepared(simple_pdf(2), soft_signer())
    narrow = replace(how, place=replace(how.place, end=how.place.start + 2 * len(content)))
    for answer, wanted in (
        (b"", how),
        (b"\x30\x00", how),
        (content[:-1], how),
        (content + b"\0", how),
        (content, other),
        (content, replace(how, signature=b"another")),
        (content, narrow),
    ):
        with pytest.raises(NotVerified):
            recheck.require_carries(answer, wanted)
