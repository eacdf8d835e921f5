"""docs/device-protocol.md section 4: what a phone takes for a confirmation request, and what it refuses."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobile_mock.errors import Difference
from mobile_mock.forms import binding
from mobile_mock.request import Expected, Request, read_request
from tests.unit import mock_files as files
from tests.unit.mock_server import (
    APPLICATION,
    BASE,
    CREDENTIAL,
    DEVICE,
    FIRST,
    SECOND,
    USER,
    FakeServer,
    b64,
    canonical,
)
from tests.unit.mock_server import right_document as a_document

EXPECTED = Expected(BASE, FIRST, USER, DEVICE)
SHA = b64(b"h" * 32)
BARE = {"index": 0, "format": "hash", "scheme": "pkcs1v15", "hash_algorithm": "sha256", "to_sign": SHA}


def read(*, expected: Expected = EXPECTED, **changes) -> Request:
    server = FakeServer()
    return read_request(canonical(server.ask(**changes)), expected, server.clock.now())


def test_a_right_request_is_read_into_values():
    server = FakeServer()
    payload = canonical(server.ask())
    request = read_request(payload, EXPECTED, server.clock.now())

    assert (request.kind, request.application.name, request.signer.login) == ("sign", "Contracts Ltd", "alice")
    assert request.credential.id == CREDENTIAL
    assert request.text == "Please sign\nby Friday"
    assert request.documents[0].content.size == len(files.ORIGINAL)
    assert request.binding == binding("dss/confirmation/v1", payload)
    assert not request.relock


def test_a_request_to_make_a_credential_is_read():
    server = FakeServer()
    request = read_request(canonical(server.ask_to_create()), EXPECTED, server.clock.now())

    assert request.credential.subject == "CN=Alice Example,C=UA"
    assert request.documents == ()


def test_a_bare_hash_has_no_content():
    assert read(documents=[BARE]).documents[0].content is None


def test_a_hundred_documents_are_read_and_one_more_is_refused():
    assert len(read(documents=[BARE | {"index": i} for i in range(100)]).documents) == 100
    with pytest.raises(Difference, match="at most 100"):
        read(documents=[BARE | {"index": i} for i in range(101)])


@pytest.mark.parametrize("member", sorted(FakeServer().ask()))
def test_a_request_without_any_of_its_members_is_refused(member):
    with pytest.raises(Difference, match=member):
        read(**{member: None})


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "share"},
        {"more": "of it"},
        {"server": "https://evil.example"},
        {"transaction": SECOND},
        {"verification": {"mode": "number"}},
        {"verification": {"mode": "none", "number": 42}},
        {"session": {"id": SECOND, "place": 1}},
        {"policy": {"answer_by": ["face"]}},
        {"policy": {"answer_by": []}},
        {"relock": False},
        {"relock": 1},
        {"documents": []},
        {"documents": {}},
        {"documents": ["contract.pdf"]},
        {"text": 7},
        {"credential": {"id": CREDENTIAL}},
        {"credential": {"id": CREDENTIAL, "certificate_sha256": b64(b"short")}},
        {"credential": {"id": "../x", "certificate_sha256": SHA}},
        {"box_key": {"kid": "box-1", "jwk": {"crv": "P-256", "kty": "EC", "x": SHA, "y": SHA}}},
        {"signer": {"id": SECOND, "login": "bob", "name": "Bob"}},
        {"relying_application": {"id": APPLICATION, "name": ["Contracts Ltd"]}},
    ],
    ids=str,
)
def test_a_request_that_this_phone_does_not_understand_or_that_is_for_another_is_refused(changes):
    """T02, T29: unknown kinds, members and policies are refused, never guessed at."""
    with pytest.raises(Difference):
        read(**changes)


def test_a_request_to_create_that_shows_documents_or_relocks_is_refused():
    server = FakeServer()
    for change in ({"documents": [BARE]}, {"relock": True}):
        with pytest.raises(Difference):
            read_request(canonical(server.ask_to_create(**change)), EXPECTED, server.clock.now())


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "CAdES-B-B"},
        {"format": "hash"},
        {"format": ["hash"]},
        {"scheme": "pss"},
        {"scheme": "pss-032"},
        {"hash_algorithm": "sha1"},
        {"hash_algorithm": "sha384"},
        {"to_sign": b64(b"short")},
        {"to_sign": SHA + "="},
        {"document_digest": b64(b"h" * 48)},
        {"size": -1},
        {"size": True},
        {"size": "1"},
        {"index": -1},
        {"more": 1},
    ],
    ids=str,
)
def test_a_document_of_another_form_is_refused(changes):
    with pytest.raises(Difference):
        read(documents=[a_document(b"", **changes)])


@pytest.mark.parametrize("indexes", [(0, 0), (1, 0)])
def test_documents_out_of_their_order_or_twice_are_refused(indexes):
    """T06."""
    with pytest.raises(Difference, match="order"):
        read(documents=[BARE | {"index": index} for index in indexes])


@pytest.mark.parametrize("scheme", ["pkcs1v15", "ecdsa", "pss-0", "pss-32", "pss-478"])
def test_every_scheme_of_the_protocol_is_understood(scheme):
    assert read(documents=[BARE | {"scheme": scheme}]).documents[0].scheme == scheme


@pytest.mark.parametrize("character", ["\u202e", "\u200b", "\x1b", "\u2029"])
def test_deceptive_text_is_refused_wherever_a_person_would_read_it(character):
    """T04: bidirectional, zero-width and control characters."""
    trick = f"pay{character}fdp"
    places = [
        {"text": trick},
        {"relying_application": {"id": APPLICATION, "name": trick}},
        {"signer": {"id": USER, "login": "alice", "name": trick}},
        {"documents": [a_document(b"", name=trick)]},
        {"documents": [a_document(b"", media_type=trick)]},
    ]
    for changes in places:
        with pytest.raises(Difference, match="would not be seen"):
            read(**changes)


def test_over_long_text_is_refused_and_never_cut():
    """T04."""
    with pytest.raises(Difference, match="more than"):
        read(text="x" * 10_001)


def test_a_request_that_has_expired_is_refused_from_its_last_second_on():
    """T38."""
    server = FakeServer()
    payload = canonical(server.ask())

    server.clock.move(299)
    read_request(payload, EXPECTED, server.clock.now())
    server.clock.move(1)
    with pytest.raises(Difference, match="expired"):
        read_request(payload, EXPECTED, server.clock.now())


def test_a_request_from_the_future_is_refused_beyond_a_minute():
    """T44."""
    server = FakeServer()
    payload = canonical(server.ask())

    server.clock.move(-60)
    read_request(payload, EXPECTED, server.clock.now())
    server.clock.move(-1)
    with pytest.raises(Difference, match="future"):
        read_request(payload, EXPECTED, server.clock.now())


@pytest.mark.parametrize("spoil", [lambda p: p + b"\n", lambda p: p.replace(b'":', b'": ', 1), lambda p: p[:-1]])
def test_a_payload_that_is_not_canonical_is_refused(spoil):
    """T61."""
    server = FakeServer()

    with pytest.raises(Difference):
        read_request(spoil(canonical(server.ask())), EXPECTED, server.clock.now())


@pytest.mark.parametrize("payload", [b"[]", b'"request"', b"7", b"null", b"{}"])
def test_a_payload_that_is_not_an_object_of_these_members_is_refused(payload):
    with pytest.raises(Difference):
        read_request(payload, EXPECTED, FakeServer().clock.now())


def test_a_request_for_another_owner_of_a_phone_is_refused():
    """T32."""
    with pytest.raises(Difference, match="another person"):
        read(expected=replace(EXPECTED, owner=SECOND))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "sign", "pin", "AA", FIRST, USER]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "jwk", "mode"]), inner),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.data(), JSON)
def test_whatever_stands_in_a_request_is_read_or_refused_and_nothing_else_happens(data, value):
    """No other exception than Difference leaves the reader."""
    server = FakeServer()
    payload = server.ask()
    place = payload
    while data.draw(st.booleans()):
        inner = [
            item for item in (place if isinstance(place, list) else place.values()) if isinstance(item, dict | list)
        ]
        if not inner:
            break
        place = data.draw(st.sampled_from(inner))
    place[data.draw(st.sampled_from(range(len(place)) if isinstance(place, list) else sorted(place)))] = value

    with suppress(Difference):
        assert read_request(canonical(payload), EXPECTED, server.clock.now()).transaction == FIRST
