"""The door for codes: what a person typed in place of the phone's answer.

Source: docs/device-protocol.md section 12.
"""

from dataclasses import dataclass, field

from dss.audit.seals import Sealed
from dss.credentials import store
from dss.credentials.activation import Activation
from dss.credentials.offline import OfflineKey, OfflineSecrets, OfflineStore
from dss.credentials.parts import Parts
from dss.devices import offline
from dss.devices.answer import Decision
from dss.devices.boxes import Opened
from dss.devices.model import Device
from dss.devices.offline import Codes
from dss.devices.request import Asked
from dss.infra.secretbox import SealBroken
from dss.kernel.errors import AnswerRefused, Conflict
from dss.kernel.ids import CredentialId


@dataclass(frozen=True, slots=True)
class Trace:
    """By what the log knows an answer: the hash of its text, 32 bytes, and its counter; 0 for a code."""

    sha256: bytes
    counter: int


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person typed, and what the requester's page showed: the number, and the salt of the commitment to it."""

    code: str
    number: str
    number_salt: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Coded:
    """What a code came to, by what a phone had set up.

    decision:     None for a wrong code. wrong_number: it would be right, had another number been shown.
    opened:       what the phone handed over to open the key.
    """

    key: Sealed[OfflineKey]
    phone: Device
    decision: Decision | None
    wrong_number: bool
    trace: Trace
    opened: Opened = field(repr=False)


class CodeDoor:
    """Checks codes against what phones handed over."""

    def __init__(self, parts: Parts, at_rest: OfflineStore) -> None:
        self._parts = parts
        self._at_rest = at_rest

    async def key_of(self, id: CredentialId) -> Sealed[OfflineKey] | None:
        """Return what was set up for a credential, while it may be used; None where nothing was. Raises Tampered."""
        p = self._parts
        async with p.database.read() as connection:
            stored = await store.offline_key(connection, id)
        if stored is None:
            return None
        key = await p.seals.prove(stored)
        phone = await p.devices.get(key.value.device_id)
        lasts = key.value.ended_at is None and phone.pin_check == key.value.pin_check
        return key if lasts and phone.may_answer(p.clock.now()) else None

    async def examine(self, typed: Typed, asked: Asked) -> Coded:
        """Return what a code comes to. Raises Conflict where no code can answer, Tampered, HsmUnavailable."""
        key = await self.key_of(asked.credential_id) if offline.takes_code(asked) else None
        if key is None:
            raise Conflict("no code can answer this request: the signer set none up for the key")
        secrets = await self._secrets(key.value)
        decision = Codes.of(secrets.k_offline, asked.binding, typed.number).decision(typed.code)
        if not asked.verification.is_right(typed.number, typed.number_salt):
            decision = None
        another = offline.confirms_another(secrets.k_offline, asked.binding, asked.verification, typed.code)
        return Coded(
            key=key,
            phone=await self._parts.devices.get(key.value.device_id),
            decision=decision,
            wrong_number=decision is None and another,
            trace=Trace(offline.fingerprint(asked.binding, typed.code), 0),
            opened=Opened(pin_proof=b"", k_act=secrets.k_act),
        )

    async def check(self, activation: Activation, asked: Asked) -> Coded:
        """Return the code that confirms. Raises AnswerRefused for every other, and as `examine`."""
        coded = await self.examine(Typed(activation.code, activation.number, activation.number_salt), asked)
        if coded.decision is not Decision.CONFIRM:
            raise AnswerRefused
        return coded

    async def _secrets(self, key: OfflineKey) -> OfflineSecrets:
        try:
            return await self._at_rest.open(key)
        except SealBroken as fault:
            raise AnswerRefused from fault
