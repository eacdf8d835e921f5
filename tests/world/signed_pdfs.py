"""PDFs with signatures for tests, and the two phases of signing run in this process."""

import hashlib
from io import BytesIO
from typing import Any

from asn1crypto import keys, x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import (
    FieldMDPAction,
    FieldMDPSpec,
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
    append_signature_field,
)
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from dss.documents import pades
from dss.documents.attributes import signed_attributes
from dss.documents.model import Completing, Place
from dss.documents.recheck import place_in
from dss.kernel.keyspec import KeySpec
from tests.world.pdfs import simple_pdf
from tests.world.signers import SoftSigner, soft_signer


async def prepared(pdf: bytes, signer: SoftSigner, reason: str = "") -> tuple[bytes, Completing]:
    """Prepare and sign; return the prepared file, and what completing it takes."""
    how = signer.how(reason)
    tail = await pades.prepare(pdf, how)
    file, place = pdf + tail, place_in(tail, len(pdf), how)
    digest = hashlib.new(place.hash_name, file[: place.start] + file[place.end :]).digest()
    attributes = signed_attributes(digest, signer.chain[0])
    return file, Completing(place, attributes, signer.sign(attributes), signer.chain)


async def signed(pdf: bytes, signer: SoftSigner, reason: str = "") -> bytes:
    """Prepare, sign and complete."""
    file, how = await prepared(pdf, signer, reason)
    return filled(file, how.place, await pades.complete(file, how))


def filled(file: bytes, place: Place, content: bytes) -> bytes:
    """Put a CMS object into a prepared file."""
    written = content.hex().upper().encode()
    return file[: place.start + 1] + written + file[place.start + 1 + len(written) :]


async def foreign_signed_pdf(field: SigFieldSpec | None = None, **options: Any) -> bytes:
    """A contract that somebody signed elsewhere, in a field with a lock or with certification if asked."""
    field = field or SigFieldSpec("First")
    about = signers.PdfSignatureMetadata(
        field_name=field.sig_field_name, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, **options
    )
    changed = IncrementalPdfFileWriter(BytesIO(simple_pdf()))
    append_signature_field(changed, field)
    made = await signers.PdfSigner(about, _bob()).async_sign_pdf(changed)
    return bytes(made.getvalue())


async def locked_pdf() -> bytes:
    """A contract whose first signer locked every field and forbade all changes."""
    every_field = FieldMDPSpec(FieldMDPAction.ALL)
    lock = SigFieldSpec("First", field_mdp_spec=every_field, doc_mdp_update_value=MDPPerm.NO_CHANGES)
    return await foreign_signed_pdf(lock)


async def certified_pdf(permission: MDPPerm) -> bytes:
    """A contract that its author certified."""
    return await foreign_signed_pdf(certify=True, docmdp_permissions=permission)


async def timestamped_pdf() -> bytes:
    """A contract with a document time-stamp."""
    stamper = signers.PdfTimeStamper(DummyTimeStamper(*_with_key(soft_signer(KeySpec.RSA_2048, name="Time"))))
    made = await stamper.async_timestamp_pdf(IncrementalPdfFileWriter(BytesIO(simple_pdf())), "sha256")
    return bytes(made.getvalue())


async def tampered_pdf() -> bytes:
    """A contract in which one byte was changed after it was signed."""
    return (await foreign_signed_pdf()).replace(b"/MediaBox", b"/MediaBux", 1)


async def unknown_signature_pdf() -> bytes:
    """A contract with a signature of a kind that nobody knows."""
    return (await foreign_signed_pdf()).replace(b"/ETSI.CAdES.detached", b"/ETSI.CAdES.unknowns", 1)


def _bob() -> signers.SimpleSigner:
    bob = soft_signer(name="Bob")
    others = SimpleCertificateStore()
    others.register_multiple(x509.Certificate.load(der) for der in bob.chain[1:])
    return signers.SimpleSigner(*_with_key(bob), others)


def _with_key(signer: SoftSigner) -> tuple[x509.Certificate, keys.PrivateKeyInfo]:
    key = signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return x509.Certificate.load(signer.chain[0]), keys.PrivateKeyInfo.load(key)
