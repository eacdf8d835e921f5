"""docs/device-protocol.md sections 4, 6 and 7: requests to change and to share, and what a phone refuses of them."""

from contextlib import suppress
from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobile_mock.errors import Difference
from mobile_mock.matter import CHANGES, OF_NO_KEY, REASONS, Application, PhoneName
from mobile_mock.request import Expected, Request, read_request
from tests.unit.mock_server import (
    APPLICATION,
    BASE,
    CREDENTIAL,
    DEVICE,
    FIRST,
    KEY,
    OTHER_CREDENTIAL,
    OTHER_DEVICE,
    RECIPE,
    USER,
    FakeServer,
    b64,
    canonical,
    jwk,
    new_key,
)

EXPECTED = Expected(BASE, FIRST, USER, DEVICE)
PHONE = {"id": OTHER_DEVICE, "name": "Old phone"}
STOPPED = {"id": APPLICATION, "name": "Contracts Ltd"}
MORE = {
    "password": {"password": RECIPE},
    "revoke": {"reason": "keyCompromise"},
    "remove": {"phone": PHONE},
    "allow": {"relying_application": STOPPED},
}
OLD = KEY | {"id": OTHER_CREDENTIAL}
KEYS = {"enc": jwk(new_key()), "sig": jwk(new_key())}
SHARE = {"phone": {**PHONE, "keys": KEYS}, "credentials": [KEY]}
A_DOCUMENT = {"index": 0, "format": "hash", "scheme": "ecdsa", "hash_algorithm": "sha256", "to_sign": b64(b"h" * 32)}


def payload_of(action: str | None = None, **changes) -> dict:
    """A right request for a change, or without an action to share; a member that is changed to None is left out."""
    kind = {"kind": "change", "change": {"action": action, **MORE.get(action, {})}}
    if action is None:
        kind = {"kind": "share", "share": SHARE}
    credential = None if action is None or action in OF_NO_KEY else KEY
    return FakeServer().ask(**{**kind, "phone": DEVICE, "documents": [], "credential": credential, **changes})


def read(payload: dict, expected: Expected = EXPECTED) -> Request:
    return read_request(canonical(payload), expected, FakeServer().clock.now())


def refused(payload: dict, said: str | None = None, expected: Expected = EXPECTED) -> None:
    with pytest.raises(Difference, match=said):
        read(payload, expected)


# --- change ---


@pytest.mark.parametrize("action", CHANGES)
def test_every_change_of_the_protocol_is_understood(action):
    request = read(payload_of(action))

    assert (request.kind, request.action, request.matter.phone) == ("change", action, DEVICE)
    assert (request.credential is None) == (action in OF_NO_KEY)
    assert request.opens_key == (action in {"password", "relock", "offline"})
    assert request.relocks == (action == "relock")


def test_what_goes_with_a_change_is_read():
    assert read(payload_of("password")).change.password.memory_kib == 19_456
    assert read(payload_of("revoke")).change.reason == "keyCompromise"
    assert read(payload_of("remove")).change.phone == PhoneName(OTHER_DEVICE, "Old phone")
    assert read(payload_of("allow")).change.application == Application(APPLICATION, "Contracts Ltd")


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_of_the_protocol_is_understood(reason):
    assert read(payload_of("revoke", change={"action": "revoke", "reason": reason})).change.reason == reason


@pytest.mark.parametrize(
    "change",
    [
        *(7, None, [], {}, {"action": 7}, {"action": ["pin"]}, {"action": "unlock"}, {"action": "pin", "more": 1}),
        *({"action": "pin", "phone": PHONE}, {"action": "pin", "password": RECIPE}),
    ],
    ids=str,
)
def test_a_change_that_this_phone_does_not_know_is_refused(change):
    refused(payload_of("pin", change=change))


@pytest.mark.parametrize(
    "change",
    [
        *({"action": "revoke"}, {"action": "revoke", "reason": "superceded"}, {"action": "revoke", "reason": ["x"]}),
        *({"action": "password"}, {"action": "password", "password": {}}, {"action": "relock", "reason": "superseded"}),
    ],
    ids=str,
)
def test_a_change_of_a_key_with_other_members_is_refused(change):
    refused(payload_of("revoke", change=change))


@pytest.mark.parametrize("phone", [{"id": OTHER_DEVICE}, {"id": "7", "name": "x"}, PHONE | {"name": "a\u202eb"}, 7])
def test_a_removal_that_does_not_name_a_phone_is_refused(phone):
    """T04."""
    refused(payload_of("remove", change={"action": "remove", "phone": phone}))


def test_a_removal_of_the_phone_that_answers_is_refused():
    """Section 6: another phone of the owner is removed."""
    refused(payload_of("remove", change={"action": "remove", "phone": PHONE | {"id": DEVICE}}), "names this phone")


@pytest.mark.parametrize("action", CHANGES)
def test_a_change_has_a_credential_exactly_where_it_is_of_one(action):
    refused(payload_of(action, credential=KEY if action in OF_NO_KEY else None), "credential")


@pytest.mark.parametrize(
    "changes",
    [
        *({"phone": None}, {"phone": "7"}, {"share": SHARE}, {"relock": True}, {"documents": [A_DOCUMENT]}),
        *({"change": None}, {"kind": "sign"}, {"kind": "share"}),
    ],
    ids="-".join,
)
def test_a_change_with_members_of_another_kind_is_refused(changes):
    refused(payload_of("resume", **changes))


@pytest.mark.parametrize("action", ["pin", None], ids=["change", "share"])
def test_a_request_that_names_another_phone_is_refused(action):
    """T32: only the phone that opened it may answer it."""
    payload = payload_of(action, phone=OTHER_CREDENTIAL)
    refused(payload, "another phone")

    assert read(payload, replace(EXPECTED, device=None)).matter.phone == OTHER_CREDENTIAL


@pytest.mark.parametrize("member", ["phone", "change", "share"])
def test_a_request_to_sign_has_none_of_the_members_of_other_kinds(member):
    values = {"phone": DEVICE, "change": {"action": "pin"}, "share": SHARE}
    refused(FakeServer().ask(**{member: values[member]}), member)


# --- the password of a key, and a key that is replaced ---


def test_a_request_to_sign_tells_how_the_password_of_the_key_is_stretched():
    recipe = read(FakeServer().ask(credential=KEY | {"password": RECIPE})).credential.password

    assert (recipe.salt, recipe.memory_kib, recipe.passes, recipe.lanes) == (b"a" * 16, 19_456, 1, 1)
    assert read(FakeServer().ask()).credential.password is None


@pytest.mark.parametrize("least_and_most", [(19_456, 1, 1), (1024 * 1024, 16, 16)])
def test_the_limits_of_the_work_are_allowed(least_and_most):
    recipe = dict(zip(("memory_kib", "passes", "lanes"), least_and_most, strict=True))
    assert read(FakeServer().ask(credential=KEY | {"password": RECIPE | recipe})).credential.password


@pytest.mark.parametrize(
    "wrong",
    [
        *({"memory_kib": 19_455}, {"memory_kib": 1024 * 1024 + 1}, {"passes": 0}, {"passes": 17}, {"lanes": 0}),
        *({"lanes": 17}, {"lanes": True}, {"passes": "1"}, {"salt": b64(b"a" * 15)}, {"salt": b64(b"a" * 17)}),
        *({"salt": 7}, {"more": 1}),
    ],
    ids=str,
)
def test_a_password_that_is_stretched_too_little_or_too_much_is_refused_wherever_it_stands(wrong):
    """Section 6; T29: a server cannot ask for a weaker one."""
    recipe = RECIPE | wrong
    refused(FakeServer().ask(credential=KEY | {"password": recipe}))
    refused(payload_of("relock", credential=KEY | {"password": recipe}))
    refused(payload_of("password", change={"action": "password", "password": recipe}))


def test_a_request_to_create_tells_which_key_it_cancels():
    made = {"id": CREDENTIAL, "subject": "CN=A", "key_type": "P-256", "validity_days": 1, "replaces": OLD}

    assert read(FakeServer().ask_to_create(credential=made)).credential.replaces.id == OTHER_CREDENTIAL


@pytest.mark.parametrize("replaces", [{}, 7, OTHER_CREDENTIAL, OLD | {"password": RECIPE}, OLD | {"id": "7"}], ids=str)
def test_a_replaced_key_in_another_form_is_refused(replaces):
    made = {"id": CREDENTIAL, "subject": "CN=A", "key_type": "P-256", "validity_days": 1, "replaces": replaces}
    refused(FakeServer().ask_to_create(credential=made))


def test_a_key_that_is_to_be_made_has_no_password_yet():
    made = {"id": CREDENTIAL, "subject": "CN=A", "key_type": "P-256", "validity_days": 1, "password": RECIPE}
    refused(FakeServer().ask_to_create(credential=made))


# --- share ---


def test_a_request_to_share_is_read():
    share = read(payload_of()).share

    assert (share.phone, share.encryption, share.signature) == (
        PhoneName(OTHER_DEVICE, "Old phone"),
        KEYS["enc"],
        KEYS["sig"],
    )
    assert [credential.id for credential in share.credentials] == [CREDENTIAL]


@pytest.mark.parametrize(
    "share",
    [
        *(7, {}, SHARE | {"more": 1}, SHARE | {"credentials": []}, SHARE | {"credentials": [KEY, KEY]}),
        *(SHARE | {"credentials": [KEY | {"password": RECIPE}]}, SHARE | {"credentials": [CREDENTIAL]}),
        *(SHARE | {"phone": PHONE}, SHARE | {"phone": {**PHONE, "keys": {"enc": KEYS["enc"]}}}),
        SHARE | {"phone": {**PHONE, "keys": KEYS | {"sig": {"crv": "P-256", "kty": "EC", "x": "AA", "y": "AA"}}}},
        SHARE | {"phone": {**PHONE, "keys": KEYS, "name": "a\u200bb"}},
    ],
    ids=range(11),
)
def test_a_request_to_share_in_another_form_is_refused(share):
    refused(payload_of(share=share))


def test_a_request_to_share_with_the_phone_that_answers_is_refused():
    refused(payload_of(share=SHARE | {"phone": {**PHONE, "keys": KEYS, "id": DEVICE}}), "names this phone")


@pytest.mark.parametrize("changes", [{"credential": KEY}, {"change": {"action": "pin"}}, {"phone": None}], ids=str)
def test_a_request_to_share_with_members_of_another_kind_is_refused(changes):
    refused(payload_of(**changes))


JSON = st.none() | st.booleans() | st.integers(-1, 2**31) | st.sampled_from(["", "pin", "revoke", "AA", DEVICE, FIRST])


@settings(deadline=None)
@given(st.data(), st.sampled_from([*CHANGES, None]), JSON | st.lists(JSON, max_size=2))
def test_whatever_stands_in_a_change_or_a_sharing_is_read_or_refused_and_nothing_else_happens(data, action, value):
    """No other exception than Difference leaves the reader."""
    payload = deepcopy(payload_of(action))
    place = payload[data.draw(st.sampled_from([name for name in ("change", "share", "credential") if name in payload]))]
    while data.draw(st.booleans()):
        inner = [
            item for item in (place if isinstance(place, list) else place.values()) if isinstance(item, dict | list)
        ]
        if not inner:
            break
        place = data.draw(st.sampled_from(inner))
    place[data.draw(st.sampled_from(range(len(place)) if isinstance(place, list) else sorted(place)))] = value

    with suppress(Difference):
        assert read(payload).transaction == FIRST
