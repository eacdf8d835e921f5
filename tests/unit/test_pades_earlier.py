"""A document that has signatures is signed again only if each of them stays valid."""

from io import BytesIO

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext

from dss.documents import pades
from dss.kernel.errors import BadDocument
from tests.world.pdfs import simple_pdf
from tests.world.signed_pdfs import (
    certified_pdf,
    foreign_signed_pdf,
    locked_pdf,
    signed,
    tampered_pdf,
    timestamped_pdf,
    unknown_signature_pdf,
)
from tests.world.signers import soft_signer

DOES_NOT_HOLD = "an earlier signature in the document is not valid, or does not allow another one"


async def all_hold(pdf: bytes) -> list[bool]:
    nobody = ValidationContext(trust_roots=[], allow_fetching=False)
    found = [await async_validate_pdf_signature(one, nobody) for one in PdfFileReader(BytesIO(pdf)).embedded_signatures]
    return [bool(status.intact and status.valid and status.docmdp_ok) for status in found]


async def refusal_of(pdf: bytes) -> str:
    with pytest.raises(BadDocument) as refusal:
        await pades.prepare(pdf, soft_signer().how())
    return refusal.value.detail


async def test_three_signers_one_after_the_other_are_all_valid_at_the_end():
    pdf = simple_pdf()
    for name in ("Alice", "Bob", "Carol"):
        pdf = await signed(pdf, soft_signer(name=name))

    assert await all_hold(pdf) == [True, True, True]


async def test_a_signature_made_elsewhere_stays_valid():
    assert await all_hold(await signed(await foreign_signed_pdf(), soft_signer())) == [True, True]


async def test_a_time_stamp_stays_valid():
    finished = await signed(await timestamped_pdf(), soft_signer())

    stamp, signature = PdfFileReader(BytesIO(finished)).embedded_signatures
    nobody = ValidationContext(trust_roots=[], allow_fetching=False)
    judged = await async_validate_pdf_timestamp(stamp, nobody)
    assert (judged.intact, judged.valid, judged.modification_level) == (True, True, ModificationLevel.FORM_FILLING)
    assert signature.field_name == "Signature1"


async def test_a_lock_of_some_fields_allows_another_signature():
    lock = SigFieldSpec("First", field_mdp_spec=FieldMDPSpec(FieldMDPAction.INCLUDE, ["Amount"]))

    assert await all_hold(await signed(await foreign_signed_pdf(lock), soft_signer())) == [True, True]


@pytest.mark.parametrize("permission", [MDPPerm.FILL_FORMS, MDPPerm.ANNOTATE])
async def test_a_certification_that_allows_signatures_is_respected(permission):
    assert await all_hold(await signed(await certified_pdf(permission), soft_signer())) == [True, True]


async def test_a_certification_that_allows_no_changes_is_respected():
    said = await refusal_of(await certified_pdf(MDPPerm.NO_CHANGES))

    assert said == "the document's author certified it and allows no changes"


async def test_a_signature_that_locked_the_document_is_respected():
    """pyHanko's signer alone would sign it, and break the first signature."""
    assert await refusal_of(await locked_pdf()) == DOES_NOT_HOLD


async def test_a_document_whose_signature_is_broken_already_is_refused():
    assert await all_hold(await tampered_pdf()) == [False]
    assert await refusal_of(await tampered_pdf()) == DOES_NOT_HOLD


async def test_a_document_with_a_signature_that_nobody_can_judge_is_refused():
    said = await refusal_of(await unknown_signature_pdf())

    assert said == "the document has an earlier signature of a kind that cannot be checked"
