"""The rules of a key's states, walked at random: whatever is asked in whatever order, some things never come to be."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dss.credentials.model import LIVING, Authority, Credential, CredentialState
from dss.kernel.errors import Conflict
from dss.kernel.ids import CredentialId, DeviceId, UserId
from dss.kernel.keyspec import KeySpec
from tests.world.clock import START

PHONES = [DeviceId(f"phone {number}") for number in range(3)]
FINAL = frozenset({CredentialState.REVOKED, CredentialState.DESTROYED})
END = START + timedelta(days=730)
phones, authorities = st.sampled_from(PHONES), st.sampled_from(Authority)


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


class Life(RuleBasedStateMachine):
    """The life of one key: any verb by anybody at any time. A verb that is refused changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.now = credential()
        self.before = self.now
        self.blocked_by_operator = False

    def becomes(self, new: Credential) -> None:
        self.before, self.now = self.now, new

    @rule(by=authorities)
    def suspend(self, by: Authority) -> None:
        with suppress(Conflict):
            self.becomes(self.now.suspended(by))
            self.blocked_by_operator |= by is Authority.OPERATOR

    @rule(by=authorities)
    def resume(self, by: Authority) -> None:
        with suppress(Conflict):
            self.becomes(self.now.resumed(by))
            assert by is Authority.OPERATOR or not self.blocked_by_operator, "a signer lifted an operator's block"
            self.blocked_by_operator = False

    @rule(state=st.sampled_from(sorted(FINAL)))
    def end(self, state: CredentialState) -> None:
        with suppress(Conflict):
            self.becomes(self.now.ended(state))

    @rule(phone=phones)
    def share(self, phone: DeviceId) -> None:
        if self.now.key_blob:
            self.becomes(self.now.shared_with(phone))

    @rule(phone=phones)
    def remove(self, phone: DeviceId) -> None:
        """Phones are asked to leave only the keys that they hold."""
        if phone in self.now.holders:
            self.becomes(self.now.without(phone))
            assert phone not in self.now.holders

    @invariant()
    def what_is_gone_stays_gone(self) -> None:
        assert self.before.state not in FINAL or self.now.state is self.before.state

    @invariant()
    def there_is_a_key_exactly_where_a_phone_opens_it(self) -> None:
        gone = self.now.state in FINAL
        assert (self.now.key_blob == b"", self.now.holders == ()) == (gone, gone)
        assert not (gone and self.now.relock), "nothing is left to lock anew"

    @invariant()
    def only_a_blocked_key_has_one_who_blocked_it(self) -> None:
        if self.now.state is CredentialState.SUSPENDED:
            assert (self.now.suspended_by is Authority.OPERATOR) == self.blocked_by_operator
        elif self.now.state is CredentialState.ACTIVE:
            assert self.now.suspended_by is None

    @invariant()
    def only_an_active_key_may_sign(self) -> None:
        if self.now.state is CredentialState.ACTIVE:
            assert self.now.require_usable(START) == b"certificate"
        else:
            with pytest.raises(Conflict):
                self.now.require_usable(START)

    @invariant()
    def nothing_changes_whose_key_it_is(self) -> None:
        for name in ("id", "user_id", "public_key", "certificate", "chain", "not_after", "created_at", "replaces"):
            assert getattr(self.now, name) == getattr(self.before, name)

    @invariant()
    def each_holder_is_told_once(self) -> None:
        assert len(set(self.now.holders)) == len(self.now.holders)


TestLife = Life.TestCase


@pytest.mark.parametrize("state", sorted(set(CredentialState) - LIVING))
def test_a_key_that_does_not_live_is_not_suspended_and_not_ended(state: CredentialState) -> None:
    key = credential(state=state)
    for verb in (
        lambda: key.suspended(Authority.OPERATOR),
        lambda: key.resumed(Authority.OPERATOR),
        lambda: key.ended(CredentialState.REVOKED),
        lambda: key.ended(CredentialState.DESTROYED),
    ):
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
