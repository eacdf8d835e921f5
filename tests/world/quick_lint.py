"""Certificates that differ from one that was linted already by their keys alone."""

import os
from collections.abc import Iterator
from functools import partial

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from dss.ca import lint
from dss.ca.profiles import Rules

IN_EARNEST = lint.faults_of
OF_KEYS = {ExtensionOID.SUBJECT_KEY_IDENTIFIER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER}

Faults = list[tuple[str, str]]


@pytest.fixture(scope="session", autouse=True)
def _quick_lint() -> Iterator[None]:
    """Let a CA lint each form of certificate once in a test process: the linter takes longer than issuing does.

    With DSS_SOAK=1 all certificates are linted.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("DSS_SOAK"):
            patch.setattr(lint, "faults_of", partial(_faults_of, {}))
        yield


def _faults_of(known: dict[tuple[object, ...], Faults], certificate: bytes, rules: Rules) -> Faults:
    form = (rules, *_form(x509.load_der_x509_certificate(certificate)))
    if form not in known:
        known[form] = IN_EARNEST(certificate, rules)
    return known[form]


def _form(read: x509.Certificate) -> Iterator[object]:
    """All that is in a certificate but numbers of keys: its own, those of the signature, and the serial number's."""
    key = read.public_key()
    yield type(key), getattr(key, "key_size", None)
    yield read.version, read.signature_algorithm_oid, read.serial_number.bit_length() // 8
    yield read.issuer.public_bytes(), read.subject.public_bytes(), read.not_valid_after_utc - read.not_valid_before_utc
    for one in read.extensions:
        yield one.oid, one.critical, None if one.oid in OF_KEYS else one.value.public_bytes()
