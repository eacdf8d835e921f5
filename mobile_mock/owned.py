"""What the owner has beside this phone: other phones and keys, and the calls that look at them and stop them.

Source: docs/device-protocol.md section 3.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mobile_mock.errors import Difference
from mobile_mock.forms import time_text
from mobile_mock.members import NAME_LIMIT, Members
from mobile_mock.server import Server

PHONES, CREDENTIALS = "/device/v1/phones", "/device/v1/credentials"
PHONE_STATES = {"active", "waiting", "locked"}
CREDENTIAL_STATES = {"active", "suspended", "revoked", "destroyed"}
MOST = 1000


@dataclass(frozen=True, slots=True)
class OwnPhone:
    """A phone of the owner; this: whether it is the one that asks. active: until when it waits, None if it does not."""

    id: str
    name: str
    state: str
    this: bool
    active: datetime | None


@dataclass(frozen=True, slots=True)
class OwnCredential:
    """A credential of the owner; relock: its key waits to be locked anew. held: this phone's share opens the key."""

    id: str
    state: str
    key_type: str
    subject: str
    certificate_sha256: bytes
    not_after: datetime
    has_password: bool
    relock: bool
    held: bool


@dataclass(frozen=True, slots=True)
class WaitingPhone:
    """A new phone of the owner that is not active yet: its owner is told, and may block it."""

    id: str
    name: str
    active: datetime

    def __str__(self) -> str:
        """Return what a person is told."""
        when = time_text(self.active)
        return f"The phone {self.name} ({self.id}) is new and becomes active at {when}: block it unless it is yours"


async def phones(server: Server) -> list[OwnPhone]:
    """Return the owner's phones, oldest first."""
    listed = Members(await server.get(PHONES), "the list", ("phones",)).list("phones", MOST)
    return [_phone(Members(item, "a phone", ("id", "name", "state", "this"), ("active",))) for item in listed]


async def credentials(server: Server) -> list[OwnCredential]:
    """Return the owner's credentials, oldest first."""
    listed = Members(await server.get(CREDENTIALS), "the list", ("credentials",)).list("credentials", MOST)
    names = tuple(OwnCredential.__dataclass_fields__)
    return [_credential(Members(item, "a credential", names)) for item in listed]


def read_waiting(items: list[Any]) -> list[WaitingPhone]:
    """Read the new phones that wait. Raises Difference."""
    found = [Members(item, "a waiting phone", ("id", "name", "active")) for item in items]
    return [WaitingPhone(item.id("id"), item.shown("name", NAME_LIMIT), item.time("active")) for item in found]


def _phone(item: Members) -> OwnPhone:
    return OwnPhone(
        item.id("id"),
        item.shown("name", NAME_LIMIT),
        _state(item, PHONE_STATES),
        item.flag("this"),
        item.time("active") if "active" in item.value else None,
    )


def _credential(item: Members) -> OwnCredential:
    return OwnCredential(
        id=item.id("id"),
        state=_state(item, CREDENTIAL_STATES),
        key_type=item.shown("key_type", NAME_LIMIT),
        subject=item.shown("subject", NAME_LIMIT),
        certificate_sha256=item.raw("certificate_sha256", 32),
        not_after=item.time("not_after"),
        has_password=item.flag("has_password"),
        relock=item.flag("relock"),
        held=item.flag("held"),
    )


def _state(item: Members, known: set[str]) -> str:
    state = item.text("state")
    if state not in known:
        raise Difference(f"{item.what} is in a state that this phone does not know")
    return state
