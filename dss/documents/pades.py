"""PAdES B-B in two phases: bytes in, bytes out.

A foreign PDF is read here, so for those it runs in the child (`child.py`) and nowhere else; the server's own reports of
evidence are sealed by it in the process that printed them.
Source: ETSI EN 319 142-1 section 6 (level B-B), ISO 32000-1 section 12.8.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from itertools import count

from asn1crypto import cms, x509
from pyhanko.pdf_utils.decode_limits import DecodeLimits, DocumentDecodeBudget, StreamDecodeLimits
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.signers import ExternalSigner, PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest
from pyhanko.sign.validation import (
    async_validate_pdf_signature,
    async_validate_pdf_timestamp,
    read_certification_data,
)
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from dss.documents.cms import signer_for
from dss.documents.model import Completing, NotVerified, PrepareFor
from dss.kernel.digest import ALGORITHMS
from dss.kernel.errors import BadDocument

MIB = 1024 * 1024
LIMITS = DecodeLimits(
    per_stream=StreamDecodeLimits(max_output_size=64 * MIB),
    document_budget=DocumentDecodeBudget(base_allowance=256 * MIB, max_ratio=20),
)
# ETSI EN 319 412-2 section 4.3.2 lets a signer's certificate have either.
SIGNER = KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"}, match_all_key_usages=False)


async def prepare(pdf: bytes, how: PrepareFor) -> bytes:
    """Make a signature field with an empty place; return the incremental update that follows the PDF's last byte.

    Raises BadDocument if the PDF cannot be read or signed, or if an earlier signature in it would not hold.
    """
    hash_name, _ = ALGORITHMS[how.spec.natural_hash]
    signer = signer_for(how.chain, how.scheme, hash_name)
    stream = BytesIO(pdf)
    with _told_plainly():
        writer = _open(stream)
        signed_before = _is_signed(writer.prev)
        room = _make_room(writer, how, signer)
        tail = bytes(stream.getbuffer()[len(pdf) :])
        if signed_before:
            content = await signer.async_sign(room.document_digest, hash_name, use_pades=True)
            room.fill_with_cms(stream, content)
            await _require_earlier_hold(stream)
        return tail


async def complete(pdf: bytes, how: Completing) -> bytes:
    """Make the CMS object for a prepared file's place; the file with it in place is verified first.

    Raises NotVerified if the finished file would not be valid.
    """
    place = how.place
    signer = signer_for(how.chain, place.scheme, place.hash_name, how.signature)
    content = await signer.async_sign_prescribed_attributes(place.hash_name, cms.CMSAttributes.load(how.attributes))
    finished = BytesIO(pdf)
    PreparedByteRangeDigest(b"", place.start, place.end).fill_with_cms(finished, content)
    await validate(finished, how.chain, place.signed_at)
    return bytes(content.dump())


async def validate(pdf: BytesIO, chain: tuple[bytes, ...], moment: datetime) -> None:
    """Raise NotVerified unless the last signature covers the whole file, is valid, and is by the chain's first."""
    signer, *others, anchor = [x509.Certificate.load(der) for der in (*chain, chain[-1])]
    context = ValidationContext(trust_roots=[anchor], other_certs=others, allow_fetching=False, moment=moment)
    newest = _read(pdf).embedded_signatures[-1]
    status = await async_validate_pdf_signature(newest, context, key_usage_settings=SIGNER)
    by_signer = newest.signer_cert.dump() == signer.dump()
    if not (status.bottom_line and by_signer and status.coverage is SignatureCoverageLevel.ENTIRE_FILE):
        raise NotVerified("the finished file did not verify")


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Turn what pyHanko raises on foreign bytes into sentences; its own may quote the document."""
    try:
        yield
    except (BadDocument, MemoryError):
        raise
    except PdfDecodeLimitError as fault:
        raise BadDocument("a part of the document unpacks to more than the limit") from fault
    except PdfReadError as fault:
        raise BadDocument("the document is not a whole PDF, or is damaged") from fault
    except Exception as fault:
        # Damaged files make pyHanko raise ValueError, KeyError, AssertionError and more.
        raise BadDocument("the document cannot be processed as a PDF") from fault


def _read(pdf: BytesIO) -> PdfFileReader:
    return PdfFileReader(pdf, decode_limits=LIMITS)


def _open(pdf: BytesIO) -> IncrementalPdfFileWriter:
    if bytes(pdf.getbuffer()[:5]) != b"%PDF-":
        raise BadDocument("the document is not a PDF: it does not begin with %PDF-")
    reader = _read(pdf)
    if reader.encrypted:
        raise BadDocument("the document is encrypted; only documents without encryption can be signed")
    if reader.xrefs.hybrid_xrefs_present:
        # ISO 32000-1 section 7.5.8.4: older and newer readers see different objects, so perhaps different pages.
        raise BadDocument("the document has hybrid cross-references; save it as PDF/A, and upload that")
    return IncrementalPdfFileWriter.from_reader(reader)


def _is_signed(reader: PdfFileReader) -> bool:
    filled = list(enumerate_sig_fields(reader, filled_status=True))
    if len(filled) != len(reader.embedded_signatures):
        raise BadDocument("the document has an earlier signature of a kind that cannot be checked")
    certified = read_certification_data(reader)
    if certified is not None and certified.permission is MDPPerm.NO_CHANGES:
        raise BadDocument("the document's author certified it and allows no changes")
    return bool(filled)


def _make_room(writer: IncrementalPdfFileWriter, how: PrepareFor, signer: ExternalSigner) -> PreparedByteRangeDigest:
    name = _free_name(writer)
    about = PdfSignatureMetadata(
        field_name=name,
        subfilter=SigSeedSubFilter.PADES,
        name=how.signer_name,
        reason=how.reason or None,
    )
    pdf_signer = PdfSigner(about, signer, new_field_spec=SigFieldSpec(name, on_page=0))
    session = pdf_signer.init_signing_session(writer)
    session.system_time = how.signed_at
    to_be_signed = session.prepare_tbs_document(None, bytes_reserved=_reserved(how.chain))
    room, _ = to_be_signed.digest_tbs_document(in_place=True)
    return room


def _reserved(chain: tuple[bytes, ...]) -> int:
    """Return the hexadecimal digits to reserve: the chain, and 8 KiB for all else, a time-stamp included."""
    return 2 * (sum(len(certificate) for certificate in chain) + 8192)


def _free_name(writer: IncrementalPdfFileWriter) -> str:
    fields = writer.root["/AcroForm"].get("/Fields", []) if "/AcroForm" in writer.root else []
    taken = {str(field.get_object().get("/T", "")) for field in fields}
    return next(name for name in (f"Signature{number}" for number in count(1)) if name not in taken)


async def _require_earlier_hold(trial: BytesIO) -> None:
    """Judge each earlier signature on a file that is finished but for the value of the new one.

    pyHanko's signer looks at the author's certification only, not at the locks of other signatures.
    """
    for earlier in _read(trial).embedded_signatures[:-1]:
        if not await _holds(earlier):
            raise BadDocument("an earlier signature in the document is not valid, or does not allow another one")


async def _holds(earlier: EmbeddedPdfSignature) -> bool:
    """Whether it is intact and what was added since is allowed; who made it is not judged here."""
    nobody = ValidationContext(trust_roots=[], allow_fetching=False)
    is_timestamp = earlier.sig_object_type == "/DocTimeStamp"
    judge = async_validate_pdf_timestamp if is_timestamp else async_validate_pdf_signature
    status = await judge(earlier, nobody)
    # The status of a time-stamp leaves out what its kind shares with other signatures.
    allows_changes = earlier.summarise_integrity_info()["docmdp_ok"]
    return bool(status.intact and status.valid and allows_changes)
