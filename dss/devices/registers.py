"""The sealed tables of this capability: how a row becomes a value, and which of its columns may change."""

from typing import Any

from dss.audit.seals import Register, Row
from dss.devices.model import (
    BoxKey,
    Counted,
    Device,
    DeviceState,
    Enrolment,
    EnrolmentState,
    Introduction,
    LockReason,
    Share,
    ShareState,
)
from dss.devices.tables import box_keys, devices, enrolments, shares
from dss.kernel import b64
from dss.kernel.ids import BoxKeyId, CredentialId, DeviceId, EnrolmentId, TransactionId, UserId


def _device(row: Row) -> Device:
    recent = tuple(Counted(counter, b64.decode(digest)) for counter, digest in row["recent"] or ())
    return Device(
        id=DeviceId(row["id"]),
        user_id=UserId(row["user_id"]),
        name=row["name"],
        platform=row["platform"],
        state=DeviceState(row["state"]),
        signature_jwk=row["signature_jwk"],
        encryption_jwk=row["encryption_jwk"],
        pin_check=row["pin_check"],
        pin_failures=row["pin_failures"],
        lock_reason=LockReason(row["lock_reason"]) if row["lock_reason"] else None,
        locked_until=row["locked_until"],
        counter=row["counter"],
        recent=recent,
        active_from=row["active_from"],
        enrolled_at=row["enrolled_at"],
        introduction=Introduction(row["enrolment_jws"], row["receipt_jws"]),
    )


def _of_device(device: Device) -> dict[str, Any]:
    return {
        "state": device.state.value,
        "pin_check": device.pin_check,
        "pin_failures": device.pin_failures,
        "lock_reason": device.lock_reason.value if device.lock_reason else None,
        "locked_until": device.locked_until,
        "counter": device.counter,
        "recent": [[known.counter, b64.encode(known.answer_sha256)] for known in device.recent],
    }


def _enrolment(row: Row) -> Enrolment:
    return Enrolment(
        EnrolmentId(row["id"]),
        UserId(row["user_id"]),
        EnrolmentState(row["state"]),
        row["sealed_secret"],
        row["nonce"],
        row["attempts"],
        row["expires_at"],
        row["offer"],
    )


def _of_enrolment(enrolment: Enrolment) -> dict[str, Any]:
    return {
        "state": enrolment.state.value,
        "sealed_secret": enrolment.sealed_secret,
        "attempts": enrolment.attempts,
        "offer": enrolment.offer,
    }


def _box_key(row: Row) -> BoxKey:
    return BoxKey(BoxKeyId(row["id"]), row["jwk"], row["superseded_at"], row["destroyed_at"])


def _of_box_key(key: BoxKey) -> dict[str, Any]:
    """Give the columns; the stretch of time of a destroyed key may have another, should it come again."""
    return {"destroyed_at": key.destroyed_at} | ({} if key.destroyed_at is None else {"slot": None})


def _share(row: Row) -> Share:
    return Share(
        TransactionId(row["id"]),
        DeviceId(row["from_device_id"]),
        DeviceId(row["to_device_id"]),
        ShareState(row["state"]),
        tuple(CredentialId(id) for id in row["credentials"]),
        row["request_jws"],
        row["answer_jws"],
        row["jwe"],
    )


def _of_share(share: Share) -> dict[str, Any]:
    return {"state": share.state.value, "jwe": share.jwe}


DEVICES = Register("device", devices, _device, _of_device)
ENROLMENTS = Register("enrolment", enrolments, _enrolment, _of_enrolment)
BOX_KEYS = Register("box_key", box_keys, _box_key, _of_box_key)
SHARES = Register("share", shares, _share, _of_share)
