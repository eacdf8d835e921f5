"""Others judge what the CA makes, with keys in a real HSM too: OpenSSL, the PDF validator's path builder, a linter."""

import shutil
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1
from cryptography import x509
from pkilint import loader, pkix, validation
from pkilint.pkix import crl as crl_lint
from pkilint.pkix import extension, name
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import RevokedError

from dss.ca.model import Reason
from dss.hsm.cakeys import CaKeys
from dss.hsm.token import Token
from dss.kernel.keyspec import KeySpec
from tests.world.authorities import ISSUING, ROOT, Authorities
from tests.world.softhsm import SoftHsm

OPENSSL = shutil.which("openssl") or "openssl"


@dataclass
class Files:
    """What OpenSSL is given, in PEM files of one folder."""

    folder: Path
    at: float

    def put(self, name, label, *ders):
        pems = [self.run([label, "-inform", "DER"], der)[1] for der in ders]
        (self.folder / name).write_text("".join(pems))

    def run(self, arguments, given=b""):
        command = [OPENSSL, *arguments]
        done = subprocess.run(command, input=given, cwd=self.folder, capture_output=True, check=False, timeout=20)
        return done.returncode, (done.stdout + done.stderr).decode()

    def verify(self, *options):
        at = ["-attime", str(int(self.at)), "-x509_strict"]
        return self.run(["verify", *at, "-CAfile", "root.pem", "-untrusted", "issuing.pem", *options, "signer.pem"])


@pytest.fixture
async def world(database):
    return await Authorities.over(database).set_up()


async def put_files(world, folder, issued):
    files = Files(folder, world.clock.now().timestamp() + 1)
    files.put("signer.pem", "x509", issued.certificate)
    files.put("issuing.pem", "x509", issued.chain[0])
    files.put("root.pem", "x509", issued.chain[1])
    files.put("crls.pem", "crl", *[(await world.ca.crl(ca)).der for ca in ("demo-root", "demo-issuing")])
    return files


def serial_of(issued):
    return x509.load_der_x509_certificate(issued.certificate).serial_number


@pytest.mark.parametrize("spec", [KeySpec.P256, KeySpec.RSA_2048])
async def test_openssl_verifies_the_chain_and_both_crls(world, tmp_path, spec):
    files = await put_files(world, tmp_path, await world.certify(spec=spec))

    assert files.verify("-crl_check_all", "-CRLfile", "crls.pem") == (0, "signer.pem: OK\n")


async def test_openssl_finds_a_revoked_signer(world, tmp_path):
    issued = await world.certify()
    await world.ca.revoke(f"{serial_of(issued):x}", Reason.KEY_COMPROMISE, "operator:o1")
    files = await put_files(world, tmp_path, issued)

    code, told = files.verify("-crl_check_all", "-CRLfile", "crls.pem")
    assert code != 0
    assert "certificate revoked" in told


async def test_openssl_reads_the_crl(world, tmp_path):
    issued = await world.certify()
    await world.ca.revoke(f"{serial_of(issued):x}", Reason.KEY_COMPROMISE, "operator:o1")
    files = await put_files(world, tmp_path, issued)

    arguments = ["crl", "-inform", "DER", "-noout", "-text", "-CAfile", "issuing.pem"]
    code, told = files.run(arguments, (await world.ca.crl("demo-issuing")).der)

    assert code == 0
    serial = f"{serial_of(issued):X}"
    whole_bytes = serial.zfill(len(serial) + len(serial) % 2)
    for line in ("verify OK", "X509v3 CRL Number", f"Serial Number: {whole_bytes}", "Key Compromise"):
        assert line in told


async def validate(world, issued):
    """Validate as the PDF validator does: content commitment is asked for, revocation is checked."""
    context = ValidationContext(
        trust_roots=[asn1.Certificate.load(issued.chain[1])],
        other_certs=[asn1.Certificate.load(issued.chain[0])],
        crls=[asn1_crl.CertificateList.load((await world.ca.crl(ca)).der) for ca in ("demo-root", "demo-issuing")],
        moment=world.clock.now() + timedelta(seconds=1),
        revocation_mode="require",
    )
    validator = CertificateValidator(asn1.Certificate.load(issued.certificate), validation_context=context)
    return await validator.async_validate_usage({"non_repudiation"})


async def test_the_path_is_valid_for_signing_documents(world):
    path = await validate(world, await world.certify())

    assert [certificate.subject.native["common_name"] for certificate in path] == [
        "Demo Root CA",
        "Demo Issuing CA",
        "Олена Коваль",
    ]


async def test_the_path_of_a_revoked_signer_is_not_valid(world):
    issued = await world.certify()
    await world.ca.revoke(f"{serial_of(issued):x}", Reason.KEY_COMPROMISE, "operator:o1")

    with pytest.raises(RevokedError):
        await validate(world, issued)


async def test_the_linter_of_crls_finds_nothing(world):
    """RFC 5280 section 5."""
    for reason in Reason:
        issued = await world.certify()
        await world.ca.revoke(f"{serial_of(issued):x}", reason, "operator:o1")

    assert crl_faults((await world.ca.crl("demo-issuing")).der) == []
    assert crl_faults((await world.ca.crl("demo-root")).der) == []


def crl_faults(der):
    linter = crl_lint.create_pkix_crl_validator_container(
        [
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [
            crl_lint.create_issuer_validator_container([]),
            crl_lint.create_validity_validator_container([]),
            crl_lint.create_extensions_validator_container([]),
        ],
    )
    results = linter.validate(loader.RFC5280CertificateListDocumentLoader().load_der_document(der).root)
    found = [finding for result in results for finding in result.finding_descriptions]
    return [one for one in found if one.finding.severity <= validation.ValidationFindingSeverity.WARNING]


async def test_with_keys_in_a_real_hsm_the_chain_and_the_crls_verify(database, softhsm: SoftHsm, tmp_path):
    world = Authorities.over(database)
    token = Token(softhsm.ca)
    try:
        world.ca = world.with_keys(CaKeys(token))
        await world.ca.create_root(ROOT)
        await world.ca.create_issuing(ISSUING, "demo-root")
        issued = await world.certify()
    finally:
        token.close()

    files = await put_files(world, tmp_path, issued)
    assert files.verify("-crl_check_all", "-CRLfile", "crls.pem") == (0, "signer.pem: OK\n")
