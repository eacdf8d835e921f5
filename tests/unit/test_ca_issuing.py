"""A certificate is linted before the issuer's key signs it, and what was linted is what is signed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from dss.ca import lint, profiles
from dss.ca.issuing import Draft, Issuer, prepare
from dss.ca.lint import LintRefused, faults_of
from dss.ca.model import Validity
from dss.ca.profiles import Rules
from dss.kernel.errors import DssError, Invalid
from dss.kernel.keyspec import KeySpec
from tests.world.authorities import ALICE, ISSUING, ROOT, SETTINGS
from tests.world.cakeys import new_key

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
YEAR = timedelta(days=365)
SPECS = (KeySpec.P256, KeySpec.P384, KeySpec.P521, KeySpec.RSA_2048)


def self_signed(key):
    return Issuer("demo-root", "root-key", ROOT.subject(), key.public_key(), None)


def draft_of(profile, subject, key):
    return Draft(profiles.load(profile), subject, key.public_key(), Validity(NOW, NOW + YEAR), 0x1F00D)


def issuer_with(key):
    return Issuer("demo-issuing", "k", ISSUING.subject(), key.public_key(), certificate_of("issuing", ISSUING, key))


def certificate_of(profile, new, key):
    draft = draft_of(profile, new.subject(), key)
    return prepare(draft, replace(self_signed(key), subject=new.subject()), SETTINGS).sign(key)


def extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind)


@pytest.fixture(scope="module")
def signer():
    ca_key = new_key(KeySpec.P384)
    draft = draft_of("signer", ALICE.name(), new_key(KeySpec.P256))
    return prepare(draft, issuer_with(ca_key), SETTINGS).sign(ca_key)


@pytest.mark.parametrize("ca_spec", SPECS)
@pytest.mark.parametrize("spec", SPECS)
def test_every_kind_of_key_is_certified_by_every_kind_of_ca(ca_spec, spec):
    ca_key, key = new_key(ca_spec), new_key(spec)
    issuer = issuer_with(ca_key)

    certificate = prepare(draft_of("signer", ALICE.name(), key), issuer, SETTINGS).sign(ca_key)

    certificate.verify_directly_issued_by(issuer.certificate)
    assert certificate.public_key() == key.public_key()


def test_the_signed_bytes_are_the_linted_bytes(monkeypatch):
    seen = []
    monkeypatch.setattr(lint, "require_clean", lambda der, _: seen.append(x509.load_der_x509_certificate(der)))
    key = new_key(KeySpec.P384)

    certificate = prepare(draft_of("root", ROOT.subject(), key), self_signed(key), SETTINGS).sign(key)

    (linted,) = seen
    assert linted.tbs_certificate_bytes == certificate.tbs_certificate_bytes
    assert linted.signature != certificate.signature


def test_a_key_of_another_kind_cannot_sign_what_was_linted():
    """The algorithm is inside the signed bytes, so these would not be those that were linted."""
    key = new_key(KeySpec.P384)
    linted = prepare(draft_of("root", ROOT.subject(), key), self_signed(key), SETTINGS)

    with pytest.raises(DssError, match="not the one that was linted"):
        linted.sign(new_key(KeySpec.RSA_2048))


def test_another_key_of_the_same_kind_cannot_sign_what_was_linted():
    key = new_key(KeySpec.P384)
    linted = prepare(draft_of("root", ROOT.subject(), key), self_signed(key), SETTINGS)

    with pytest.raises(DssError, match="does not verify"):
        linted.sign(new_key(KeySpec.P384))


def test_a_signer_may_commit_to_content_and_nothing_else(signer):
    """EN 319 412-2 clause 4.3.2, type A."""
    usage = extension(signer, x509.KeyUsage)

    assert usage.critical
    assert usage.value.content_commitment
    assert not any(
        (
            usage.value.digital_signature,
            usage.value.key_encipherment,
            usage.value.data_encipherment,
            usage.value.key_agreement,
            usage.value.key_cert_sign,
            usage.value.crl_sign,
        )
    )
    with pytest.raises(x509.ExtensionNotFound):
        extension(signer, x509.BasicConstraints)


def test_a_signers_certificate_says_where_its_issuer_and_crl_are(signer):
    """RFC 5280 sections 4.2.1.13 and 4.2.2.1, EN 319 412-2 clauses 4.3.11 and 4.4.1."""
    (access,) = extension(signer, x509.AuthorityInformationAccess).value
    (point,) = extension(signer, x509.CRLDistributionPoints).value

    assert access.access_location.value == "http://127.0.0.1:8080/pki/demo-issuing.cer"
    assert point.full_name[0].value == "http://127.0.0.1:8080/pki/demo-issuing.crl"


def test_a_signers_certificate_names_the_operators_policy_and_claims_no_qualified_status(signer):
    """EN 319 412-5: nothing but the form of the identifier (EN 319 412-1 clause 5.1.1) is stated."""
    (policy,) = extension(signer, x509.CertificatePolicies).value
    statements = signer.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")).value.value

    assert policy.policy_identifier.dotted_string == SETTINGS.policy_oid
    assert statements.hex() == "30173015" + "06082b06010505070b02" + "3009" + "060704008bec490101"


def test_without_an_identifier_nothing_is_said_of_its_form():
    key = new_key(KeySpec.P256)
    anonymous = replace(ALICE, serial_number=None)
    certificate = prepare(draft_of("signer", anonymous.name(), key), issuer_with(key), SETTINGS).sign(key)

    assert "1.3.6.1.5.5.7.1.3" not in {one.oid.dotted_string for one in certificate.extensions}


def test_no_ca_may_follow_below_the_issuing_ca():
    """RFC 5280 section 4.2.1.9."""
    key = new_key(KeySpec.P384)
    constraints = extension(certificate_of("issuing", ISSUING, key), x509.BasicConstraints)

    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ([(NameOID.COMMON_NAME, "Alice"), (NameOID.GIVEN_NAME, "A")], "nat-4.2.4-1.required_attribute_missing"),
        ([(NameOID.COUNTRY_NAME, "UA"), (NameOID.COMMON_NAME, "Alice")], "nat-4.2.4-1.required_attribute_missing"),
        ([*((one.oid, one.value) for one in ALICE.name()), (NameOID.COMMON_NAME, "B")], "nat-4.2.4-3"),
    ],
)
def test_a_name_that_breaks_the_standard_is_not_signed(name, fault):
    """EN 319 412-2 clause 4.2.4."""
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in name])
    key = new_key(KeySpec.P256)

    with pytest.raises(LintRefused, match=fault):
        prepare(draft_of("signer", subject, key), issuer_with(key), SETTINGS)


def test_a_ca_that_could_not_sign_certificates_is_not_made():
    """RFC 5280 section 4.2.1.3: a CA has keyCertSign."""
    key = new_key(KeySpec.P384)
    draft = draft_of("root", ROOT.subject(), key)
    lame = replace(draft, profile=replace(draft.profile, key_usage=frozenset({"crl_sign"})))

    with pytest.raises(LintRefused, match="key"):
        prepare(lame, self_signed(key), SETTINGS)


def test_every_accepted_finding_is_one_that_the_linter_makes(signer):
    """An exception that nothing needs would hide a fault to come."""
    found = {code for code, _ in faults_of(signer.public_bytes(Encoding.DER), Rules.ETSI_NATURAL_PERSON)}

    assert found == set(profiles.load("signer").accepted)
    assert [profiles.load(name).accepted for name in ("root", "issuing", "seal")] == [{}, {}, {}]


def test_on_a_public_host_there_is_nothing_to_accept():
    key = new_key(KeySpec.P256)
    public = replace(SETTINGS, base_url="http://pki.example.com")
    strict = replace(profiles.load("signer"), accepted={})
    draft = replace(draft_of("signer", ALICE.name(), key), profile=strict)

    assert prepare(draft, issuer_with(key), public)


@pytest.mark.parametrize("name", ["", "unknown", "../profiles/root", "root.toml", "__init__"])
def test_there_are_no_other_profiles(name):
    with pytest.raises(Invalid, match="no certificate profile"):
        profiles.load(name)
