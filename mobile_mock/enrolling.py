"""Enrolling a phone: the two calls of an enrolment, and what the phone keeps of it.

Source: docs/device-protocol.md section 2.
"""

import asyncio
import secrets
from dataclasses import dataclass

from mobile_mock import enrolment, jose, pins, plain
from mobile_mock.enrolment import NAME_LIMIT, Enrolment, Offer, PhoneKeys, Receipt
from mobile_mock.errors import BadInput
from mobile_mock.forms import b64url
from mobile_mock.invitation import Invitation, normal_code
from mobile_mock.kept import Kept
from mobile_mock.members import Members
from mobile_mock.server import Clock, Server


@dataclass(frozen=True, slots=True)
class Wish:
    """What the owner gives: the QR's content, the code as typed, a new PIN, a name for the phone.

    biometric: whether the PIN proof is kept, to be released by the biometric.
    Raises BadInput on a name or a code that cannot be one.
    """

    invitation: Invitation
    code: str
    pin: str
    name: str
    biometric: bool

    def __post_init__(self) -> None:
        normal_code(self.code)
        fault = plain.fault_in(self.name, NAME_LIMIT) if self.name else "is empty"
        if fault:
            raise BadInput(f"the name {fault}")


async def enrol(server: Server, wish: Wish, now: Clock) -> tuple[Kept, Receipt]:
    """Enrol and return what is to be kept. Raises BadInput, Difference, Refused or Unreachable."""
    path = f"/device/v1/enrolments/{wish.invitation.enrolment}"
    given = Members(await server.get(path), "the answer", ("offer",))
    signed = jose.read_jws(given.text("offer"), "dss-enrolment-offer+jws")
    offer = enrolment.check_offer(signed, wish.invitation, now())
    pins.require_acceptable(wish.pin, offer.digits)
    salt = secrets.token_bytes(pins.SALT_BYTES)
    proof = await asyncio.to_thread(pins.proof, wish.pin, salt, offer.iterations)
    sent = _enrolment(wish, offer, proof)
    text = sent.sign(now())
    taken = Members(await server.post(path, {"enrolment": text, "box": sent.box}), "the answer", ("receipt",))
    receipt_text = taken.text("receipt")
    receipt = enrolment.check_receipt(jose.read_jws(receipt_text, "dss-receipt+jws"), sent, text)
    kept = Kept(
        server=receipt.server,
        device=receipt.device,
        owner=receipt.user,
        name=wish.name,
        signature_key=jose.write_private(sent.keys.signature),
        encryption_key=jose.write_private(sent.keys.encryption),
        channel_key=offer.channel_key,
        salt=salt,
        iterations=offer.iterations,
        counter=receipt.counter,
        enrolment=text,
        receipt=receipt_text,
        shares={},
        pin_proof=proof if wish.biometric else None,
        pin_digits=offer.digits,
    )
    return kept, receipt


def _enrolment(wish: Wish, offer: Offer, pin_proof: bytes) -> Enrolment:
    keys = PhoneKeys(jose.new_key(), jose.new_key())
    return Enrolment(
        invitation=wish.invitation,
        offer=offer,
        name=wish.name,
        keys=keys,
        proof=enrolment.prove(normal_code(wish.code), wish.invitation, keys),
        box=jose.seal({"pin_proof": b64url(pin_proof)}, offer.box_key, offer.binding),
    )
