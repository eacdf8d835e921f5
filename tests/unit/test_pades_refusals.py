"""Documents that cannot be signed are refused with a sentence that says why, whatever is wrong with them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dss.documents import pades
from dss.kernel.errors import BadDocument
from tests.world.pdfs import bomb_pdf, compressed_pdf, hybrid_pdf, raw_pdf, simple_pdf, truncated_pdf
from tests.world.signers import soft_signer

NOT_WHOLE = "the document is not a whole PDF, or is damaged"
ENCRYPTED = "the document is encrypted; only documents without encryption can be signed"
HYBRID = "the document has hybrid cross-references; save it as PDF/A, and upload that"


@pytest.mark.parametrize(
    ("pdf", "said"),
    [
        pytest.param(b"Dear Sir,\n", "the document is not a PDF: it does not begin with %PDF-", id="text"),
        pytest.param(b"PK\x03\x04" + bytes(100), "the document is not a PDF: it does not begin with %PDF-", id="zip"),
        pytest.param(b"\n" + simple_pdf(), "the document is not a PDF: it does not begin with %PDF-", id="junk before"),
        pytest.param(b"%PDF-1.7\n", NOT_WHOLE, id="header only"),
        pytest.param(truncated_pdf(), NOT_WHOLE, id="truncated"),
        pytest.param(simple_pdf() + bytes(5000), NOT_WHOLE, id="junk after"),
        pytest.param(simple_pdf(password="secret"), ENCRYPTED, id="encrypted"),
        pytest.param(simple_pdf(password=""), ENCRYPTED, id="encrypted with an empty password"),
        pytest.param(hybrid_pdf(), HYBRID, id="hybrid cross-references"),
        pytest.param(bomb_pdf(), "a part of the document unpacks to more than the limit", id="bomb"),
    ],
)
async def test_a_document_that_cannot_be_signed_is_refused_with_the_reason(pdf, said):
    with pytest.raises(BadDocument) as refusal:
        await pades.prepare(pdf, soft_signer().how())

    assert refusal.value.detail == said


async def test_a_document_without_pages_is_refused():
    with pytest.raises(BadDocument):
        await pades.prepare(raw_pdf().replace(b"/Kids[3 0 R]/Count 1", b"/Kids[     ]/Count 0"), soft_signer().how())


@given(st.data())
@settings(max_examples=150, deadline=None)
async def test_damage_anywhere_is_refused_as_bad_or_harmless(data):
    """Damaged files make pyHanko raise ten kinds of errors; none of them comes out."""
    pdf = bytearray(data.draw(st.sampled_from([simple_pdf(), compressed_pdf(), raw_pdf()])))
    for _ in range(data.draw(st.integers(1, 8))):
        pdf[data.draw(st.integers(0, len(pdf) - 1))] = data.draw(st.integers(0, 255))
    try:
        tail = await pades.prepare(bytes(pdf), soft_signer().how())
    except BadDocument:
        return
    assert b"/ByteRange" in tail


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
async def test_any_bytes_are_refused_as_bad(junk):
    with pytest.raises(BadDocument):
        await pades.prepare(b"%PDF-1.7\n" + junk, soft_signer().how())
