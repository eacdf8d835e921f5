"""Box keys: made in the HSM each hour, agreed with to open a phone's box, destroyed when no box to them can be left.

Source: docs/device-protocol.md sections 2 and 5.
"""

import hmac
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy.exc import IntegrityError

from dss.audit.event import Event
from dss.audit.service import Audit
from dss.devices import store
from dss.devices.model import BoxKey
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.infra import jose
from dss.infra.db import Database
from dss.kernel import b64
from dss.kernel.clock import Clock
from dss.kernel.errors import AnswerRefused, BadRequest, NotFound
from dss.kernel.ids import BoxKeyId, DeviceId, Ids, made_at

log = structlog.get_logger(__name__)
OFFER_LIFETIME = timedelta(minutes=15)
SECRET_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Opened:
    """What was in a box.

    pin_proof:  32 bytes, PBKDF2 of the PIN.
    k_act:      32 bytes that unlock the credential; None in a box of an enrolment.
    """

    pin_proof: bytes = field(repr=False)
    k_act: bytes | None = field(default=None, repr=False)


class Boxes:
    """Gives out box keys, opens boxes, and destroys the keys in time."""

    def __init__(self, database: Database, keys: ServiceKeys, audit: Audit, clock: Clock, lifetime: timedelta) -> None:
        self._database = database
        self._keys = keys
        self._audit = audit
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
        return known or await self._make(slot)

    async def _make(self, slot: int) -> BoxKey:
        now = self._clock.now()
        id = BoxKeyId(self._ids.new())
        public = await self._keys.create_box_key(id)
        key = BoxKey(id, jose.write_jwk(public), now + self._lifetime)
        try:
            async with self._database.write() as connection:
                await store.add_box_key(connection, key, slot, now)
                await self._audit.record(connection, Event("box_key.made", "server", f"box_key:{id}"))
        except IntegrityError:
            await self._keys.destroy_box_key(id)
            return await self.current()
        return key

    async def open(self, box: str, kid: BoxKeyId, context: bytes) -> Opened:
        """Open a phone's box.

        kid:     the box key that the phone was given.
        context: what the box must be bound to: the binding of an offer or of a confirmation request.
        Raises AnswerRefused on anything wrong with the box, HsmUnavailable.
        """
        try:
            jwe = jose.read_jwe(box)
            if jwe.kid != kid or not hmac.compare_digest(jwe.context, context):
                raise AnswerRefused
            return _read(jwe.open(await self._keys.agree(kid, jwe.peer)))
        except NotFound as fault:
            log.error("a box came for a box key that the HSM no longer holds", box_key=kid)  # noqa: TRY400  no trace
            raise AnswerRefused from fault
        except BadRequest as fault:
            raise AnswerRefused from fault

    async def pin_check(self, device: DeviceId, pin_proof: bytes) -> bytes:
        """Return what the server keeps of a PIN: 32 bytes that only the HSM can make again."""
        return await self._keys.hmac(KeyName.PIN, b"dss/pin/v1\x00" + device.encode() + b"\x00" + pin_proof)

    async def retire(self, in_use: AbstractSet[BoxKeyId]) -> list[BoxKeyId]:
        """Destroy the superseded box keys that no transaction can still need, and those that no row names; return them.

        in_use: the keys of transactions that have not ended.
        """
        before = self._clock.now() - OFFER_LIFETIME
        in_hsm = await self._keys.box_key_ids()
        async with self._database.read() as connection:
            superseded = await store.box_keys_superseded(connection, before)
            known = await store.box_keys_known(connection)
        stray = [id for id in in_hsm if id not in known and made_at(id) < before]
        retired = [id for id in (*superseded, *stray) if id not in in_use]
        for id in retired:
            await self._keys.destroy_box_key(id)
            async with self._database.write() as connection:
                await store.mark_destroyed(connection, id, self._clock.now())
                await self._audit.record(connection, Event("box_key.destroyed", "server", f"box_key:{id}"))
        return retired


def _read(value: object) -> Opened:
    if not isinstance(value, dict) or set(value) not in ({"pin_proof"}, {"k_act", "pin_proof"}):
        raise AnswerRefused
    secrets = {name: b64.url_decode(text) for name, text in value.items() if isinstance(text, str)}
    if set(secrets) != set(value) or any(len(secret) != SECRET_LENGTH for secret in secrets.values()):
        raise AnswerRefused
    return Opened(secrets["pin_proof"], secrets.get("k_act"))
