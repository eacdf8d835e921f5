"""docs/evidence.md section 4: whether a given file is one of the documents, as it was shown or signed."""

import hashlib
from dataclasses import replace

import pytest

from dss.documents import pades
from dss.evidence import document_check
from dss.evidence.document_check import BYTE_RANGE, Given
from dss.evidence.fields import EvidenceRefused
from dss.evidence.verifying import verify
from dss.kernel import b64
from dss.kernel.keyspec import KeySpec, Padding, Scheme
from tests.world.evidence_chain import Chain
from tests.world.evidence_maker import PDF, Maker, sha
from tests.world.pdfs import simple_pdf
from tests.world.signed_pdfs import filled, prepared
from tests.world.signers import soft_signer

WHYS = "none of the documents|without the signature proven here"


def proven_of(maker, draft):
    return verify(maker.finish(draft).encoded(), maker.trust())


async def signed_contract(spec=KeySpec.P256, scheme=None, pages=1):
    """What is proven of a contract between two bare hashes, the contract, and the finished file."""
    signer, pdf = soft_signer(spec, scheme), simple_pdf(pages)
    maker = Maker(spec, signer.scheme)
    maker.chain = Chain(signer.chain, (signer.key,))
    file, how = await prepared(pdf, signer)
    draft = maker.sign("hash", "pdf", "hash")
    to_sign = hashlib.new(how.place.hash_name, how.attributes).digest()
    draft.request["documents"][1] |= {"size": len(pdf), "document_digest": sha(pdf), "to_sign": b64.url_encode(to_sign)}
    draft.attributes[1] = how.attributes
    proven = proven_of(maker, draft)
    # ECDSA signs anew each time: the file carries the very signature of the record.
    content = await pades.complete(file, replace(how, signature=proven.signatures[1].value))
    return proven, pdf, filled(file, how.place, content)


@pytest.mark.parametrize(
    ("spec", "scheme"),
    [
        (KeySpec.P256, None),
        (KeySpec.P384, None),
        (KeySpec.RSA_2048, None),
        (KeySpec.RSA_2048, Scheme(Padding.PSS, 32)),
    ],
)
async def test_the_original_and_the_signed_file_are_recognised(spec, scheme):
    proven, pdf, finished = await signed_contract(spec, scheme)

    assert document_check.check(pdf, proven) == Given(2, is_signed=False)
    assert document_check.check(finished, proven) == Given(2, is_signed=True)


async def test_a_signed_file_with_any_byte_changed_is_refused():
    """But in the gap itself, which holds certificates and zeros besides the signature: no signature covers those."""
    proven, pdf, finished = await signed_contract()
    start, end = (int(number) for number in BYTE_RANGE.findall(finished[len(pdf) :])[0][:2])
    for place in (*range(0, start + 1, 7), start, end - 1, *range(end, len(finished), 7)):
        changed = finished[:place] + bytes([finished[place] ^ 1]) + finished[place + 1 :]
        with pytest.raises(EvidenceRefused, match=WHYS):
            document_check.check(changed, proven)


@pytest.mark.parametrize("more", [b"\n", b"%PDF", b"\n1 0 obj\n<<>>\nendobj\n"])
async def test_a_file_that_goes_on_behind_its_signature_is_refused(more):
    proven, _, finished = await signed_contract()

    with pytest.raises(EvidenceRefused, match="without the signature proven here"):
        document_check.check(finished + more, proven)


async def test_the_same_file_signed_another_time_is_refused():
    proven, _, _ = await signed_contract()
    _, _, other = await signed_contract()

    with pytest.raises(EvidenceRefused, match="without the signature proven here"):
        document_check.check(other, proven)


async def test_an_original_cut_short_or_prolonged_is_refused():
    proven, pdf, _ = await signed_contract()

    for file in (b"", pdf[:-1], pdf[1:], pdf + b"\n"):
        with pytest.raises(EvidenceRefused, match=WHYS):
            document_check.check(file, proven)


def test_of_what_was_declined_only_the_original_is_known():
    maker = Maker()
    proven = proven_of(maker, maker.declined(maker.sign("hash", "pdf")))

    assert document_check.check(PDF, proven) == Given(2, is_signed=False)
    with pytest.raises(EvidenceRefused, match="none of the documents"):
        document_check.check(b"another", proven)


def test_where_no_document_was_asked_for_none_is_known():
    maker = Maker()
    for draft in (maker.share(), maker.sign("hash")):
        proven = proven_of(maker, draft)
        for file in (PDF, b"", b"a hash of 0"):
            with pytest.raises(EvidenceRefused, match="none of the documents"):
                document_check.check(file, proven)


@pytest.mark.parametrize(
    "tail",
    [
        b"/ByteRange [0 19 21 %d]<00>",
        b"/ByteRange [0 60 50 9]<3000>",
        b"/ByteRange [0 9999999999 9999999999 0]",
        b"/ByteRange [0 45 51 0]      <3000>",
        b"/ByteRange [0 45 51 0]      <30zz>",
        b"/ByteRange [0 45 51 0]      <>    ",
    ],
)
def test_a_tail_that_is_no_signature_is_refused(tail):
    maker = Maker()
    proven = proven_of(maker, maker.sign())

    with pytest.raises(EvidenceRefused, match="without the signature proven here"):
        document_check.check(PDF + tail, proven)


async def test_a_file_of_very_many_signatures_is_not_looked_through():
    """Work is bounded, whatever a file holds."""
    proven, pdf, finished = await signed_contract()
    tail = finished[len(pdf) :]

    with pytest.raises(EvidenceRefused, match="more than 100 signatures"):
        document_check.check(pdf + b"/ByteRange [0 1 2 3]" * 100 + tail, proven)


def test_a_very_large_place_for_a_signature_is_not_read():
    maker = Maker()
    proven = proven_of(maker, maker.sign())
    for size, why in ((1024**2, "without the signature proven here"), (1024**2 + 2, "more than 1048576 bytes")):
        gap = b"<" + b"30" * (size // 2 - 1) + b">"
        tail = b"/ByteRange [0 %d %d 100]" % (len(PDF), len(PDF) + size)
        with pytest.raises(EvidenceRefused, match=why):
            document_check.check(PDF + gap + tail.ljust(100), proven)


def test_a_signature_of_very_deep_nesting_is_none():
    maker, deep = Maker(), b"\x30\x00"
    proven = proven_of(maker, maker.sign())
    for _ in range(3000):
        deep = b"\x30\x84" + len(deep).to_bytes(4) + deep
    gap = b"<" + deep.hex().encode() + b">"
    tail = b"/ByteRange [0 %d %d 100]" % (len(PDF), len(PDF) + len(gap))

    with pytest.raises(EvidenceRefused, match="without the signature proven here"):
        document_check.check(PDF + gap + tail.ljust(100), proven)


async def test_of_many_documents_each_is_found_in_one_pass(monkeypatch):
    """The first bytes of the file are hashed once, whatever number of documents they could be."""
    maker = Maker()
    proven = proven_of(maker, maker.sign(*["pdf"] * 50))
    hashed = []
    sha256 = hashlib.sha256
    monkeypatch.setattr(hashlib, "sha256", lambda *given: hashed.append(given) or sha256(*given))

    assert document_check.check(PDF, proven) == Given(1, is_signed=False)
    assert len(hashed) == 1
