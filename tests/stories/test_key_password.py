"""Stories of a key's own password: known to its owner alone, and gone with their memory (F9, Q8)."""

import pytest

from dss.devices.request import Action
from dss.kernel.ids import CredentialId
from dss.transactions.keys import Keys
from mobile_mock import passwords
from mobile_mock.errors import BadInput
from mobile_mock.passwords import Recipe
from mobile_mock.phone import Phone
from mobile_mock.request import Credential, Request
from tests.protocol.prover import Prover
from tests.world.owners import LOCKED, REFUSED, WRONG, Owner, alice, appears, everything_written, refusal, street
from tests.world.world import OPERATOR, PIN

__all__ = ["alice", "street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD, OTHER, MISTAKEN = "Correct7Horse", "Better8Horse", "Correct7House"
SLOW = passwords.stretch


async def set_password(alice: Owner, password: str = PASSWORD, phone: Phone | None = None) -> None:
    assert await alice.confirms(await alice.of_key("password", phone), phone, new_key_password=password) == "signed"


def recipe_of(request: Request) -> Recipe | None:
    """How the request says that the password's secret is made."""
    assert isinstance(request.credential, Credential)
    return request.credential.password


async def test_q8_a_key_signs_with_its_password_and_not_without(alice: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Argon2id as it is."""
    monkeypatch.setattr(passwords, "stretch", SLOW)
    await set_password(alice)

    shown = await alice.asked()
    with pytest.raises(BadInput, match="password is needed"):
        await alice.phone.confirm(shown, PIN)
    assert await alice.confirms(shown, key_password=PASSWORD) == "signed"
    assert [one.has_password for one in await alice.phone.credentials()] == [True]


async def test_the_request_tells_how_the_secret_is_made_once_there_is_a_password(alice: Owner) -> None:
    """The second recommended option of RFC 9106 section 4, with a salt of its own for each password."""
    assert recipe_of((await alice.asked()).request) is None
    salts = []
    for set_to in ({"new_key_password": PASSWORD}, {"key_password": PASSWORD, "new_key_password": OTHER}):
        change = await alice.of_key("password")
        assert await alice.confirms(change, **set_to) == "signed"
        told = recipe_of((await alice.asked()).request)
        assert told is not None
        assert change.request.change is not None
        assert told == change.request.change.password
        assert (told.memory_kib, told.passes, told.lanes, len(told.salt)) == (65536, 3, 4, 16)
        salts.append(told.salt)
    assert len(set(salts)) == 2


async def test_t48_a_wrong_password_counts_like_a_wrong_pin_and_looks_like_one(alice: Owner) -> None:
    await set_password(alice)
    shown, prover = await alice.asked(), Prover.of(alice.world, alice.phone)
    replies = []
    for pin, password in ((PIN, MISTAKEN), (WRONG, PASSWORD), (PIN, MISTAKEN)):
        answer = await alice.phone.prepare(shown, pin, key_password=password)
        replies.append(await prover.call("POST", f"/device/v1/transactions/{shown.id}/answer", json=answer.body()))
        assert (await alice.device()).pin_failures == len(replies)

    assert {reply.status_code for reply in replies} == {403}
    assert len({reply.content for reply in replies}) == 1
    assert len({repr(sorted(reply.headers.items())) for reply in replies}) == 1
    assert await refusal(alice.phone.confirm(shown, PIN, key_password=PASSWORD)) == LOCKED


async def test_a_right_password_with_the_right_pin_starts_the_count_anew(alice: Owner) -> None:
    await set_password(alice)
    shown = await alice.asked()
    for _ in range(2):
        assert await refusal(alice.phone.confirm(shown, PIN, key_password=MISTAKEN)) == REFUSED
    assert await alice.confirms(shown, key_password=PASSWORD) == "signed"
    assert (await alice.device()).pin_failures == 0


async def test_a_password_is_changed_with_the_old_one_which_then_opens_nothing(alice: Owner) -> None:
    await set_password(alice)
    change = await alice.of_key("password")
    assert await refusal(alice.phone.confirm(change, PIN, key_password=MISTAKEN, new_key_password=OTHER)) == REFUSED
    assert (await alice.device()).pin_failures == 1
    assert await alice.confirms(change, key_password=PASSWORD, new_key_password=OTHER) == "signed"

    shown = await alice.asked()
    assert await refusal(alice.phone.confirm(shown, PIN, key_password=PASSWORD)) == REFUSED
    assert await alice.confirms(shown, key_password=OTHER) == "signed"


async def test_q8_the_phone_refuses_a_weak_password(alice: Owner) -> None:
    shown = await alice.of_key("password")
    cyrillic = "\u041f\u0430\u0440\u043e\u043b\u044c77"
    for weak in ("Short7x", "12345678", "lower7case", "UPPER7CASE", "NoDigitsHere", cyrillic, ""):
        with pytest.raises(BadInput):
            await alice.phone.confirm(shown, PIN, new_key_password=weak)
    assert (await alice.key()).password is None


async def test_what_waits_for_the_key_ends_when_its_password_is_set(alice: Owner) -> None:
    shown = await alice.asked()
    await set_password(alice)
    assert await alice.phone.state(shown.id) == "cancelled"


async def test_a_reply_that_was_lost_while_the_password_was_set_loses_no_key(alice: Owner) -> None:
    change = await alice.of_key("password")
    await alice.phone.send(await alice.phone.prepare(change, PIN, new_key_password=PASSWORD))
    await alice.world.settle()
    assert await alice.phone.confirm(change, PIN, new_key_password=OTHER) == "signed"
    assert await alice.signs(key_password=PASSWORD) == "signed"


async def test_the_owner_is_told_of_a_new_password_and_the_log_too(alice: Owner) -> None:
    letters = len(await alice.letters())
    await set_password(alice)
    (letter,) = (await alice.letters())[letters:]
    assert alice.credential_id in letter
    assert "credential.password_set" in await alice.world.tells(f"credential:{alice.credential_id}")


# --- forgotten ---


async def test_f9_a_forgotten_password_is_not_recovered_by_anybody(alice: Owner) -> None:
    """No verb of anyone takes a password away; a change of it needs the old one."""
    verbs = {name for name in vars(Keys) if not name.startswith("_")}
    assert verbs == {
        *("suspend", "suspend_own", "resume", "resuming"),
        *("revoke", "revoking", "destroy", "destroying", "own"),
    }
    assert set(Action) == {
        *("pin", "password", "relock", "resume", "revoke", "destroy", "remove"),
        *("allow", "offline", "offline_end"),
    }

    await set_password(alice)
    before = await alice.key()
    for action in ("password", "relock"):
        shown = await alice.of_key(action)
        with pytest.raises(BadInput, match="password is needed"):
            await alice.phone.confirm(shown, PIN, new_key_password=OTHER)
        assert await refusal(alice.phone.confirm(shown, PIN, key_password=OTHER, new_key_password=OTHER)) == REFUSED
    await alice.world.services.keys.suspend(CredentialId(alice.credential_id), OPERATOR)
    await alice.world.services.keys.resume(CredentialId(alice.credential_id), OPERATOR)
    after = await alice.key()
    assert (after.key_blob, after.password) == (before.key_blob, before.password)


async def test_f9_for_a_forgotten_password_there_is_a_new_key_that_cancels_the_old_one(alice: Owner) -> None:
    await set_password(alice)
    wish = {"user": alice.user.login, "replaces": alice.credential_id}
    asked = await alice.application.post("/v1/credentials", wish)
    (notice,) = await alice.phone.waiting()
    assert await alice.confirms(await alice.phone.show(notice.id)) == "signed"

    assert (await alice.key()).state == "revoked"
    anew = Owner(alice.world, alice.application, alice.user, alice.phone, asked["id"])
    assert await anew.signs() == "signed"


# --- beside other changes ---


async def test_a_key_that_is_locked_anew_keeps_its_password(alice: Owner) -> None:
    await set_password(alice)
    change = await alice.of_key("relock")
    assert await refusal(alice.phone.confirm(change, PIN, key_password=MISTAKEN)) == REFUSED
    assert await alice.confirms(change, key_password=PASSWORD) == "signed"

    shown = await alice.asked()
    assert await refusal(alice.phone.confirm(shown, PIN, key_password=MISTAKEN)) == REFUSED
    assert await alice.confirms(shown, key_password=PASSWORD) == "signed"


async def test_a_second_phone_needs_the_password_too_and_after_a_removal_still(alice: Owner) -> None:
    await set_password(alice)
    other = await alice.joined()
    shown = await alice.asked(other)
    assert await refusal(other.confirm(shown, PIN, key_password=MISTAKEN)) == REFUSED
    assert await alice.confirms(shown, other, key_password=PASSWORD) == "signed"

    assert await alice.removes(alice.phone, other) == "signed"
    shown = await alice.asked(other)
    assert shown.request.relock
    assert await alice.confirms(shown, other, key_password=PASSWORD) == "signed"
    shown = await alice.asked(other)
    assert await refusal(other.confirm(shown, PIN, key_password=MISTAKEN)) == REFUSED
    assert await alice.confirms(shown, other, key_password=PASSWORD) == "signed"


# --- what the server knows ---


async def test_neither_password_nor_secret_nor_share_is_ever_written_by_the_server(
    alice: Owner, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bytes] = []
    quick = passwords.stretch

    def stretch(password: str, recipe: Recipe) -> bytes:
        made.append(quick(password, recipe))
        return made[-1]

    monkeypatch.setattr(passwords, "stretch", stretch)
    await set_password(alice)
    shown = await alice.asked()
    await refusal(alice.phone.confirm(shown, PIN, key_password=MISTAKEN))
    assert await alice.confirms(shown, key_password=PASSWORD) == "signed"
    (share,) = alice.phone.kept().shares.values()

    written = everything_written(alice.world.folder) + "".join(capfd.readouterr()).encode()
    device = await alice.device()
    for known in (alice.credential_id.encode(), device.pin_check):
        assert appears(known, written), "the search finds nothing"
    assert len(made) == 3
    for secret in (PASSWORD.encode(), MISTAKEN.encode(), share.k_act, *made):
        assert not appears(secret, written)
