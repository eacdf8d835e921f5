"""Box keys: made in the HSM each hour, agreed with to open a phone's box, destroyed when no box to them can be left.

Source: docs/device-protocol.md sections 2 and 5.
"""

import hmac
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog
from sqlalchemy.exc import IntegrityError

from dss.audit.event import Event
from dss.audit.seals import Seals, Stored
from dss.devices import store
from dss.devices.model import BoxKey
from dss.devices.registers import BOX_KEYS
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.infra import jose
from dss.infra.db import Database
from dss.kernel import b64
from dss.kernel.clock import Clock
from dss.kernel.errors import AnswerRefused, BadRequest, NotFound, Overtaken, Tampered
from dss.kernel.ids import BoxKeyId, DeviceId, Ids, made_at

log = structlog.get_logger(__name__)
OFFER_LIFETIME = timedelta(minutes=15)
CEILING = timedelta(hours=27)  # the longest time to answer, and a day for outages
SECRET_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Opened:
    """What was in a box, 32 bytes each.

    pin_proof: PBKDF2 of the PIN. k_act: the phone's share of the key. k_pwd: Argon2id of the key's password.
    k_offline: what codes are made with that answer without a connection. The others are what takes their place.
    """

    pin_proof: bytes = field(repr=False)
    k_act: bytes = field(default=b"", repr=False)
    k_pwd: bytes = field(default=b"", repr=False)
    k_act_next: bytes = field(default=b"", repr=False)
    k_pwd_next: bytes = field(default=b"", repr=False)
    pin_proof_next: bytes = field(default=b"", repr=False)
    k_offline: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Sealing:
    """How a box must be sealed.

    kid:     the box key that the phone was given.
    context: what the box must be bound to: the binding of an offer or of a confirmation request.
    members: the names of what must be in it.
    """

    kid: BoxKeyId
    context: bytes
    members: frozenset[str]


class Boxes:
    """Gives out box keys, opens boxes, and destroys the keys in time."""

    def __init__(self, database: Database, keys: ServiceKeys, seals: Seals, clock: Clock, lifetime: timedelta) -> None:
        self._database = database
        self._keys = keys
        self._seals = seals
        self._clock = clock
        self._lifetime = lifetime
        self._ids = Ids(clock)

    async def current(self) -> BoxKey:
        """Return the key of this stretch of time, making it if it is the first to be asked for.

        Two nodes may both make one: the row's uniqueness decides, and the loser destroys its own. A crash before the
        row leaves a key in the HSM that no row names; `retire` destroys those as well.
        """
        now = self._clock.now()
        slot = int(now.timestamp() // self._lifetime.total_seconds())
        async with self._database.read() as connection:
            known = await store.box_key_of_slot(connection, slot)
        return (await self._seals.prove(known)).value if known else await self._make(slot)

    async def _make(self, slot: int) -> BoxKey:
        now = self._clock.now()
        id = BoxKeyId(self._ids.new())
        public = await self._keys.create_box_key(id)
        row = {"id": id, "slot": slot, "jwk": jose.write_jwk(public), "created_at": now}
        draft = await self._seals.draft_new(BOX_KEYS, row | {"superseded_at": now + self._lifetime})
        try:
            async with self._database.write() as connection:
                await self._seals.write(connection, draft, Event("box_key.made", "server", f"box_key:{id}"))
        except IntegrityError:
            await self._keys.destroy_box_key(id)
            return await self.current()
        return draft.value

    async def open(self, box: str, sealing: Sealing) -> Opened:
        """Open a phone's box.

        Raises AnswerRefused on anything wrong with the box, HsmUnavailable.
        """
        try:
            jwe = jose.read_jwe(box)
            if jwe.kid != sealing.kid or not hmac.compare_digest(jwe.context, sealing.context):
                raise AnswerRefused
            return _read(jwe.open(await self._keys.agree(sealing.kid, jwe.peer)), sealing.members)
        except NotFound as fault:
            log.error("a box came for a box key that the HSM no longer holds", box_key=sealing.kid)  # noqa: TRY400  no trace
            raise AnswerRefused from fault
        except BadRequest as fault:
            raise AnswerRefused from fault

    async def pin_check(self, device: DeviceId, pin_proof: bytes) -> bytes:
        """Return what the server keeps of a PIN: 32 bytes that only the HSM can make again."""
        return await self._keys.hmac(KeyName.PIN, b"dss/pin/v1\x00" + device.encode() + b"\x00" + pin_proof)

    async def retire(self, in_use: AbstractSet[BoxKeyId]) -> list[BoxKeyId]:
        """Destroy the box keys that no transaction can still need; return them.

        in_use: the keys of transactions that have not ended. How old a key is, its own id tells, not a row; and no
        transaction goes on for longer than CEILING, whatever its row says.
        """
        superseded = self._clock.now() - self._lifetime - OFFER_LIFETIME
        old = [id for id in await self._keys.box_key_ids() if made_at(id) < superseded]
        due = [id for id in old if id not in in_use or made_at(id) < superseded - CEILING]
        for id in due:
            await self._keys.destroy_box_key(id)
        async with self._database.read() as connection:
            known = await store.box_keys_to_mark(connection, due)
        for stored in known:
            with suppress(Tampered):  # alarmed, and the key is gone: the others go on
                await self._mark_destroyed(stored)
        await self._note_strays(set(due) - {stored.row["id"] for stored in known})
        return due

    async def _note_strays(self, strays: AbstractSet[BoxKeyId]) -> None:
        """Record the end of keys that no row named: a crash left them in the HSM."""
        async with self._database.write() as connection:
            for id in sorted(strays):
                await self._seals.audit.record(connection, Event("box_key.destroyed", "server", f"box_key:{id}"))

    async def _mark_destroyed(self, stored: Stored[BoxKey]) -> None:
        """Note that the HSM no longer holds a box key; another worker may have done so first."""
        key = await self._seals.prove(stored)
        draft = await self._seals.draft(key, replace(key.value, destroyed_at=self._clock.now()))
        with suppress(Overtaken):
            async with self._database.write() as connection:
                await self._seals.write(connection, draft, Event("box_key.destroyed", "server", key.name))


def _read(value: object, members: AbstractSet[str]) -> Opened:
    if not isinstance(value, dict) or set(value) != members:
        raise AnswerRefused
    secrets = {name: b64.url_decode(text) for name, text in value.items() if isinstance(text, str)}
    if set(secrets) != set(value) or any(len(secret) != SECRET_LENGTH for secret in secrets.values()):
        raise AnswerRefused
    return Opened(**secrets)
