"""T12, T13: a QR in the wrong hands enrols nothing, and no phone enrols with a key that it does not hold alone."""

import asyncio
import email
import email.policy
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from dss.kernel.ids import EnrolmentId
from mobile_mock import enrolment, jose, pins
from mobile_mock.enrolment import Enrolment, PhoneKeys
from mobile_mock.forms import b64url
from mobile_mock.invitation import normal_code, read_invitation
from tests.protocol.prover import payload_of
from tests.stories.test_enrolment import enrol
from tests.stories.witness import quick_pins
from tests.world.world import PIN, World

__all__ = ["quick_pins"]

pytestmark = pytest.mark.usefixtures("quick_pins")

SALT = bytes(16)


@dataclass
class Attempt:
    """An enrolment by hand: from the QR, with whatever keys, proof and signature."""

    world: World
    qr: str
    made: Enrolment

    @classmethod
    async def begin(cls, world: World, qr: str, code: str = "") -> "Attempt":
        """Read the offer as the holder of a QR can; without the code, the proof is by an empty one."""
        invitation = read_invitation(qr)
        async with world.http() as http:
            given = (await http.get(f"/device/v1/enrolments/{invitation.enrolment}")).json()
        offer = enrolment.check_offer(
            jose.read_jws(given["offer"], "dss-enrolment-offer+jws"), invitation, world.clock.now()
        )
        keys = PhoneKeys(jose.new_key(), jose.new_key())
        pin_proof = await asyncio.to_thread(pins.proof, PIN, SALT, offer.iterations)
        box = jose.seal({"pin_proof": b64url(pin_proof)}, offer.box_key, offer.binding)
        proof = enrolment.prove(normal_code(code) if code else "", invitation, keys)
        return cls(world, qr, Enrolment(invitation, offer, "Mine", keys, proof, box))

    async def send(self, jws: str | None = None) -> httpx.Response:
        """Send the enrolment."""
        path = f"/device/v1/enrolments/{self.made.invitation.enrolment}"
        body = {"enrolment": jws or self.made.sign(self.world.clock.now()), "box": self.made.box}
        async with self.world.http() as http:
            return await http.post(path, json=body)

    def signed_by(self, key: ECKey, **changes: Any) -> str:
        """The enrolment with changes, signed by another key, which its header shows."""
        claims = payload_of(self.made.sign(self.world.clock.now())) | changes
        return jose.write_jws("dss-enrolment+jws", claims, key)


async def phones(world: World, login: str = "alice") -> int:
    """How many phones somebody has."""
    return len(await world.services.devices.of_user((await world.services.users.by_login(login)).id))


def refusal(reply: httpx.Response) -> tuple[int, str]:
    """How an enrolment was refused."""
    return reply.status_code, reply.json()["type"].removeprefix("urn:dss:error:")


async def test_an_enrolment_by_hand_is_one_when_nothing_is_wrong_with_it(world: World) -> None:
    qr, code = await world.invite(await world.user())
    assert (await (await Attempt.begin(world, qr, code)).send()).status_code == 201
    assert await phones(world) == 1


PROOFS: dict[str, Callable[[Attempt], bytes]] = {
    "of an empty code": lambda attempt: attempt.made.proof,
    "of nothing": lambda attempt: b"",
    "of zeros": lambda attempt: bytes(32),
    "by chance": lambda attempt: secrets.token_bytes(32),
    "by the QR's own words": lambda attempt: attempt.made.invitation.key_sha256,
}


@pytest.mark.parametrize("proof", PROOFS.values(), ids=PROOFS)
async def test_t12_a_photographed_qr_enrols_nothing_without_the_code(
    world: World, proof: Callable[[Attempt], bytes]
) -> None:
    """All else is as it must be: offer, nonce, keys, box, signature."""
    alice = await world.user()
    qr, code = await world.invite(alice)
    attempt = await Attempt.begin(world, qr)
    attempt.made = replace(attempt.made, proof=proof(attempt))

    assert refusal(await attempt.send()) == (403, "activation_refused")
    assert await phones(world) == 0
    last = (await world.services.audit.of_subject(f"enrolment:{attempt.made.invitation.enrolment}"))[-1].event
    assert (last.kind, last.outcome) == ("enrolment.code_refused", "refused")
    assert (await world.new_phone().enrol(qr, code, PIN)).device, "the owner may still enrol"


async def test_t12_a_proof_for_other_keys_is_no_proof(world: World) -> None:
    """Whoever stands between phone and server cannot put keys of their own under the owner's proof."""
    qr, code = await world.invite(await world.user())
    owner, thief = await Attempt.begin(world, qr, code), await Attempt.begin(world, qr)
    thief.made = replace(thief.made, proof=owner.made.proof)
    assert refusal(await thief.send()) == (403, "activation_refused")
    assert (await owner.send()).status_code == 201


async def test_t12_an_intercepted_enrolment_cannot_be_used_again_by_another(world: World) -> None:
    """Nor by the phone that holds its keys: it gets the receipt it had, and there is still one phone."""
    qr, code = await world.invite(await world.user())
    owner = await Attempt.begin(world, qr, code)
    sent = owner.made.sign(world.clock.now())
    first = await owner.send(sent)
    assert (await owner.send(sent)).json() == first.json()

    world.clock.move(1)
    late = Attempt(world, qr, replace(owner.made, keys=PhoneKeys(jose.new_key(), jose.new_key())))
    assert refusal(await late.send()) == (410, "expired")
    assert await phones(world) == 1


@pytest.mark.parametrize(("microseconds", "status"), [(-1, 201), (0, 410), (1, 410)])
async def test_t12_a_code_ends_to_the_tick(world: World, microseconds: int, status: int) -> None:
    qr, code = await world.invite(await world.user())
    world.clock.move(7 * 24 * 3600 - 60)
    attempt = await Attempt.begin(world, qr, code)
    world.clock.move((timedelta(seconds=60) + timedelta(microseconds=microseconds)).total_seconds())
    assert (await attempt.send()).status_code == status
    assert await phones(world) == (status == 201)


async def test_t12_of_ten_wrong_codes_at_once_three_are_tries_and_the_log_tells_of_each(
    world_on_each_database: World,
) -> None:
    world = world_on_each_database
    qr, code = await world.invite(await world.user())
    attempts = [await Attempt.begin(world, qr) for _ in range(10)]
    refusals = [refusal(reply) for reply in await asyncio.gather(*(attempt.send() for attempt in attempts))]

    assert refusals.count((403, "activation_refused")) == 3
    subject = f"enrolment:{EnrolmentId(attempts[0].made.invitation.enrolment)}"
    told = [one.event for one in await world.services.audit.of_subject(subject)]
    counted = [event.details["attempts"] for event in told if event.kind == "enrolment.code_refused"]
    assert sorted(counted) == ["1", "2", "3"]
    assert await enrol(world.new_phone(), qr, code) == (410, "expired")


async def test_t12_the_owner_is_told_of_a_phone_that_enrolled_with_both_letters(world: World) -> None:
    qr, code = await world.invite(await world.user())
    before = set(await world.letters())
    await world.new_phone().enrol(qr, code, PIN, "Stranger's phone")
    (told,) = set(await world.letters()) - before
    assert "Stranger's phone" in plain_text(told.read_text())
    assert "alice@example.org" in told.read_text()


def plain_text(letter: str) -> str:
    """A letter's text, whatever its transfer encoding."""
    message: Any = email.message_from_string(letter, policy=email.policy.default)
    return str(message.get_body(("plain",)).get_content())


@pytest.mark.parametrize("which", ["sig", "enc"])
async def test_t13_a_key_that_does_not_sign_its_own_enrolment_is_refused(world: World, which: str) -> None:
    """A thief who knows both letters, and would register a key of somebody else as theirs."""
    qr, code = await world.invite(await world.user())
    attempt = await Attempt.begin(world, qr, code)
    stranger = jose.new_key()
    claims = {"keys": attempt.made.keys.public() | {which: jose.public(stranger)}}
    keys = PhoneKeys(stranger, attempt.made.keys.encryption) if which == "sig" else attempt.made.keys
    proof = enrolment.prove(normal_code(code), attempt.made.invitation, keys)
    signer = attempt.made.keys.signature if which == "sig" else stranger

    reply = await attempt.send(attempt.signed_by(signer, **claims, proof=b64url(proof)))
    assert reply.status_code in {400, 403}, reply.text
    assert await phones(world) == 0
    last = (await world.services.audit.newest(1))[0].event
    assert (last.outcome, last.subject) == ("refused", f"enrolment:{attempt.made.invitation.enrolment}")


async def test_t13_an_enrolment_whose_header_shows_a_key_that_did_not_sign_it_is_refused(world: World) -> None:
    qr, code = await world.invite(await world.user())
    attempt = await Attempt.begin(world, qr, code)
    right = attempt.made.sign(world.clock.now())
    by_another = attempt.signed_by(jose.new_key())
    head, payload, _ = right.split(".")
    for forged in (f"{head}.{payload}.{by_another.split('.')[2]}", f"{head}.{payload}.", f"{head}.{payload}.AAAA"):
        assert refusal(await attempt.send(forged)) == (400, "bad_request")
    assert await phones(world) == 0


Share = Callable[[PhoneKeys, PhoneKeys], PhoneKeys]
SHARED: dict[str, Share] = {
    "signature key": lambda hers, his: PhoneKeys(hers.signature, his.encryption),
    "encryption key": lambda hers, his: PhoneKeys(his.signature, hers.encryption),
    "both": lambda hers, his: hers,
}
IN_ANOTHER_PLACE: dict[str, Share] = {
    "signature key to encrypt": lambda hers, his: PhoneKeys(his.signature, hers.signature),
    "encryption key to sign": lambda hers, his: PhoneKeys(hers.encryption, his.encryption),
    "both exchanged": lambda hers, his: PhoneKeys(hers.encryption, hers.signature),
}
ALL_SHARED = SHARED | IN_ANOTHER_PLACE


@pytest.mark.parametrize("share", ALL_SHARED.values(), ids=ALL_SHARED)
async def test_t13_a_public_key_of_one_person_s_phone_is_refused_for_another(world: World, share: Share) -> None:
    alice, bob = [await world.invite(await world.user(login)) for login in ("alice", "bob")]
    first = await Attempt.begin(world, *alice)
    assert (await first.send()).status_code == 201

    second = await Attempt.begin(world, *bob)
    keys = share(first.made.keys, second.made.keys)
    proof = enrolment.prove(normal_code(bob[1]), second.made.invitation, keys)
    second.made = replace(second.made, keys=keys, proof=proof)
    reply = await second.send()
    assert reply.status_code == 409, reply.text
    assert refusal(reply) == (409, "key_in_use")
    assert await phones(world, "bob") == 0


async def test_t13_of_two_people_who_enrol_one_key_at_once_one_gets_it(world_on_each_database: World) -> None:
    world = world_on_each_database
    invited = [await world.invite(await world.user(login)) for login in ("alice", "bob")]
    attempts = [await Attempt.begin(world, *one) for one in invited]
    keys = attempts[0].made.keys
    for attempt, (_, code) in zip(attempts, invited, strict=True):
        proof = enrolment.prove(normal_code(code), attempt.made.invitation, keys)
        attempt.made = replace(attempt.made, keys=keys, proof=proof)

    replies = await asyncio.gather(*(attempt.send() for attempt in attempts))
    assert sorted(reply.status_code for reply in replies) == [201, 409]
    assert await phones(world) + await phones(world, "bob") == 1
