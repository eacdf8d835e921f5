"""The phone's side of an enrolment: checking the offer, proving code and keys, checking the receipt. Pure.

Source: docs/device-protocol.md section 2.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import ECKey

from mobile_mock import jose
from mobile_mock.errors import Difference
from mobile_mock.forms import b64url, binding, canonical, read_canonical, sha256
from mobile_mock.invitation import Invitation
from mobile_mock.jose import BoxKey, Jwk, Signed
from mobile_mock.members import Members

SKEW = timedelta(seconds=60)
FEWEST_DIGITS, MOST_DIGITS = 1, 32
MOST_ITERATIONS = 10_000_000  # seconds of work, not hours, whatever an offer says
LARGEST_COUNTER = 2**53 - 1
NAME_LIMIT, SHOWN_LIMIT = 64, 1000
PLATFORM = "mobile-mock"


@dataclass(frozen=True, slots=True)
class Offer:
    """A server's offer that fits the QR.

    digits: of the PIN at least. iterations: of PBKDF2. binding: what the box is tied to, 32 bytes.
    """

    nonce: str
    box_key: BoxKey
    digits: int
    iterations: int
    channel_key: Jwk
    binding: bytes


@dataclass(frozen=True, slots=True)
class Person:
    """The owner of the phone as the server knows them."""

    id: str
    login: str
    name: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the server signed about the enrolment; active: until when the phone waits, else None."""

    server: str
    device: str
    user: Person
    counter: int
    enrolled: datetime
    active: datetime | None = None


@dataclass(frozen=True, slots=True)
class PhoneKeys:
    """The two key pairs of a phone."""

    signature: ECKey
    encryption: ECKey

    def public(self) -> dict[str, Jwk]:
        """Return both public halves as the protocol names them."""
        return {"enc": jose.public(self.encryption), "sig": jose.public(self.signature)}


def check_offer(signed: Signed, invitation: Invitation, now: datetime) -> Offer:
    """Check an offer against the QR and the time. Raises Difference."""
    if jose.spki_sha256(signed.by) != invitation.key_sha256:
        raise Difference("the offer is not signed by the key whose hash is in the QR")
    names = ("server", "enrolment", "nonce", "box_key", "pin", "issued", "expires")
    offer = Members(read_canonical(signed.payload), "the offer", names)
    offer.must_be("server", invitation.server)
    offer.must_be("enrolment", invitation.enrolment)
    check_times(offer, now)
    pin = offer.object("pin", ("digits", "iterations"))
    return Offer(
        nonce=offer.text("nonce"),
        box_key=read_box_key(offer),
        digits=pin.number("digits", FEWEST_DIGITS, MOST_DIGITS),
        iterations=pin.number("iterations", 1, MOST_ITERATIONS),
        channel_key=signed.by,
        binding=binding("dss/offer/v1", signed.payload),
    )


def check_times(members: Members, now: datetime) -> tuple[datetime, datetime]:
    """Return issued and expires of a server's message that is valid now. Raises Difference."""
    issued, expires = members.time("issued"), members.time("expires")
    if issued > now + SKEW:
        raise Difference(f"{members.what} comes from the future: is the clock right?")
    if now >= expires:
        raise Difference(f"{members.what} has expired")
    return issued, expires


def read_box_key(members: Members) -> BoxKey:
    """Return the box key of an offer or a request. Raises Difference."""
    box_key = members.object("box_key", ("kid", "jwk"))
    jose.read_public(box_key.value["jwk"])
    return BoxKey(box_key.text("kid"), box_key.value["jwk"])


def prove(code: str, invitation: Invitation, keys: PhoneKeys) -> bytes:
    """Return the proof that this phone knows the activation code, 32 bytes.

    code: 16 characters in their normal form.
    """
    secret = HKDF(hashes.SHA256(), 32, salt=invitation.enrolment.encode("ascii"), info=b"dss/enrol/v1").derive(
        code.encode("ascii")
    )
    said = {"k": b64url(invitation.key_sha256), "keys": keys.public()}
    return hmac.digest(secret, canonical(said), "sha256")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the phone says of itself; box: the sealed PIN proof, a JWE."""

    invitation: Invitation
    offer: Offer
    name: str
    keys: PhoneKeys
    proof: bytes
    box: str

    def sign(self, now: datetime) -> str:
        """Return the enrolment as a JWS by the new signature key."""
        claims = {
            "aud": self.invitation.server,
            "enrolment": self.invitation.enrolment,
            "iat": int(now.timestamp()),
            "keys": self.keys.public(),
            "name": self.name,
            "nonce": self.offer.nonce,
            "platform": PLATFORM,
            "proof": b64url(self.proof),
            "sealed_sha256": b64url(sha256(self.box.encode("ascii"))),
        }
        return jose.write_jws("dss-enrolment+jws", claims, self.keys.signature)


def check_receipt(signed: Signed, sent: Enrolment, enrolment_jws: str) -> Receipt:
    """Check that a receipt is for exactly this enrolment, by the key that made the offer. Raises Difference."""
    if signed.by != sent.offer.channel_key:
        raise Difference("the receipt is not signed by the key that signed the offer")
    names = ("server", "enrolment", "enrolment_sha256", "device", "user", "counter", "enrolled")
    receipt = Members(read_canonical(signed.payload), "the receipt", names, ("active",))
    receipt.must_be("server", sent.invitation.server)
    receipt.must_be("enrolment", sent.invitation.enrolment)
    receipt.must_be("enrolment_sha256", b64url(sha256(enrolment_jws.encode("ascii"))))
    return Receipt(
        server=sent.invitation.server,
        device=receipt.id("device"),
        user=read_person(receipt, "user"),
        counter=receipt.number("counter", 0, LARGEST_COUNTER),
        enrolled=receipt.time("enrolled"),
        active=receipt.time("active") if "active" in receipt.value else None,
    )


def read_person(members: Members, name: str) -> Person:
    """Return a person. Raises Difference."""
    person = members.object(name, ("id", "login", "name"))
    return Person(person.id("id"), person.shown("login", SHOWN_LIMIT), person.shown("name", SHOWN_LIMIT))
