"""The rules of a key's states, walked at random: whatever is asked in whatever order, some things never come to be."""

import random
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from dss.credentials.model import LIVING, Authority, Credential, CredentialState
from dss.kernel.errors import Conflict
from dss.kernel.ids import CredentialId, DeviceId, UserId
from dss.kernel.keyspec import KeySpec
from tests.world.clock import START

PHONES = [DeviceId(f"phone {number}") for number in range(3)]
FINAL = frozenset({CredentialState.REVOKED, CredentialState.DESTROYED})
END = START + timedelta(days=730)


def credential(**changes: Any) -> Credential:
    """A key in use, with changes."""
    right = Credential(
        id=CredentialId("key"),
        user_id=UserId("alice"),
        state=CredentialState.ACTIVE,
        key_spec=KeySpec.P256,
        kek_id="kek-1",
        key_blob=b"blob",
        public_key=b"public",
        csr=b"csr",
        subject="CN=Alice",
        certificate=b"certificate",
        chain=(b"issuing", b"root"),
        not_before=START,
        not_after=END,
        created_at=START,
        suspended_by=None,
        relock=False,
        holders=(PHONES[0],),
        password=None,
        replaces=None,
    )
    return replace(right, **changes)


@dataclass
class Life:
    """The life of one key, of which it is remembered whether an operator blocked it and has not freed it since."""

    now: Credential
    blocked: bool = False

    def suspend(self, by: Authority) -> None:
        self.now = self.now.suspended(by)
        self.blocked |= by is Authority.OPERATOR

    def resume(self, by: Authority) -> None:
        self.now = self.now.resumed(by)
        assert by is Authority.OPERATOR or not self.blocked, "a signer lifted an operator's block"
        self.blocked = False

    def end(self, state: CredentialState) -> None:
        self.now = self.now.ended(state)

    def share(self, phone: DeviceId) -> None:
        """Shares are made of keys that are there."""
        if self.now.key_blob:
            self.now = self.now.shared_with(phone)
            assert phone in self.now.holders

    def remove(self, phone: DeviceId) -> None:
        """A phone that is removed leaves the keys that it holds."""
        if phone in self.now.holders:
            self.now = self.now.without(phone)
            assert phone not in self.now.holders


MOVES = (
    *[(Life.suspend, by) for by in Authority],
    *[(Life.resume, by) for by in Authority],
    *[(Life.share, phone) for phone in PHONES],
    *[(Life.remove, phone) for phone in PHONES],
    *[(Life.end, state) for state in sorted(FINAL)],
)


@pytest.mark.parametrize("seed", range(5))
def test_no_walk_leads_to_what_must_not_be(seed: int) -> None:
    """Whatever is asked, by anybody and in whatever order; what is refused changes nothing."""
    dice, reached = random.Random(seed), set()
    for _ in range(200):
        life = Life(credential())
        for _ in range(20):
            before = life.now
            move, about = dice.choice(MOVES)
            with suppress(Conflict):
                move(life, about)  # type: ignore[operator]
            reached.add(life.now.state)
            require_sound(life)
            require_follows(before, life.now)
    assert reached == set(CredentialState) - {CredentialState.REQUESTED}


def require_sound(life: Life) -> None:
    """Assert what is true of a key at any time."""
    key, gone = life.now, life.now.state in FINAL
    assert (key.key_blob == b"", key.holders == ()) == (gone, gone), "there is a key exactly where a phone opens it"
    assert not (gone and key.relock), "nothing is left to lock anew"
    assert len(set(key.holders)) == len(key.holders)
    if key.state is CredentialState.ACTIVE:
        assert (key.suspended_by, life.blocked) == (None, False)
        assert key.require_usable(START) == b"certificate"
        return
    if key.state is CredentialState.SUSPENDED:
        assert (key.suspended_by is Authority.OPERATOR) == life.blocked
    with pytest.raises(Conflict):
        key.require_usable(START)


def require_follows(before: Credential, after: Credential) -> None:
    """Assert what no step changes."""
    gone_for_good = before.state not in FINAL or replace(after, state=before.state) == before
    assert gone_for_good, "what is gone stays gone"
    revoked_later = (before.state, after.state) == (CredentialState.DESTROYED, CredentialState.REVOKED)
    assert before.state not in FINAL or after.state is before.state or revoked_later
    for name in ("id", "user_id", "public_key", "certificate", "chain", "not_after", "created_at", "replaces"):
        assert getattr(after, name) == getattr(before, name)


@pytest.mark.parametrize("state", sorted(set(CredentialState) - LIVING))
def test_a_key_that_does_not_live_is_not_suspended_and_not_ended(state: CredentialState) -> None:
    """But the certificate of a key that was destroyed can still be revoked."""
    key = credential(state=state)
    verbs = [
        lambda: key.suspended(Authority.OPERATOR),
        lambda: key.resumed(Authority.OPERATOR),
        lambda: key.ended(CredentialState.DESTROYED),
    ]
    if state is CredentialState.DESTROYED:
        assert key.ended(CredentialState.REVOKED).state is CredentialState.REVOKED
    else:
        verbs.append(lambda: key.ended(CredentialState.REVOKED))
    for verb in verbs:
        with pytest.raises(Conflict, match=f"the credential is {state}"):
            verb()


@pytest.mark.parametrize("state", sorted(FINAL))
def test_what_ends_a_key_erases_what_unlocks_it(state: CredentialState) -> None:
    ended = credential(relock=True, holders=tuple(PHONES)).ended(state)
    assert (ended.state, ended.key_blob, ended.holders, ended.relock) == (state, b"", (), False)


def test_a_key_waits_to_be_locked_anew_while_a_phone_is_left_and_is_destroyed_with_the_last() -> None:
    key = credential(holders=(PHONES[0], PHONES[1]))
    one_less = key.without(PHONES[0])
    assert (one_less.state, one_less.relock, one_less.holders) == (CredentialState.ACTIVE, True, (PHONES[1],))

    last = one_less.without(PHONES[1])
    assert (last.state, last.key_blob, last.relock) == (CredentialState.DESTROYED, b"", False)


@pytest.mark.parametrize("by", Authority)
def test_only_an_operator_lifts_what_an_operator_suspended(by: Authority) -> None:
    key = credential().suspended(by)
    assert key.resumed(Authority.OPERATOR).state is CredentialState.ACTIVE
    if by is Authority.SIGNER:
        assert key.resumed(Authority.SIGNER).state is CredentialState.ACTIVE
    else:
        with pytest.raises(Conflict, match="only an operator resumes it"):
            key.resumed(Authority.SIGNER)


@pytest.mark.parametrize(
    ("seconds", "usable"), [(-1, False), (0, True), ((END - START).total_seconds() - 1, True), (63072000, False)]
)
def test_a_key_signs_from_the_first_second_of_its_certificate_to_its_end(seconds: float, usable: bool) -> None:
    now = START + timedelta(seconds=seconds)
    if usable:
        assert credential().require_usable(now) == b"certificate"
    else:
        with pytest.raises(Conflict, match="not valid now"):
            credential().require_usable(now)


def test_a_key_without_a_certificate_signs_nothing() -> None:
    for made in (credential(certificate=None), credential(state=CredentialState.REQUESTED)):
        with pytest.raises(Conflict, match="no certificate yet"):
            made.require_usable(START)
