"""Stories of wrong passwords: they are counted with their key, whatever the phone's own count is set back by (T48)."""

import pytest

from dss.credentials.model import PASSWORD_TRIES
from dss.kernel.ids import CredentialId
from tests.stories.test_key_password import MISTAKEN, OTHER, PASSWORD, set_password
from tests.world.owners import HASH, REFUSED, Owner, alice, refusal, street
from tests.world.world import OPERATOR, PIN

__all__ = ["alice", "street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def guess(alice: Owner, times: int) -> None:
    """Try a wrong password with the right PIN; then let a right PIN set the phone's own count back."""
    for _ in range(times):
        shown = await alice.asked()
        assert await refusal(alice.phone.confirm(shown, PIN, key_password=MISTAKEN)) == REFUSED
        await alice.phone.decline(shown)
        assert await alice.confirms(await alice.wishes("pin"), new_pin=PIN) == "signed"
        assert (await alice.device()).pin_failures == 0


async def test_t48_a_right_pin_between_wrong_passwords_forgets_none(alice: Owner) -> None:
    await set_password(alice)
    await guess(alice, PASSWORD_TRIES - 1)
    key = await alice.key()
    assert (key.state, key.password_failures) == ("active", 8)


async def test_t48_a_new_pin_between_wrong_passwords_forgets_none(alice: Owner) -> None:
    await set_password(alice)
    pin = PIN
    for number, following in enumerate(("850274", "493817", PIN), start=1):
        shown = await alice.asked()
        assert await refusal(alice.phone.confirm(shown, pin, key_password=MISTAKEN)) == REFUSED
        assert await alice.confirms(await alice.wishes("pin"), pin=pin, new_pin=following) == "signed"
        pin = following
        assert ((await alice.device()).pin_failures, (await alice.key()).password_failures) == (0, number)


async def test_t48_the_ninth_wrong_password_suspends_the_key_until_an_operator_resumes_it(alice: Owner) -> None:
    await set_password(alice)
    await guess(alice, PASSWORD_TRIES)
    key = await alice.key()
    assert (key.state, key.suspended_by, key.password_failures) == ("suspended", "operator", 9)
    assert "credential.password_refused" in await alice.world.tells(f"credential:{key.id}")

    await alice.application.ask_hashes(alice.signer, HASH, status=409)
    assert (await refusal(alice.of_key("resume")))[0] == 409
    await alice.world.services.keys.resume(CredentialId(alice.credential_id), OPERATOR)
    key = await alice.key()
    assert (key.state, key.password_failures) == ("active", 0)
    assert await alice.signs(key_password=PASSWORD) == "signed"


async def test_t48_the_right_password_after_the_ninth_wrong_one_signs_nothing(alice: Owner) -> None:
    await set_password(alice)
    await guess(alice, PASSWORD_TRIES - 1)
    shown = await alice.asked()
    assert await refusal(alice.phone.confirm(shown, PIN, key_password=MISTAKEN)) == REFUSED
    assert await alice.confirms(shown, key_password=PASSWORD) == "failed"
    assert ((await alice.key()).state, (await alice.key()).suspended_by) == ("suspended", "operator")


async def test_f9_a_right_password_before_the_ninth_wrong_one_forgets_those_before_it(alice: Owner) -> None:
    await set_password(alice)
    await guess(alice, PASSWORD_TRIES - 1)
    assert await alice.signs(key_password=PASSWORD) == "signed"
    assert (await alice.key()).password_failures == 0
    await guess(alice, 1)
    assert ((await alice.key()).state, (await alice.key()).password_failures) == ("active", 1)


async def test_f9_a_password_that_is_changed_with_the_old_one_starts_a_count_of_its_own(alice: Owner) -> None:
    await set_password(alice)
    await guess(alice, 3)
    change = await alice.of_key("password")
    assert await refusal(alice.phone.confirm(change, PIN, key_password=MISTAKEN, new_key_password=OTHER)) == REFUSED
    assert (await alice.key()).password_failures == 4
    assert await alice.confirms(change, key_password=PASSWORD, new_key_password=OTHER) == "signed"
    assert (await alice.key()).password_failures == 0
