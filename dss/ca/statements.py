"""Statements of the qcStatements extension. Source: RFC 3739 section 3.2.6, EN 319 412-1 clause 5.1."""

from typing import ClassVar

from asn1crypto import core
from cryptography import x509

QC_STATEMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")
PKIX_SYNTAX_V2 = "1.3.6.1.5.5.7.11.2"  # id-qcs-pkixQCSyntax-v2


def identifier_semantics(oid: str) -> x509.UnrecognizedExtension:
    """Return an extension that says how the subject's serialNumber is formed, and claims nothing else.

    oid: of the semantics, as id-etsi-qcs-semanticsId-Natural.
    """
    statement = {"statement_id": PKIX_SYNTAX_V2, "statement_info": {"semantics_identifier": oid}}
    return x509.UnrecognizedExtension(QC_STATEMENTS, _Statements([statement]).dump())


class _Semantics(core.Sequence):  # type: ignore[misc]  # asn1crypto ships no types
    _fields: ClassVar = [("semantics_identifier", core.ObjectIdentifier)]


class _Statement(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar = [("statement_id", core.ObjectIdentifier), ("statement_info", _Semantics)]


class _Statements(core.SequenceOf):  # type: ignore[misc]
    _child_spec: ClassVar = _Statement
