"""docs/device-protocol.md section 4: the phone recomputes what the key would sign, and any difference is found."""

import hashlib
import io
from datetime import UTC, datetime

import fpdf
import pytest
from asn1crypto import cms, core, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import CertificateBuilder, Name, NameAttribute
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter

from mobile_mock.documents import Content, Document
from mobile_mock.errors import Difference
from mobile_mock.pades import Files, check_original, check_prepared
from tests.unit import mock_files as files
from tests.unit.mock_files import CERTIFICATE_SHA256, ORIGINAL

OTHER_CERTIFICATE = hashlib.sha256(b"another certificate").digest()


def document(attributes: bytes, algorithm: str = "sha256") -> Document:
    to_sign = hashlib.new(algorithm, attributes).digest()
    return Document(0, "PAdES-B-B", "ecdsa", algorithm, to_sign, None)


def check(prepared: files.Prepared, attributes: bytes | None = None, original: bytes = ORIGINAL) -> None:
    attributes = files.right_attributes(prepared.covered) if attributes is None else attributes
    check_prepared(Files(original, prepared.file, attributes), document(attributes), CERTIFICATE_SHA256)


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_files_that_belong_together_pass(algorithm):
    prepared = files.prepare()
    attributes = files.right_attributes(prepared.covered, algorithm)

    check_prepared(Files(ORIGINAL, prepared.file, attributes), document(attributes, algorithm), CERTIFICATE_SHA256)


def content(**changes) -> Content:
    right = {"name": "a.pdf", "media_type": "application/pdf", "size": len(ORIGINAL)}
    return Content(**{**right, "digest": hashlib.sha256(ORIGINAL).digest(), **changes})


def test_a_document_of_another_size_is_refused():
    """T03."""
    check_original(ORIGINAL, content())
    with pytest.raises(Difference, match="bytes"):
        check_original(ORIGINAL, content(size=len(ORIGINAL) + 1))


def test_a_document_with_another_hash_is_refused():
    """T03: swapped after it was asked for."""
    with pytest.raises(Difference, match="SHA-256"):
        check_original(ORIGINAL.replace(b"one", b"two"), content())


def test_a_prepared_file_that_does_not_begin_with_the_document_is_refused():
    """T03: another document with the same look of a request."""
    with pytest.raises(Difference, match="begin"):
        check(files.prepare(ORIGINAL.replace(b"one", b"two")))


@pytest.mark.parametrize(
    "ranges",
    [
        *("0 {a} {b} {short}", "0 {a} {b} {long}", "1 {a} {b} {n}", "0 {b} {a} {n}"),
        *("0 20 {b} {n}", "0 {a} {a} {n}", "0 {before} {b} {n}", "0 {a} {after} {less}"),
    ],
    ids=[
        "end left out",
        "past the end",
        "start left out",
        "crossed",
        "document left out",
        "no place",
        "wide",
        "wide 2",
    ],
)
def test_a_byte_range_that_leaves_out_more_than_the_place_for_the_signature_is_refused(ranges):
    (a, b), n = files.prepare().hole, len(files.prepare().file) - files.prepare().hole[1]
    numbers = {"short": n - 1, "long": n + 1, "before": a - 3, "after": b + 3, "less": n - 3}

    with pytest.raises(Difference, match=r"ByteRange|place for the signature"):
        check(files.prepare(ranges=ranges.format(a=a, b=b, n=n, **numbers)))


def test_a_second_new_byte_range_is_refused():
    prepared = files.prepare()
    twice = files.Prepared(prepared.file + b"<< /ByteRange [0 1 2 3] >>", prepared.hole)

    with pytest.raises(Difference, match="exactly one"):
        check(twice)


def test_a_prepared_file_without_a_place_for_a_signature_is_refused():
    with pytest.raises(Difference, match="exactly one"):
        check(files.Prepared(ORIGINAL + b"7 0 obj << >>", (60, 62)))


def test_the_byte_ranges_of_earlier_signatures_in_the_document_are_not_counted():
    original = ORIGINAL + b"5 0 obj << /ByteRange [0 10 20 30] >>"

    check(files.prepare(original), original=original)


@pytest.mark.parametrize("contents", [b"<" + b"0" * 40 + b"3082" + b"0" * 20 + b">", b"(" + b"0" * 64 + b")", b"<>"])
def test_a_place_that_is_not_a_hexadecimal_string_of_zeros_is_refused(contents):
    with pytest.raises(Difference, match="zeros"):
        check(files.prepare(contents=contents))


@settings(deadline=None)
@given(st.integers(min_value=0), st.integers(0, 255))
def test_no_byte_of_the_prepared_file_can_be_changed(place, value):
    """T03: with the attributes of the right file, every other file is refused."""
    prepared = files.prepare()
    changed = bytearray(prepared.file)
    changed[place % len(changed)] = value
    if bytes(changed) == prepared.file:
        return

    with pytest.raises(Difference):
        check(files.Prepared(bytes(changed), prepared.hole), files.right_attributes(prepared.covered))


RIGHT = files.prepare()
TYPE, DIGEST = files.content_type(), files.message_digest(RIGHT.covered)
CERTIFICATE = files.signing_certificate(CERTIFICATE_SHA256)
EXTRA = files.attribute("signing_time", cms.Time({"utc_time": core.UTCTime("260302090000Z")}))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((TYPE, DIGEST, CERTIFICATE, EXTRA), "alone"),
        ((TYPE, DIGEST), "alone"),
        ((TYPE, DIGEST, CERTIFICATE, files.content_type("signed_data")), "alone"),
        ((files.content_type("signed_data"), DIGEST, CERTIFICATE), "plain data"),
        ((TYPE, files.message_digest(b"another file"), CERTIFICATE), "message digest"),
        ((TYPE, DIGEST, files.signing_certificate(OTHER_CERTIFICATE)), "another certificate"),
        ((TYPE, DIGEST, files.signing_certificate(CERTIFICATE_SHA256, OTHER_CERTIFICATE)), "one certificate"),
        ((TYPE, DIGEST, files.signing_certificate(CERTIFICATE_SHA256, algorithm="sha512")), "one certificate"),
    ],
    ids=["extra", "missing", "twice", "other type", "other file", "other certificate", "two", "other algorithm"],
)
def test_attributes_that_say_anything_else_are_refused(parts, said):
    with pytest.raises(Difference, match=said):
        check(RIGHT, files.attributes(*parts))


def test_an_attribute_with_two_values_is_refused():
    """RFC 5652 section 11: each of the three has one value."""
    two = files.attribute("message_digest", DIGEST["values"][0].native, b"another")

    with pytest.raises(Difference, match="alone"):
        check(RIGHT, files.attributes(TYPE, two, CERTIFICATE))


@pytest.mark.parametrize("junk", [b"", b"junk", b"\x31\x00", b"\x30\x03\x02\x01\x00", b"\x31\x02\x30\x00"])
def test_attributes_that_cannot_be_read_are_refused(junk):
    with pytest.raises(Difference):
        check(RIGHT, junk)


def test_attributes_with_bytes_after_them_are_refused():
    with pytest.raises(Difference):
        check(RIGHT, files.right_attributes(RIGHT.covered) + b"\x00")


def test_attributes_in_another_order_than_der_are_refused():
    """X.690 section 11.6: a SET OF is sorted, so that there is one text for it."""
    right = files.right_attributes(RIGHT.covered)
    parts = [part.dump() for part in core.SetOf.load(right, spec=core.Any)]
    body = b"".join(reversed(parts))

    with pytest.raises(Difference, match="DER"):
        check(RIGHT, b"\x31\x81" + bytes([len(body)]) + body)


@settings(deadline=None)
@given(st.integers(min_value=0), st.integers(0, 255))
def test_no_byte_of_the_attributes_can_be_changed(place, value):
    """The phone finds it even when `to_sign` was made to fit."""
    right = files.right_attributes(RIGHT.covered)
    changed = bytearray(right)
    changed[place % len(changed)] = value
    if bytes(changed) == right:
        return

    with pytest.raises(Difference):
        check(RIGHT, bytes(changed))


def test_a_to_sign_that_is_not_the_hash_of_the_attributes_is_refused():
    """T03: the attributes are right, the key would sign something else."""
    attributes = files.right_attributes(RIGHT.covered)

    with pytest.raises(Difference, match="key would sign"):
        check_prepared(Files(ORIGINAL, RIGHT.file, attributes), document(attributes + b"x"), CERTIFICATE_SHA256)


VALIDITY = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def certificate() -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = Name([NameAttribute(NameOID.COMMON_NAME, "Alice")])
    builder = CertificateBuilder(name, name, key.public_key(), 1, *VALIDITY)
    return x509.Certificate.load(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))


def pdf() -> bytes:
    document = fpdf.FPDF()
    document.add_page()
    return bytes(document.output())


async def test_what_pyhanko_prepares_passes():
    """Another implementation's files. ISO 32000-1 section 12.8, ETSI EN 319 142-1 section 6.3."""
    original, signer = pdf(), signers.ExternalSigner(certificate(), None, signature_value=64)
    wish = signers.PdfSignatureMetadata("Signature", subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256")
    writer = IncrementalPdfFileWriter(io.BytesIO(original))
    prepared, _, out = await signers.PdfSigner(wish, signer).async_digest_doc_for_signing(writer)
    attributes = (await signer.signed_attrs(prepared.document_digest, "sha256", use_pades=True)).dump()

    got = Files(original, out.getvalue(), attributes)

    check_prepared(got, document(attributes), hashlib.sha256(signer.signing_cert.dump()).digest())
    with pytest.raises(Difference, match="another certificate"):
        check_prepared(got, document(attributes), CERTIFICATE_SHA256)
