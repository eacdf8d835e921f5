"""The sealed tables of this capability: how a row becomes a value, and which of its columns may change."""

from typing import Any

from dss.audit.seals import Register, Row
from dss.credentials.model import Authority, Credential, CredentialState, Spending
from dss.credentials.tables import activations, credentials
from dss.devices.request import Kind
from dss.kernel import b64
from dss.kernel.ids import CredentialId, DeviceId, TransactionId, UserId
from dss.kernel.keyspec import KeySpec


def _credential(row: Row) -> Credential:
    return Credential(
        id=CredentialId(row["id"]),
        user_id=UserId(row["user_id"]),
        state=CredentialState(row["state"]),
        key_spec=KeySpec(row["key_spec"]),
        kek_id=row["kek_id"],
        key_blob=row["key_blob"],
        public_key=row["public_key"],
        csr=row["request_csr"],
        subject=row["subject"],
        certificate=row["certificate"],
        chain=tuple(b64.decode(link) for link in row["chain"] or ()),
        not_before=row["not_before"],
        not_after=row["not_after"],
        created_at=row["created_at"],
        suspended_by=Authority(row["suspended_by"]) if row["suspended_by"] else None,
        relock=bool(row["relock"]),
        holders=tuple(DeviceId(id) for id in row["holders"] or ()),
        password=row["password"],
        replaces=CredentialId(row["replaces"]) if row["replaces"] else None,
        password_failures=row["password_failures"] or 0,
    )


def _of_credential(credential: Credential) -> dict[str, Any]:
    told = ("key_blob", "subject", "certificate", "not_before", "not_after", "relock", "password", "password_failures")
    return {name: getattr(credential, name) for name in told} | {
        "state": credential.state.value,
        "chain": [b64.encode(link) for link in credential.chain] or None,
        "suspended_by": credential.suspended_by.value if credential.suspended_by else None,
        "holders": list(credential.holders),
    }


def row_of(credential: Credential) -> dict[str, Any]:
    """Return the row of a new credential."""
    kept = ("id", "user_id", "kek_id", "public_key", "created_at", "replaces")
    fixed = {name: getattr(credential, name) for name in kept}
    named = {"key_spec": credential.key_spec.value, "request_csr": credential.csr}
    return fixed | named | _of_credential(credential)


def _spending(row: Row) -> Spending:
    return Spending(
        transaction=TransactionId(row["transaction_id"]),
        kind=Kind(row["kind"]),
        device=DeviceId(row["device_id"]),
        binding=row["binding"],
        answer_sha256=row["answer_sha256"],
        counter=row["counter"],
        accepted_at=row["accepted_at"],
        lease=row["lease"],
        reserved_at=row["reserved_at"],
        consumed_at=row["consumed_at"],
    )


def _of_spending(spending: Spending) -> dict[str, Any]:
    return {"lease": spending.lease, "reserved_at": spending.reserved_at, "consumed_at": spending.consumed_at}


def row_of_spending(spending: Spending) -> dict[str, Any]:
    """Return the row of an activation that was just accepted."""
    fixed = {name: getattr(spending, name) for name in ("binding", "answer_sha256", "counter", "accepted_at")}
    named = {"transaction_id": spending.transaction, "kind": spending.kind.value, "device_id": spending.device}
    return fixed | named | _of_spending(spending)


CREDENTIALS = Register("credential", credentials, _credential, _of_credential)
ACTIVATIONS = Register("activation", activations, _spending, _of_spending, key="transaction_id")
