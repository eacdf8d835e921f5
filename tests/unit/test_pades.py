"""PAdES B-B in two phases: what is added to a document, what is signed, and what comes out."""

import hashlib
import re
from dataclasses import replace
from io import BytesIO

import pytest
from asn1crypto import cms
from pyhanko.pdf_utils.reader import PdfFileReader

from dss.documents import pades
from dss.documents.attributes import signed_attributes
from dss.documents.cms import signer_for
from dss.documents.model import NotVerified
from dss.kernel.digest import ALGORITHMS
from dss.kernel.keyspec import KeySpec
from tests.world.clock import START
from tests.world.pdfs import compressed_pdf, described_pdf, form_pdf, large_pdf, raw_pdf, simple_pdf
from tests.world.signed_pdfs import filled, prepared, signed
from tests.world.signers import PSS, soft_signer

EVERY_KIND = [
    (KeySpec.P256, None),
    (KeySpec.P384, None),
    (KeySpec.P521, None),
    (KeySpec.RSA_2048, None),
    (KeySpec.RSA_2048, PSS),
]


@pytest.mark.parametrize(("spec", "scheme"), EVERY_KIND)
async def test_every_kind_of_key_and_scheme_gives_a_valid_file(spec, scheme):
    """`complete` validates the finished file, and so does the outside reader here."""
    alice = soft_signer(spec, scheme)

    finished = await signed(simple_pdf(), alice)

    (signature,) = PdfFileReader(BytesIO(finished)).embedded_signatures
    assert signature.signer_info["digest_algorithm"]["algorithm"].native == ALGORITHMS[spec.natural_hash][0]
    assert signature.compute_digest() == signature.signer_info["signed_attrs"][1]["values"][0].native


@pytest.mark.parametrize(
    "pdf", [simple_pdf(), simple_pdf(30), raw_pdf(), compressed_pdf(), described_pdf(), large_pdf(200_000)]
)
async def test_documents_of_different_make_can_be_signed(pdf):
    finished = await signed(pdf, soft_signer())

    assert finished.startswith(pdf)


async def test_the_prepared_file_is_the_original_with_one_empty_place_appended():
    """docs/device-protocol.md section 4: what a phone checks of the prepared file."""
    file, how = await prepared(simple_pdf(), soft_signer())

    start, end = how.place.start, how.place.end
    assert file.startswith(simple_pdf())
    assert start > len(simple_pdf())
    assert re.fullmatch(rb"<0+>", file[start:end])
    assert re.findall(rb"/ByteRange \[([^]]*)\]", file) == [b"0 %d %d %d" % (start, end, len(file) - end)]


async def test_completing_changes_nothing_but_the_place():
    file, how = await prepared(simple_pdf(), soft_signer())

    finished = filled(file, how.place, await pades.complete(file, how))

    assert len(finished) == len(file)
    assert finished[: how.place.start + 1] == file[: how.place.start + 1]
    assert finished[how.place.end - 1 :] == file[how.place.end - 1 :]


@pytest.mark.parametrize("spec", [KeySpec.P256, KeySpec.P384])
async def test_the_signed_attributes_are_content_type_digest_and_certificate_and_no_more(spec):
    """ETSI EN 319 142-1 section 6.3: no signing-time; RFC 5035: the certificate by its SHA-256."""
    alice = soft_signer(spec)
    file, how = await prepared(simple_pdf(), alice)

    said = {one["type"].native: one["values"][0] for one in cms.CMSAttributes.load(how.attributes, strict=True)}
    assert set(said) == {"content_type", "message_digest", "signing_certificate_v2"}
    assert said["content_type"].native == "data"
    covered = file[: how.place.start] + file[how.place.end :]
    assert said["message_digest"].native == hashlib.new(how.place.hash_name, covered).digest()
    (certificate,) = said["signing_certificate_v2"]["certs"]
    assert certificate["hash_algorithm"]["algorithm"].native == "sha256"
    assert certificate["cert_hash"].native == hashlib.sha256(alice.chain[0]).digest()


@pytest.mark.parametrize("spec", [KeySpec.P256, KeySpec.P521, KeySpec.RSA_2048])
async def test_our_signed_attributes_are_byte_for_byte_those_of_pyhanko(spec):
    alice, digest = soft_signer(spec), bytes(range(32))

    theirs = await signer_for(alice.chain, alice.scheme, "sha256").signed_attrs(digest, "sha256", use_pades=True)

    assert signed_attributes(digest, alice.chain[0]) == theirs.dump()


async def test_the_signature_tells_who_when_and_why():
    finished = await signed(simple_pdf(), soft_signer(), "Згоден (умови §1)")

    (signature,) = PdfFileReader(BytesIO(finished)).embedded_signatures
    told = {key: signature.sig_object[key] for key in ("/Name", "/Reason", "/SubFilter")}
    assert told == {"/Name": "Олена Коваль", "/Reason": "Згоден (умови §1)", "/SubFilter": "/ETSI.CAdES.detached"}
    assert signature.self_reported_timestamp == START


async def test_without_a_reason_there_is_no_reason():
    (signature,) = PdfFileReader(BytesIO(await signed(simple_pdf(), soft_signer()))).embedded_signatures

    assert "/Reason" not in signature.sig_object


async def test_the_chain_is_in_the_file_but_for_the_root():
    alice = soft_signer()
    (signature,) = PdfFileReader(BytesIO(await signed(simple_pdf(), alice))).embedded_signatures

    assert {one.dump() for one in (signature.signer_cert, *signature.other_embedded_certs)} == set(alice.chain[:2])


async def test_field_names_are_unique_also_among_fields_of_other_kinds():
    pdf = form_pdf("Signature1", "Signature3")
    for signer in (soft_signer(), soft_signer(name="Bob")):
        pdf = await signed(pdf, signer)

    assert [one.field_name for one in PdfFileReader(BytesIO(pdf)).embedded_signatures] == ["Signature2", "Signature4"]


def altered(signature: bytes) -> bytes:
    return signature[:-1] + bytes([signature[-1] ^ 1])


async def test_a_wrong_signature_is_never_put_into_a_file():
    file, how = await prepared(simple_pdf(), soft_signer())

    with pytest.raises(NotVerified):
        await pades.complete(file, replace(how, signature=altered(how.signature)))


async def test_a_signature_by_another_certificate_of_the_same_authority_is_not_put_into_a_file():
    alice, mallory = soft_signer(), soft_signer(name="Mallory")
    file, how = await prepared(simple_pdf(), alice)

    with pytest.raises(NotVerified):
        await pades.complete(file, replace(how, signature=mallory.sign(how.attributes)))


async def test_a_prepared_file_that_was_changed_meanwhile_is_not_completed():
    """T03: the document swapped after it was shown."""
    file, how = await prepared(simple_pdf(), soft_signer())

    with pytest.raises(NotVerified):
        await pades.complete(file.replace(b"/PageLayout", b"/PageLayour", 1), how)


async def test_a_finished_file_is_valid_under_its_own_root_only():
    alice, mallory = soft_signer(), soft_signer(name="Mallory")
    finished = BytesIO(await signed(simple_pdf(), alice))

    await pades.validate(finished, alice.chain, START)
    with pytest.raises(NotVerified):
        await pades.validate(finished, (alice.chain[0], *mallory.chain[1:]), START)


async def test_a_finished_file_with_anything_after_the_signature_is_not_valid():
    alice = soft_signer()
    finished = await signed(await signed(simple_pdf(), alice), soft_signer(name="Bob"))

    with pytest.raises(NotVerified):
        await pades.validate(BytesIO(finished), alice.chain, START)
