"""The operations of /v1."""

from dss.web.http.bearer import BEARER
from dss.web.http.op import Protocol
from dss.web.rest import audit, credentials, documents, evidence, operators, signatures

V1 = Protocol(
    "v1",
    (
        documents.upload_document,
        documents.list_documents,
        documents.read_document,
        signatures.open_signature,
        signatures.list_signatures,
        signatures.read_signature,
        signatures.cancel_signature,
        signatures.collect_document,
        evidence.read_signature_evidence,
        evidence.read_signature_report,
        credentials.request_credential,
        credentials.list_credentials,
        credentials.read_credential,
        *operators.OPERATIONS,
        audit.search_audit_events,
    ),
    security=BEARER,
)
