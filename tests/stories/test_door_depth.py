"""The door's checks hold one by one: with the sealed record out of the way, a false answer still opens nothing."""

import json
from dataclasses import replace

import pytest

from dss.credentials.model import Spending
from dss.kernel import b64
from dss.kernel.errors import AnswerRefused
from mobile_mock import jose
from mobile_mock.answer import Signer
from tests.stories.test_answers import HASH, start
from tests.stories.test_door import changed, confirmed
from tests.world.spending import spend
from tests.world.world import World


async def test_t18_each_member_of_an_answer_is_checked_though_its_record_be_forged_and_the_phone_s_key_sign_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as who holds the service token's PIN and a phone's key could bring it."""
    application, alice = await start(world)
    right = await confirmed(world, application, alice, HASH)
    claims, kept = json.loads(b64.url_decode(right.answer.split(".")[1])), alice.phone.kept()
    phone = Signer(kept.device, jose.read_private(kept.signature_key))
    monkeypatch.setattr(Spending, "require_record_of", lambda *_: None)

    wrong = {name: changed(value) for name, value in claims.items()}
    wrong |= {"decision": "decline", "verification": "biometric", "iat": claims["iat"] + 361}
    for name, value in wrong.items():
        with pytest.raises(AnswerRefused):
            await spend(world.services, replace(right, answer=phone.sign(claims | {name: value})))
    with pytest.raises(AnswerRefused):
        await spend(world.services, replace(right, answer=Signer(kept.device, jose.new_key()).sign(claims)))

    assert len(await spend(world.services, replace(right, answer=phone.sign(claims)))) == 1
