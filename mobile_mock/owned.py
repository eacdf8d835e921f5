"""What the owner has beside this phone: other phones, keys, sessions and blocks; looking at them and stopping them.

Source: docs/device-protocol.md sections 3 and 11.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mobile_mock.errors import Difference
from mobile_mock.forms import time_text
from mobile_mock.matter import MOST_SIGNATURES, Application, read_application
from mobile_mock.members import NAME_LIMIT, Members
from mobile_mock.server import Server

PHONES, CREDENTIALS = "/device/v1/phones", "/device/v1/credentials"
SESSIONS, BLOCKS = "/device/v1/sessions", "/device/v1/blocks"
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


@dataclass(frozen=True, slots=True)
class OwnSession:
    """A session of the owner that goes on: signatures without the phone; used: how many of them were made."""

    id: str
    application: Application
    credential: str
    signatures: int
    used: int
    started: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class Block:
    """An application that may not ask the owner, and since when; the change `allow` lifts it."""

    application: Application
    blocked: datetime


async def phones(server: Server) -> list[OwnPhone]:
    """Return the owner's phones, oldest first."""
    return [_phone(item) for item in await _listed(server, PHONES, "phones")]


async def credentials(server: Server) -> list[OwnCredential]:
    """Return the owner's credentials, oldest first."""
    return [_credential(item) for item in await _listed(server, CREDENTIALS, "credentials")]


async def sessions(server: Server) -> list[OwnSession]:
    """Return the owner's sessions that go on, oldest first."""
    return [_session(item) for item in await _listed(server, SESSIONS, "sessions")]


async def blocks(server: Server) -> list[Block]:
    """Return the applications that may not ask the owner."""
    return [_block(item) for item in await _listed(server, BLOCKS, "blocks")]


def read_waiting(items: list[Any]) -> list[WaitingPhone]:
    """Read the new phones that wait. Raises Difference."""
    found = [Members(item, "a waiting phone", ("id", "name", "active")) for item in items]
    return [WaitingPhone(item.id("id"), item.shown("name", NAME_LIMIT), item.time("active")) for item in found]


async def _listed(server: Server, path: str, name: str) -> list[Any]:
    return Members(await server.get(path), "the list", (name,)).list(name, MOST)


def _phone(value: Any) -> OwnPhone:
    item = Members(value, "a phone", ("id", "name", "state", "this"), ("active",))
    return OwnPhone(
        item.id("id"),
        item.shown("name", NAME_LIMIT),
        _state(item, PHONE_STATES),
        item.flag("this"),
        item.time("active") if "active" in item.value else None,
    )


def _credential(value: Any) -> OwnCredential:
    item = Members(value, "a credential", tuple(OwnCredential.__dataclass_fields__))
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


def _session(value: Any) -> OwnSession:
    names = ("id", "relying_application", "credential", "signatures", "used", "started", "expires")
    item = Members(value, "a session", names)
    signatures = item.number("signatures", 1, MOST_SIGNATURES)
    return OwnSession(
        id=item.id("id"),
        application=read_application(item),
        credential=item.id("credential"),
        signatures=signatures,
        used=item.number("used", 0, signatures),
        started=item.time("started"),
        expires=item.time("expires"),
    )


def _block(value: Any) -> Block:
    item = Members(value, "a block", ("relying_application", "blocked"))
    return Block(read_application(item), item.time("blocked"))


def _state(item: Members, known: set[str]) -> str:
    state = item.text("state")
    if state not in known:
        raise Difference(f"{item.what} is in a state that this phone does not know")
    return state
