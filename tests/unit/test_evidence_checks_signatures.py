"""docs/evidence.md section 2, steps 14 and 15, and which signatures a record may have."""

import hashlib
from dataclasses import replace

import pytest
from asn1crypto import algos, cms, tsp
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from dss.evidence.fields import EvidenceRefused
from dss.evidence.signature_check import message_digest
from dss.evidence.verifying import verify
from dss.kernel import b64
from dss.kernel.keyspec import KeySpec, Padding, Scheme
from tests.world.evidence_chain import ISSUING, ROOT, SIGNER, chain, usual_chain
from tests.world.evidence_maker import Maker

SHA_OF_NOTHING = hashlib.sha256(b"").digest()


@pytest.fixture
def maker() -> Maker:
    return Maker()


def refused(maker: Maker, draft, why: str, **changed) -> None:
    record = maker.finish(draft, replace(maker.core(draft), **changed))
    with pytest.raises(EvidenceRefused, match=why):
        verify(record.encoded(), maker.trust())


def test_the_signatures_are_those_of_the_documents_in_their_order(maker):
    draft = maker.sign("pdf", "hash", "pdf")
    first, second, third = maker.core(draft).signatures

    why = "the signatures are not those of the request's documents"
    wrong = ((), (first, second), (first, second, third, third), (second, first, third), (first, third, second))
    for pieces in wrong:
        refused(maker, draft, why, signatures=pieces)
    refused(maker, draft, why, signatures=(first, second, replace(third, index=3)))
    refused(maker, draft, "the signature of document 0", signatures=(replace(third, index=0), second, third))


@pytest.mark.parametrize("indices", [(7,), (1,), (0, 0), (1, 2), (0, 2), (1, 0)])
def test_documents_are_counted_from_0(maker, indices):
    draft = maker.sign(*["hash"] * len(indices))
    for index, item in zip(indices, draft.request["documents"], strict=True):
        item["index"] = index

    refused(maker, draft, "not counted from 0")


def test_nothing_is_no_signing(maker):
    draft = maker.sign()
    draft.request["documents"], draft.attributes = [], []

    refused(maker, draft, "nothing was asked to be signed")


@pytest.mark.parametrize("scheme", ["ecdsa", "pkcs1v15", "pss-32", "pss-20", "pss-222", "pss-600"])
@pytest.mark.parametrize(
    "made",
    [
        Maker(),
        Maker(KeySpec.P384),
        Maker(KeySpec.RSA_2048),
        Maker(KeySpec.RSA_2048, Scheme(Padding.PSS, 32)),
    ],
    ids=["P-256", "P-384", "pkcs1v15", "pss-32"],
)
def test_a_signature_verifies_by_its_scheme_only(made, scheme):
    draft = made.sign("hash")
    draft.request["documents"][0]["scheme"] = scheme
    if scheme == made.scheme.name:
        assert verify(made.finish(draft).encoded(), made.trust()).is_confirmed
        return

    refused(made, draft, "the signature of document 0 does not verify")


@pytest.mark.parametrize("scheme", ["pss", "pss-", "pss-01", "pss--1", "pss-1000", "ed25519", ""])
def test_a_scheme_that_is_not_known_is_refused(maker, scheme):
    draft = maker.sign("hash")
    draft.request["documents"][0]["scheme"] = scheme

    refused(maker, draft, "^a document: |does not verify")


def test_a_signature_by_another_key_or_over_something_else_is_refused(maker):
    draft = maker.sign("hash")
    (piece,) = maker.core(draft).signatures
    other = ec.generate_private_key(ec.SECP256R1()).sign(b"a hash of 0", ec.ECDSA(hashes.SHA256()))
    elsewhere = draft.chain.keys[0].sign(b"another", ec.ECDSA(hashes.SHA256()))

    for value in (other, elsewhere, b"", piece.value + b"\0", piece.value[:-1]):
        why = "the signature of document 0 does not verify"
        refused(maker, draft, why, signatures=(replace(piece, value=value),))


def test_a_certificate_that_the_request_does_not_name_is_refused(maker):
    draft = maker.sign("hash")
    draft.chain = usual_chain(name="Петро Інший")

    refused(maker, draft, "not the one that the request names")


@pytest.mark.parametrize("usage", [set(), {"key_cert_sign", "crl_sign"}, {"key_encipherment", "key_agreement"}])
def test_a_certificate_whose_key_is_for_other_uses_signs_nothing(maker, usage):
    """RFC 5280 section 4.2.1.3: digitalSignature or nonRepudiation (contentCommitment)."""
    maker.chain = chain(replace(SIGNER, usage=frozenset(usage)), ISSUING, ROOT)
    for draft in (maker.sign("hash"), maker.sign("pdf")):
        refused(maker, draft, "its key is for other uses")

    created = verify(maker.finish(maker.create()).encoded(), maker.trust())
    assert created.new_key is not None


@pytest.mark.parametrize("usage", [{"digital_signature"}, {"digital_signature", "key_encipherment"}])
def test_a_certificate_for_signatures_of_any_kind_signs_documents(maker, usage):
    maker.chain = chain(replace(SIGNER, usage=frozenset(usage)), ISSUING, ROOT)

    assert verify(maker.finish(maker.sign("hash")).encoded(), maker.trust()).is_confirmed


def test_a_bare_hash_has_no_attributes(maker):
    draft = maker.sign("hash")
    draft.attributes = [b"\x31\x00"]

    refused(maker, draft, "over a bare hash")


@pytest.mark.parametrize("format", ["CAdES", "PAdES-B-T", "Hash", ""])
def test_other_formats_are_refused(maker, format):
    draft = maker.sign()
    draft.request["documents"][0]["format"] = format

    refused(maker, draft, "format is neither")


def test_attributes_that_were_not_confirmed_are_refused(maker):
    draft = maker.sign()
    draft.attributes = [maker.sign("hash", "pdf").attributes[1]]

    refused(maker, draft, "has other attributes than those whose hash was confirmed")


def attributes_of(maker: Maker, **changed) -> list[cms.CMSAttribute]:
    """Content-type, message-digest and signing-certificate-v2, with other values or (None) without."""
    named = {"cert_hash": hashlib.sha256(maker.chain.certificates[0]).digest()}
    values = {
        "content_type": ["data"],
        "message_digest": [SHA_OF_NOTHING],
        "signing_certificate_v2": [tsp.SigningCertificateV2({"certs": [named]})],
    } | changed
    return [cms.CMSAttribute({"type": name, "values": value}) for name, value in values.items() if value is not None]


def with_attributes(maker: Maker, der: bytes):
    """A draft in which just these attributes were confirmed and signed."""
    draft = maker.sign()
    draft.attributes = [der]
    draft.request["documents"][0]["to_sign"] = b64.url_encode(hashlib.sha256(der).digest())
    return draft


def certificates(*hashes: bytes, **more):
    return [tsp.SigningCertificateV2({"certs": [{"cert_hash": one, **more} for one in hashes]})]


def test_a_signing_certificate_without_issuer_and_serial_is_enough(maker):
    draft = with_attributes(maker, cms.CMSAttributes(attributes_of(maker)).dump())

    assert verify(maker.finish(draft).encoded(), maker.trust()).is_confirmed


OTHERS = "has attributes that are not content-type"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"content_type": ["signed_data"]}, OTHERS),
        ({"content_type": ["data", "data"]}, OTHERS),
        ({"content_type": None}, OTHERS),
        ({"message_digest": [SHA_OF_NOTHING[:20]]}, "a message digest of another length"),
        ({"message_digest": [SHA_OF_NOTHING + SHA_OF_NOTHING]}, "a message digest of another length"),
        ({"message_digest": [SHA_OF_NOTHING, b"x" * 32]}, "do not name one message digest"),
        ({"message_digest": []}, "do not name one message digest"),
        ({"message_digest": None}, "do not name one message digest"),
        ({"signing_certificate_v2": None}, OTHERS),
        ({"signing_certificate_v2": certificates(SHA_OF_NOTHING)}, OTHERS),
        ({"signing_certificate_v2": certificates()}, OTHERS),
        ({"signing_time": [cms.Time({"utc_time": "260302090000Z"})]}, OTHERS),
    ],
)
def test_attributes_say_what_they_must_and_nothing_else(maker, changed, why):
    draft = with_attributes(maker, cms.CMSAttributes(attributes_of(maker, **changed)).dump())

    refused(maker, draft, why)


def test_the_signer_s_certificate_is_named_in_the_two_known_ways_only(maker):
    own, algorithm = hashlib.sha256(maker.chain.certificates[0]).digest(), {"algorithm": "sha512"}
    issuer = [asn1.GeneralName(name="directory_name", value=asn1.Name.build({"common_name": "Issuing CA"}))]
    policy = tsp.SigningCertificateV2({"certs": [{"cert_hash": own}], "policies": [{"policy_identifier": "1.2.3"}]})
    wrong = (
        certificates(own, SHA_OF_NOTHING),
        certificates(own, own),
        certificates(hashlib.sha512(maker.chain.certificates[0]).digest(), hash_algorithm=algorithm),
        certificates(own, issuer_serial={"issuer": issuer, "serial_number": 1}),
        [policy],
    )
    for named in wrong:
        der = cms.CMSAttributes(attributes_of(maker, signing_certificate_v2=named)).dump()
        refused(maker, with_attributes(maker, der), OTHERS)


def test_a_default_that_is_written_is_no_der(maker):
    """RFC 5035 section 4: SHA-256 is the default of hashAlgorithm; X.690 section 11.5: defaults are left out."""
    own, written = hashlib.sha256(maker.chain.certificates[0]).digest(), algos.DigestAlgorithm({"algorithm": "sha256"})
    certificate = der(0x30, written.dump() + der(0x04, own))
    attribute = attributes_of(maker, signing_certificate_v2=None)
    value = der(0x31, der(0x30, der(0x30, certificate)))
    named = der(0x30, cms.CMSAttributeType("signing_certificate_v2").dump() + value)
    whole = der(0x31, b"".join(sorted([*(one.dump() for one in attribute), named])))

    refused(maker, with_attributes(maker, whole), OTHERS)


def der(tag: int, content: bytes) -> bytes:
    """DER of up to 255 bytes of content."""
    length = bytes([len(content)]) if len(content) < 128 else b"\x81" + bytes([len(content)])
    return bytes([tag]) + length + content


def test_attributes_are_der(maker):
    inner = sorted(attribute.dump() for attribute in attributes_of(maker))
    body = b"".join(inner)
    right = b"\x31\x81" + bytes([len(body)]) + body
    swapped = b"".join(reversed(inner))
    wrong = (
        b"\x31\x82\x00" + bytes([len(body)]) + body,
        b"\x31\x80" + body + b"\0\0",
        b"\x31\x81" + bytes([len(body)]) + swapped,
        b"\x30\x81" + bytes([len(body)]) + body,
        b"\xa0\x81" + bytes([len(body)]) + body,
        right + b"\0",
        b"",
        b"\x31\x00",
    )
    assert verify(maker.finish(with_attributes(maker, right)).encoded(), maker.trust()).is_confirmed
    for der in wrong:
        refused(maker, with_attributes(maker, der), "attributes")


@given(st.binary() | st.binary().map(lambda data: b"\x31" + bytes([len(data) % 128]) + data))
def test_no_attributes_lead_to_anything_but_a_refusal(der):
    with pytest.raises(EvidenceRefused):
        message_digest(der)


# --- which signatures and certificates a record has ---


def test_what_nothing_was_signed_by_has_neither_signatures_nor_certificates(maker):
    whole = maker.core(maker.sign())
    drafts = (maker.change("pin"), maker.share(), maker.declined(maker.sign()), maker.declined(maker.create()))
    for draft in drafts:
        refused(maker, draft, "though nothing was signed", signatures=whole.signatures)
        refused(maker, draft, "though none belong here", certificates=whole.certificates)
    refused(maker, maker.create(), "though nothing was signed", signatures=whole.signatures)
    for draft in (maker.create(), maker.sign()):
        refused(maker, draft, "there is no chain of certificates", certificates=())
