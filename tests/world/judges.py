"""Outside judges, who know what the server publishes: OpenSSL of certificates, pyHanko of signed files."""

import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1
from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext

from dss.kernel import b64
from dss.kernel.errors import DssError
from dss.worker.rounds import JOBS
from tests.world.world import Application, World

OPENSSL = shutil.which("openssl") or "openssl"
REVOKED = "certificate revoked"


async def worker_round(world: World) -> None:
    """Let the worker do each of its jobs once; as there, one that is postponed keeps no other from its turn."""
    for job in JOBS:
        with suppress(DssError):
            await job.do(world.services)


@dataclass
class Judge:
    """Judges by what anybody can fetch."""

    world: World

    async def published(self, name: str) -> bytes:
        """Fetch what the server publishes: a list of revoked certificates or a CA's certificate, DER."""
        async with self.world.http() as http:
            answer = await http.get(f"/pki/{name}")
        assert answer.status_code == 200, answer.text
        return answer.content

    async def entry(self, certificate: bytes) -> x509.RevokedCertificate | None:
        """Return what the newest list says of a certificate, DER; None where it is not listed."""
        crl = x509.load_der_x509_crl(await self.published("issuing.crl"))
        issuing = x509.load_der_x509_certificate(await self.published("issuing.cer"))
        assert crl.is_signature_valid(issuing.public_key())  # type: ignore[arg-type]
        return crl.get_revoked_certificate_by_serial_number(x509.load_der_x509_certificate(certificate).serial_number)

    async def openssl(self, certificate: bytes, folder: Path) -> str:
        """Return what `openssl verify -crl_check` says of a certificate, DER, now."""
        given = {
            "root": ("x509", await self.published("root.cer")),
            "issuing": ("x509", await self.published("issuing.cer")),
            "crl": ("crl", await self.published("issuing.crl")),
            "signer": ("x509", certificate),
        }
        for name, (kind, der) in given.items():
            (folder / f"{name}.pem").write_text(_openssl([kind, "-inform", "DER"], der))
        at = str(int(self.world.clock.now().timestamp()) + 1)
        trusted = ["-CAfile", folder / "root.pem", "-untrusted", folder / "issuing.pem"]
        listed = ["-crl_check", "-CRLfile", folder / "crl.pem"]
        return _openssl(["verify", "-attime", at, "-x509_strict", *trusted, *listed, folder / "signer.pem"])

    async def pyhanko(self, pdf: bytes) -> PdfSignatureStatus:
        """Return pyHanko's status of a file's newest signature, now; it must find a list that tells of each."""
        embedded = PdfFileReader(BytesIO(pdf)).embedded_signatures[-1]
        lists = [asn1_crl.CertificateList.load(await self.published(f"{ca}.crl")) for ca in ("root", "issuing")]
        context = ValidationContext(
            trust_roots=[asn1.Certificate.load(await self.published("root.cer"))],
            other_certs=[embedded.signer_cert, *embedded.other_embedded_certs],
            crls=lists,
            revocation_mode="require",
            moment=self.world.clock.now(),
        )
        return await async_validate_pdf_signature(embedded, signer_validation_context=context)


async def certificate_of(application: Application, id: str) -> bytes:
    """Return a credential's certificate, DER, as a relying application reads it."""
    return b64.decode((await application.get(f"/v1/credentials/{id}"))["certificate"])


def _openssl(arguments: list[str | Path], given: bytes = b"") -> str:
    done = subprocess.run([OPENSSL, *arguments], input=given, capture_output=True, check=False, timeout=20)
    return (done.stdout + done.stderr).decode()
