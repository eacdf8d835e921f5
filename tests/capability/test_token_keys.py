"""The key of access tokens changes without anybody being refused: shown, in use, last, destroyed."""

import asyncio
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from dss.audit.service import Audit
from dss.infra.db import Database
from dss.kernel.errors import Conflict, DatabaseUnavailable, HsmUnavailable
from dss.oauth.jwks import key_id
from dss.oauth.key_rotation import KeyRotation, Use
from dss.oauth.token_key import SHOWN_AFTER, SHOWN_BEFORE
from dss.oauth.token_keys import REREAD_S, REREAD_UNKNOWN_S, TokenKeys
from tests.capability.test_revoked import Hand, Watched
from tests.world.clock import START, HandClock
from tests.world.servicekeys import SoftwareServiceKeys

OPERATOR = "operator:test"
LIFETIME = timedelta(minutes=10)
HOUR_S = SHOWN_BEFORE.total_seconds()
LAST_S = (LIFETIME + SHOWN_AFTER).total_seconds()


@pytest.fixture
def hsm() -> SoftwareServiceKeys:
    return SoftwareServiceKeys()


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def watched(database: Database) -> Watched:
    return Watched(database)


@pytest.fixture
def keys(watched: Watched, hsm: SoftwareServiceKeys, clock: HandClock, hand: Hand) -> TokenKeys:
    return TokenKeys(watched, hsm, clock, LIFETIME, hand)  # type: ignore[arg-type]


@pytest.fixture
def rotation(database: Database, hsm: SoftwareServiceKeys, audit: Audit, clock: HandClock) -> KeyRotation:
    return KeyRotation(database, hsm, audit, clock, LIFETIME)


async def kid(hsm: SoftwareServiceKeys, number: int) -> str:
    return key_id((await hsm.token_keys())[number])


async def kids(keys: TokenKeys) -> list[str]:
    return [key.kid for key in (await keys.key_set()).keys]


async def test_before_any_change_the_first_key_signs_and_is_shown_alone(
    keys: TokenKeys, hsm: SoftwareServiceKeys
) -> None:
    first = await kid(hsm, 1)

    named, sign = await keys.signing()

    assert (named, await kids(keys)) == (first, [first])
    signature = await sign(b"a token")
    public = await keys.public(named)
    assert public is not None
    der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    public.verify(der, b"a token", ec.ECDSA(SHA256()))


async def test_a_key_goes_from_shown_to_signing_to_last_to_destroyed(
    keys: TokenKeys, rotation: KeyRotation, hsm: SoftwareServiceKeys, clock: HandClock, hand: Hand
) -> None:
    """docs/authorization.md section 5."""
    made = await rotation.make(OPERATOR)
    first, second = await kid(hsm, 1), await kid(hsm, 2)
    assert (made.number, made.signs_from) == (2, START + SHOWN_BEFORE)

    for moved, signing, shown in (
        (0, first, [first, second]),
        (HOUR_S - 1, first, [first, second]),
        (1, second, [first, second]),
        (LAST_S - 1, second, [first, second]),
        (1, second, [second]),
    ):
        clock.move(moved)
        assert ((await keys.signing())[0], await kids(keys)) == (signing, shown)
    assert await keys.public(first) is None

    await rotation.retire()
    hand.seconds += REREAD_S
    assert set(await hsm.token_keys()) == {2}
    assert ((await keys.signing())[0], await kids(keys)) == (second, [second])


async def test_nothing_is_destroyed_before_its_last_token_has_ended(
    rotation: KeyRotation, hsm: SoftwareServiceKeys, clock: HandClock
) -> None:
    await rotation.retire()
    await rotation.make(OPERATOR)
    clock.move(HOUR_S + LAST_S - 1)

    await rotation.retire()

    assert set(await hsm.token_keys()) == {1, 2}


async def test_making_and_destroying_are_told_to_the_log_once(
    rotation: KeyRotation, hsm: SoftwareServiceKeys, clock: HandClock, audit: Audit
) -> None:
    await rotation.make(OPERATOR)
    clock.move(HOUR_S + LAST_S)
    await asyncio.gather(rotation.retire(), rotation.retire())
    await rotation.retire()

    (made,) = await audit.of_subject("token_key:2")
    assert (made.event.kind, made.event.actor) == ("token_key.made", OPERATOR)
    assert made.event.details == {"signs_from": "2026-03-02T10:00:00Z"}
    (destroyed,) = await audit.of_subject("token_key:1")
    assert (destroyed.event.kind, destroyed.event.actor) == ("token_key.destroyed", "server")


async def test_of_two_commands_at_the_same_time_one_makes_a_key(
    rotation: KeyRotation, hsm: SoftwareServiceKeys
) -> None:
    outcomes = await asyncio.gather(*(rotation.make(OPERATOR) for _ in range(4)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes].count(Conflict) == 3
    assert set(await hsm.token_keys()) == {1, 2}


async def test_no_key_is_made_while_the_newest_does_not_sign(rotation: KeyRotation, clock: HandClock) -> None:
    await rotation.make(OPERATOR)
    clock.move(HOUR_S - 1)
    with pytest.raises(Conflict, match="signs from 2026-03-02T10:00:00Z"):
        await rotation.make(OPERATOR)

    clock.move(1)
    assert (await rotation.make(OPERATOR)).number == 3


async def test_many_changes_leave_one_key(rotation: KeyRotation, hsm: SoftwareServiceKeys, clock: HandClock) -> None:
    for _ in range(5):
        await rotation.make(OPERATOR)
        clock.move(HOUR_S + LAST_S)
        await rotation.retire()

    (shown,) = await rotation.list()
    assert (shown.key.number, shown.use, set(await hsm.token_keys())) == (6, Use.NOW, {6})


async def test_the_list_tells_what_each_key_is_for(
    rotation: KeyRotation, hsm: SoftwareServiceKeys, clock: HandClock
) -> None:
    await rotation.make(OPERATOR)
    assert [shown.use for shown in await rotation.list()] == [Use.NOW, Use.NEXT]
    clock.move(HOUR_S)
    await rotation.make(OPERATOR)

    assert [shown.use for shown in await rotation.list()] == [Use.LAST, Use.NOW, Use.NEXT]


async def test_a_key_whose_command_did_not_come_to_its_end_is_taken(
    rotation: KeyRotation, hsm: SoftwareServiceKeys
) -> None:
    await hsm.create_token_key(2)
    left = await kid(hsm, 2)

    await rotation.make(OPERATOR)

    assert [shown.kid for shown in await rotation.list()] == [await kid(hsm, 1), left]


async def test_a_key_that_the_hsm_lost_is_replaced_at_once(
    keys: TokenKeys, rotation: KeyRotation, hsm: SoftwareServiceKeys, hand: Hand
) -> None:
    """A backup of the database that is older than the tokens of the HSM names a key that was destroyed."""
    await hsm.destroy_token_key(1)
    with pytest.raises(HsmUnavailable, match="dss oauth new-key"):
        await keys.signing()

    made = await rotation.make(OPERATOR)
    hand.seconds += REREAD_S

    assert made.signs_from == START
    assert ((await keys.signing())[0], await kids(keys)) == (await kid(hsm, 2), [await kid(hsm, 2)])


async def test_rows_are_read_again_after_ten_seconds(
    keys: TokenKeys, rotation: KeyRotation, watched: Watched, hand: Hand
) -> None:
    assert len(await kids(keys)) == 1
    await rotation.make(OPERATOR)

    hand.seconds += REREAD_S - 0.1
    assert (len(await kids(keys)), watched.reads) == (1, 1)
    hand.seconds += 0.1
    assert (len(await kids(keys)), watched.reads) == (2, 2)


async def test_a_key_id_that_is_not_known_is_looked_up_once_a_second(
    keys: TokenKeys, rotation: KeyRotation, hsm: SoftwareServiceKeys, watched: Watched, hand: Hand
) -> None:
    await keys.signing()
    await rotation.make(OPERATOR)
    hand.seconds += REREAD_UNKNOWN_S

    assert await keys.public(await kid(hsm, 2)) is not None
    for _ in range(20):
        assert await keys.public("unknown") is None
    assert watched.reads == 2


async def test_while_the_database_is_away_the_known_keys_hold(
    keys: TokenKeys, rotation: KeyRotation, hsm: SoftwareServiceKeys, watched: Watched, clock: HandClock, hand: Hand
) -> None:
    await rotation.make(OPERATOR)
    await keys.signing()
    watched.away = True

    clock.move(HOUR_S)
    hand.seconds += HOUR_S

    assert (await keys.signing())[0] == await kid(hsm, 2)


async def test_a_process_that_never_reached_the_database_signs_nothing(keys: TokenKeys, watched: Watched) -> None:
    watched.away = True

    with pytest.raises(DatabaseUnavailable):
        await keys.signing()


async def test_a_clock_before_every_key_signs_with_the_first(
    keys: TokenKeys, rotation: KeyRotation, hsm: SoftwareServiceKeys, clock: HandClock
) -> None:
    await rotation.make(OPERATOR)
    clock.move(HOUR_S + LAST_S)
    await rotation.retire()
    clock.move(-HOUR_S - LAST_S)

    assert (await keys.signing())[0] == await kid(hsm, 2)
