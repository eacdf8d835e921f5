"""What the owner types when they confirm, and the slow work of proving it.

Source: docs/device-protocol.md sections 2, 5 and 6.
"""

import asyncio
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypedDict

from mobile_mock import passwords, pins
from mobile_mock.answer import Choice, Sealed
from mobile_mock.errors import BadInput
from mobile_mock.kept import Kept, NextPin
from mobile_mock.matter import PIN, Credential
from mobile_mock.misbehave import Misbehaviour
from mobile_mock.request import Request

BIOMETRIC = "biometric"


class Typed(TypedDict, total=False):
    """What a confirmation may need beside the PIN: of the key the password, or a new one; a new PIN.

    number: of the requester's page, where the request asks for it. declined_documents: indexes of what is not to be
    signed.
    """

    key_password: str | None
    new_key_password: str | None
    new_pin: str | None
    number: str | None
    declined_documents: Collection[int]


@dataclass(frozen=True, slots=True)
class Intent:
    """How the owner confirms: by `pin` or `biometric`, with what they type, and what the tester wants done wrong."""

    pin: str | None
    by: str
    wrong: Misbehaviour
    typed: Typed


@dataclass(frozen=True, slots=True)
class Vow:
    """The same, proven: what the box holds beside the shares.

    pin_next: what the phone keeps of a new PIN; pin_proof_next: its proof.
    """

    by: str
    wrong: Misbehaviour
    choice: Choice
    proof: bytes
    k_pwd: bytes | None = None
    k_pwd_next: bytes | None = None
    pin_next: NextPin | None = None
    pin_proof_next: bytes | None = None

    def sealed(self, k_act: bytes | None = None, k_act_next: bytes | None = None) -> Sealed:
        """Return what goes into the box, with these shares."""
        return Sealed(self.proof, k_act, k_act_next, self.k_pwd, self.k_pwd_next, self.pin_proof_next)


async def prove(kept: Kept, request: Request, intent: Intent, choice: Choice) -> Vow:
    """Prove what the owner typed. Raises BadInput on what is missing, or cannot be right."""
    proof = await _pin_proof(kept, request, intent)
    pin_next, pin_proof_next = await _new_pin(kept, request, intent.typed.get("new_pin"))
    return Vow(
        by=intent.by,
        wrong=intent.wrong,
        choice=choice,
        proof=proof,
        k_pwd=await _k_pwd(request, intent.typed.get("key_password")),
        k_pwd_next=await _k_pwd_next(request, intent.typed.get("new_key_password")),
        pin_next=pin_next,
        pin_proof_next=pin_proof_next,
    )


async def _pin_proof(kept: Kept, request: Request, intent: Intent) -> bytes:
    if intent.by not in request.answer_by:
        raise BadInput(f"this request is not to be answered by {intent.by}, but by {' or '.join(request.answer_by)}")
    if intent.by == BIOMETRIC:
        if kept.pin_proof is None:
            raise BadInput("this phone was enrolled without the biometric")
        return kept.pin_proof
    pin = intent.pin
    if pin is None or not (pin.isascii() and pin.isdigit()):
        raise BadInput("a PIN is needed, of digits alone")
    return await asyncio.to_thread(pins.proof, intent.wrong.pin(pin), kept.salt, kept.iterations)


async def _new_pin(kept: Kept, request: Request, pin: str | None) -> tuple[NextPin | None, bytes | None]:
    if request.action != PIN:
        return None, None
    if pin is None:
        raise BadInput("a new PIN is needed")
    pins.require_acceptable(pin, kept.pin_digits)
    earlier = kept.pin_next
    # A second answer to one request keeps the salt: either of the two may be the one that is taken.
    salt = earlier.salt if earlier else secrets.token_bytes(pins.SALT_BYTES)
    proof = await asyncio.to_thread(pins.proof, pin, salt, kept.iterations)
    return NextPin(salt, request.transaction, None if kept.pin_proof is None else proof), proof


async def _k_pwd(request: Request, password: str | None) -> bytes | None:
    credential = request.credential
    if not request.opens_key or not isinstance(credential, Credential) or credential.password is None:
        return None
    if not password:
        raise BadInput("the key's password is needed")
    return await asyncio.to_thread(passwords.stretch, password, credential.password)


async def _k_pwd_next(request: Request, password: str | None) -> bytes | None:
    if request.change is None or request.change.password is None:
        return None
    if password is None:
        raise BadInput("a new password of the key is needed")
    passwords.require_acceptable(password)
    return await asyncio.to_thread(passwords.stretch, password, request.change.password)
