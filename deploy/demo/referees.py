"""Outside referees, given the demo root to trust: poppler's pdfsig and pyHanko for files, openssl for certificates."""

import asyncio
import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    nss: the folder for the certificate database in which pdfsig trusts the root; made if it is not there.
    """
    database = f"sql:{nss}"
    if not nss.exists():
        nss.mkdir()
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


def ask_openssl(credential: dict[str, Any], root_pem: Path, folder: Path) -> Verdict:
    """Let openssl judge a credential's certificate by the revocation list that it names, fetched now."""
    signer = base64.b64decode(credential["certificate"])
    (issuing, *_) = [base64.b64decode(link) for link in credential["chain"]]
    (newest,) = _revocation_lists([x509.Certificate.load(signer)])
    given = {
        "signer": ("CERTIFICATE", signer),
        "issuing": ("CERTIFICATE", issuing),
        "list": ("X509 CRL", newest.dump()),
    }
    for name, (kind, der) in given.items():
        (folder / f"{name}.pem").write_bytes(pem.armor(kind, der))
    listed = ("-crl_check", "-CRLfile", str(folder / "list.pem"))
    above = ("-CAfile", str(root_pem), "-untrusted", str(folder / "issuing.pem"))
    command = ["openssl", "verify", *listed, *above, str(folder / "signer.pem")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    words = (done.stdout + done.stderr).strip()
    return Verdict(done.returncode == 0 and words.endswith(": OK"), words)


def _revocation_lists(chain: list[x509.Certificate]) -> list[crl.CertificateList]:
    points = sorted({point.url for certificate in chain for point in certificate.crl_distribution_points})
    return [crl.CertificateList.load(httpx.get(url).raise_for_status().content) for url in points]


def _call(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
