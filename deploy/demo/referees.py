"""Outside referees: poppler's pdfsig and pyHanko's validator, both given the demo root to trust."""

import asyncio
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx
from asn1crypto import crl, pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

VALID, TRUSTED = "Signature is Valid.", "Certificate is Trusted."


@dataclass(frozen=True)
class Verdict:
    """What a referee says, and the words that it says it in."""

    is_good: bool
    words: str


def ask_pdfsig(signed: Path, root_pem: Path, nss: Path) -> Verdict:
    """Let pdfsig judge a signed PDF.

    nss: a new folder for the certificate database in which pdfsig trusts the root.
    """
    nss.mkdir()
    database = f"sql:{nss}"
    _call("certutil", "-N", "-d", database, "--empty-password")
    _call("certutil", "-A", "-d", database, "-n", "demo root", "-t", "CT,C,C", "-i", str(root_pem))
    words = _call("pdfsig", "-nssdir", database, str(signed))
    newest = words.rpartition("Signature #")[2]
    return Verdict(VALID in newest and TRUSTED in newest, words.strip())


def ask_pyhanko(signed: Path, root_pem: Path) -> Verdict:
    """Let pyHanko judge a signed PDF, with the revocation lists that its certificates name."""
    _, _, root = pem.unarmor(root_pem.read_bytes())
    with signed.open("rb") as file:
        embedded = PdfFileReader(file).embedded_signatures[-1]
        chain = [embedded.signer_cert, *embedded.other_embedded_certs]
        context = ValidationContext(
            trust_roots=[x509.Certificate.load(root)],
            other_certs=chain,
            crls=_revocation_lists(chain),
            revocation_mode="require",
        )
        status = asyncio.run(async_validate_pdf_signature(embedded, signer_validation_context=context))
    return Verdict(bool(status.bottom_line), status.summary())


def _revocation_lists(chain: list[x509.Certificate]) -> list[crl.CertificateList]:
    points = sorted({point.url for certificate in chain for point in certificate.crl_distribution_points})
    return [crl.CertificateList.load(httpx.get(url).raise_for_status().content) for url in points]


def _call(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
