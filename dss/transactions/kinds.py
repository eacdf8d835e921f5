"""The kinds of sealed rows of transactions, and of the capabilities below them."""

from typing import Any, NoReturn

from dss.audit.kinds import End, Kind
from dss.clients.registers import CLIENT_POLICIES, CLIENTS
from dss.credentials.model import CredentialState
from dss.credentials.registers import ACTIVATIONS, CREDENTIALS, OFFLINE_KEYS, SESSIONS
from dss.devices.model import DeviceState, EnrolmentState, ShareState
from dss.devices.registers import BOX_KEYS, DEVICES, ENROLMENTS, SHARES
from dss.kernel.errors import Conflict
from dss.kernel.policy import STRICTEST
from dss.operators.store import PROPOSALS
from dss.transactions.asking_store import BLOCKS
from dss.users.store import USERS


def _nobody(_: End) -> NoReturn:
    raise Conflict("a person is not ended: restore the row from a backup, the newest fits its seal again")


def _no_client(end: End) -> dict[str, Any]:
    nothing = dict.fromkeys(("jwks", "secret_hash", "next_secret_hash", "profile", "logo"))
    return {"name": f"ended {end.id}", "scopes": [], "contact": "", **nothing}


def _no_phone(_: End) -> dict[str, Any]:
    return {"state": DeviceState.REMOVED.value, "recent": [], "lock_reason": None, "locked_until": None}


def _no_key(_: End) -> dict[str, Any]:
    nothing = dict.fromkeys(("suspended_by", "password", "policy"))
    return {"state": CredentialState.DESTROYED.value, "key_blob": b"", "holders": [], "relock": False, **nothing}


KINDS = (
    Kind(USERS, _nobody),
    Kind(CLIENTS, _no_client),
    Kind(DEVICES, _no_phone),
    Kind(ENROLMENTS, lambda _: {"state": EnrolmentState.DEAD.value, "sealed_secret": None}),
    Kind(BOX_KEYS, lambda end: {"destroyed_at": end.now, "slot": None}),
    Kind(CREDENTIALS, _no_key),
    Kind(ACTIVATIONS, lambda end: {"consumed_at": end.now}),
    Kind(SHARES, lambda _: {"state": ShareState.STOPPED.value, "jwe": None}),
    Kind(PROPOSALS, lambda end: {"approved_by": end.actor}),
    # What it said is not known: operators say it anew.
    Kind(CLIENT_POLICIES, lambda _: {"policy": STRICTEST.member()}),
    Kind(BLOCKS, lambda end: {"lifted_at": end.now, "lifted_by": end.actor}),
    Kind(SESSIONS, lambda end: {"signatures": 0, "ends_at": end.now}),
    Kind(OFFLINE_KEYS, lambda end: {"secrets": b"", "ended_at": end.now}),
)
