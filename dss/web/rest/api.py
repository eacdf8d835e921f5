"""The operations of /v1."""

from dss.web.http.bearer import BEARER
from dss.web.http.op import Protocol
from dss.web.rest import audit, credentials, documents, evidence, links, offline, operators, sessions, signatures

V1 = Protocol(
    "v1",
    (
        documents.upload_document,
        documents.list_documents,
        documents.read_document,
        signatures.open_signature,
        signatures.list_signatures,
        signatures.read_signature,
        signatures.read_results,
        signatures.cancel_signature,
        signatures.collect_document,
        evidence.read_signature_evidence,
        evidence.read_signature_report,
        links.read_device_link,
        links.read_device_link_picture,
        offline.read_offline_qr,
        offline.read_offline_qr_picture,
        offline.answer_by_code,
        sessions.open_session,
        sessions.list_sessions,
        sessions.read_session,
        sessions.end_session,
        credentials.request_credential,
        credentials.list_credentials,
        credentials.read_credential,
        *operators.OPERATIONS,
        audit.search_audit_events,
    ),
    security=BEARER,
)
