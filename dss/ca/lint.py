"""Linting: is a certificate what the standards ask for, judged by rules that others wrote down.

Source: RFC 5280, EN 319 412-1, EN 319 412-2, EN 319 412-5, TS 119 312, as pkilint reads them.
"""

from functools import cache
from typing import Any

from dss.ca.profiles import Profile, Rules
from dss.kernel.errors import Invalid


class LintRefused(Invalid):
    """A certificate that would break a standard was not signed."""

    code, title = "lint_refused", "The certificate would not follow the standards"


def require_clean(certificate: bytes, profile: Profile) -> None:
    """Raise LintRefused if a certificate, DER, breaks a `shall` or a `should` that its profile does not accept.

    Notices and information are not looked at: they name what is neither. Blocking, and slow the first time.
    """
    faults = [text for code, text in faults_of(certificate, profile.rules) if code not in profile.accepted]
    if faults:
        raise LintRefused(f"the linter finds: {'; '.join(faults)}")


def faults_of(certificate: bytes, rules: Rules) -> list[tuple[str, str]]:
    """Return the faults of a certificate, DER, each with its code and a text; warnings are faults."""
    from pkilint import loader, validation  # noqa: PLC0415  half a second to load: only for those who issue

    document = loader.RFC5280CertificateDocumentLoader().load_der_document(certificate)
    results = _validator(rules).validate(document.root)
    found = [finding for result in results for finding in result.finding_descriptions]
    worst = validation.ValidationFindingSeverity.WARNING
    return [(one.finding.code, str(one)) for one in found if one.finding.severity <= worst]


@cache
def _validator(rules: Rules) -> Any:
    from pkilint.pkix import certificate  # noqa: PLC0415  as above

    decoding, validating = _natural_person() if rules is Rules.ETSI_NATURAL_PERSON else _pkix()
    return certificate.create_pkix_certificate_validator_container(decoding, validating)


def _natural_person() -> tuple[list[Any], list[Any]]:
    from pkilint import etsi  # noqa: PLC0415  as above
    from pkilint.etsi.etsi_constants import CertificateType  # noqa: PLC0415  as above

    kind = CertificateType.NCP_NATURAL_PERSON_CERTIFICATE
    return etsi.create_decoding_validators(kind), etsi.create_validators(kind)


def _pkix() -> tuple[list[Any], list[Any]]:
    from pkilint.pkix import certificate, extension, name  # noqa: PLC0415  as above

    decoding = certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS)
    validating = [
        certificate.create_issuer_validator_container([]),
        certificate.create_validity_validator_container(),
        certificate.create_subject_validator_container([]),
        certificate.create_extensions_validator_container([]),
        certificate.create_spki_validator_container([]),
    ]
    return decoding, validating
