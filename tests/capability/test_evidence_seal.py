"""The seal on the printable report, as outside readers see it, and the record that is attached under it."""

import asyncio
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from dss.ca.service_certificates import ServiceCertificates
from dss.documents import pades
from dss.documents.model import NotVerified
from dss.evidence import report
from dss.evidence.sealing import Reports
from dss.hsm.servicekeys import KeyName
from dss.infra.db import Database
from dss.kernel.errors import HsmUnavailable, Invalid, Unavailable
from tests.world.authorities import Authorities
from tests.world.clock import START
from tests.world.proven import TRANSACTION, record, signed
from tests.world.servicekeys import SoftwareServiceKeys

ATTACHED = f"evidence-{TRANSACTION}.json"
SEAL = KeyUsageConstraints(key_usage={"non_repudiation"})


@dataclass
class Printer:
    """The reports of an installation whose seal is certified, with its keys and CAs, and a folder for outside tools."""

    authorities: Authorities
    keys: SoftwareServiceKeys
    certificates: ServiceCertificates
    reports: Reports
    folder: Path

    async def printed(self, language: str = "en", **changes: object) -> bytes:
        """A report of a signature."""
        return await self.reports.report(record(), signed(**changes), language)

    async def pyhanko(self, pdf: bytes) -> PdfSignatureStatus:
        """What pyHanko says of the seal, given the root and the lists of revoked certificates."""
        (embedded,) = PdfFileReader(BytesIO(pdf)).embedded_signatures
        ca = self.authorities.ca
        context = ValidationContext(
            trust_roots=[asn1.Certificate.load((await ca.certificate("demo-root")).der)],
            other_certs=embedded.other_embedded_certs,
            crls=[asn1_crl.CertificateList.load((await ca.crl(one)).der) for one in ("demo-root", "demo-issuing")],
            revocation_mode="require",
            moment=self.authorities.clock.now(),
        )
        return await async_validate_pdf_signature(embedded, context, key_usage_settings=SEAL)

    async def pdfsig(self, pdf: bytes) -> str:
        """What poppler says of the seal, with the root in its database of trusted certificates."""
        root = x509.load_der_x509_certificate((await self.authorities.ca.certificate("demo-root")).der)
        (self.folder / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
        database = f"sql:{self.folder}"
        await asyncio.to_thread(tool, "certutil", "-N", "-d", database, "--empty-password")
        trusted = ("-n", "root", "-t", "CT,C,C", "-i", str(self.folder / "root.pem"))
        await asyncio.to_thread(tool, "certutil", "-A", "-d", database, *trusted)
        return (await asyncio.to_thread(tool, "pdfsig", "-nssdir", database, self.file(pdf))).decode()

    def file(self, pdf: bytes) -> str:
        """Where the report lies for a tool."""
        path = self.folder / "report.pdf"
        path.write_bytes(pdf)
        return str(path)


def tool(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True, timeout=30).stdout


@pytest.fixture
async def printer(database: Database, tmp_path: Path) -> Printer:
    """The clock tells the machine's time, by which pdfsig judges certificates."""
    authorities = Authorities.over(database)
    authorities.clock.move((datetime.now(UTC).replace(microsecond=0) - START).total_seconds())
    await authorities.set_up()
    keys = SoftwareServiceKeys()
    certificates = ServiceCertificates(authorities.ca, keys, authorities.clock, "Acme", "demo-issuing")
    await certificates.ensure(KeyName.EVIDENCE_SEAL)
    reports = Reports(keys, certificates, authorities.clock)
    return Printer(authorities, keys, certificates, reports, tmp_path)


async def test_the_seal_is_valid_trusted_and_covers_the_whole_report(printer: Printer):
    """docs/evidence.md section 5, ETSI EN 319 142-1 section 6 (level B-B)."""
    status = await printer.pyhanko(await printer.printed())

    assert status.bottom_line
    assert status.coverage is SignatureCoverageLevel.ENTIRE_FILE
    assert status.signing_cert.subject.native["common_name"] == "Acme evidence seal"


async def test_the_seal_bears_the_time_of_the_server(printer: Printer):
    (embedded,) = PdfFileReader(BytesIO(await printer.printed())).embedded_signatures

    assert embedded.self_reported_timestamp == printer.authorities.clock.now()


async def test_pdfsig_calls_the_seal_valid_and_its_certificate_trusted(printer: Printer):
    told = await printer.pdfsig(await printer.printed())

    assert "Signature Validation: Signature is Valid." in told
    assert "Certificate Validation: Certificate is Trusted." in told
    assert "Signature Type: ETSI.CAdES.detached" in told
    assert "Total document signed" in told


async def test_a_changed_report_has_no_valid_seal(printer: Printer):
    pdf = await printer.printed()

    changed = pdf.replace(TRANSACTION.encode(), TRANSACTION.replace("TX", "TY").encode(), 1)

    assert changed != pdf
    assert not (await printer.pyhanko(changed)).intact


async def test_the_key_signs_once_and_what_it_signed_is_verified_before_the_report_is_given_out(printer: Printer):
    await printer.printed()
    made = printer.keys.signatures_made
    await printer.printed()
    assert printer.keys.signatures_made == made + 1

    stranger = Reports(SoftwareServiceKeys(), printer.certificates, printer.authorities.clock)
    with pytest.raises(NotVerified):
        await stranger.report(record(), signed(), "en")


async def test_without_the_hsm_there_is_no_report(printer: Printer):
    printer.keys.stopped = True

    with pytest.raises(HsmUnavailable):
        await printer.printed()


async def test_without_a_certificate_of_the_seal_there_is_no_report_yet(printer: Printer):
    keys, clock = SoftwareServiceKeys(), printer.authorities.clock
    others = ServiceCertificates(printer.authorities.ca, keys, clock, "Acme", "demo-issuing")

    with pytest.raises(Unavailable):
        await Reports(keys, others, clock).report(record(), signed(), "en")


async def test_the_record_is_attached_byte_for_byte(printer: Printer):
    file = printer.file(await printer.printed())

    listed = tool("pdfdetach", "-list", file).decode()
    tool("pdfdetach", "-savefile", ATTACHED, "-o", f"{file}.json", file)
    assert listed.split() == ["1", "embedded", "files", "1:", ATTACHED]
    assert Path(f"{file}.json").read_bytes() == record()


async def test_a_report_is_printed_and_sealed_beside_the_event_loop(printer: Printer, monkeypatch: pytest.MonkeyPatch):
    """What takes processor time takes it in other threads than the one that serves requests."""
    threads = []

    def noted(work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            threads.append(threading.current_thread())
            return work(*given)

        return run

    monkeypatch.setattr(report, "print_report", noted(report.print_report))
    monkeypatch.setattr(pades, "prepare", noted(pades.prepare))
    monkeypatch.setattr(pades, "complete", noted(pades.complete))
    await printer.printed()

    assert len(threads) == 3
    assert threading.current_thread() not in threads


async def test_a_language_that_is_not_spoken_is_refused(printer: Printer):
    with pytest.raises(Invalid):
        await printer.printed("de")
