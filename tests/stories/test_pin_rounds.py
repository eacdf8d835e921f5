"""A PIN is proven with the rounds of PBKDF2 that a server asks for in earnest; other tests ask for one."""

import pytest

from dss.devices import enrolment
from mobile_mock import pins
from tests.world.quick_pins import ROUNDS_IN_EARNEST
from tests.world.world import PIN, World


async def test_a_phone_proves_its_pin_by_600_000_rounds_and_signs(world: World, monkeypatch: pytest.MonkeyPatch):
    """docs/device-protocol.md section 2; RFC 8018 section 5.2."""
    monkeypatch.setattr(enrolment, "PIN_ITERATIONS", ROUNDS_IN_EARNEST)
    alice = await world.signer(await world.application())
    kept = alice.phone.kept()

    assert kept.iterations == 600_000
    assert alice.credential["state"] == "active"
    assert pins.proof(PIN, kept.salt, kept.iterations) != pins.proof(PIN, kept.salt, 1)
