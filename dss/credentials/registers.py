"""The sealed tables of this capability: how a row becomes a value, and which of its columns may change."""

from typing import Any

from dss.audit.seals import Register, Row
from dss.credentials.model import Authority, Credential, CredentialState, Spending
from dss.credentials.offline import OfflineKey
from dss.credentials.session import Session
from dss.credentials.tables import activations, credentials, offline_keys, sessions
from dss.devices.request import Kind
from dss.kernel import b64
from dss.kernel.ids import CredentialId, DeviceId, TransactionId, UserId
from dss.kernel.keyspec import KeySpec
from dss.kernel.policy import SAYS_NOTHING, Policy


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
        policy=SAYS_NOTHING if row["policy"] is None else Policy.of_member(row["policy"]),
    )


def _of_credential(credential: Credential) -> dict[str, Any]:
    told = ("key_blob", "subject", "certificate", "not_before", "not_after", "relock", "password", "password_failures")
    return {name: getattr(credential, name) for name in told} | {
        "state": credential.state.value,
        "chain": [b64.encode(link) for link in credential.chain] or None,
        "suspended_by": credential.suspended_by.value if credential.suspended_by else None,
        "holders": list(credential.holders),
        "policy": credential.policy.member() or None,
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


def row_of_session(session: Session) -> dict[str, Any]:
    """Return the row of a session that was just confirmed."""
    fixed = {name: getattr(session, name) for name in ("credential_id", "signatures", "started_at", "ends_at")}
    return {"transaction_id": session.transaction, "used": session.used, **fixed}


def _session(row: Row) -> Session:
    return Session(
        transaction=TransactionId(row["transaction_id"]),
        credential_id=CredentialId(row["credential_id"]),
        signatures=row["signatures"],
        used=row["used"],
        started_at=row["started_at"],
        ends_at=row["ends_at"],
    )


def _offline(row: Row) -> OfflineKey:
    return OfflineKey(
        credential_id=CredentialId(row["credential_id"]),
        device_id=DeviceId(row["device_id"]),
        secrets=row["secrets"],
        pin_check=row["pin_check"],
        failures=row["failures"],
        set_at=row["set_at"],
        ended_at=row["ended_at"],
    )


def _of_offline(key: OfflineKey) -> dict[str, Any]:
    changing = ("device_id", "secrets", "pin_check", "failures", "set_at", "ended_at")
    return {name: getattr(key, name) for name in changing}


def row_of_offline(key: OfflineKey) -> dict[str, Any]:
    """Return the row of what a phone set up for a credential."""
    return {"credential_id": key.credential_id, **_of_offline(key)}


CREDENTIALS = Register("credential", credentials, _credential, _of_credential, later=("policy",))
ACTIVATIONS = Register("activation", activations, _spending, _of_spending, key="transaction_id")
SESSIONS = Register("session", sessions, _session, lambda session: {"used": session.used}, key="transaction_id")
OFFLINE_KEYS = Register("offline", offline_keys, _offline, _of_offline, key="credential_id")
