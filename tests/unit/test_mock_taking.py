"""docs/device-protocol.md section 7: a new phone takes the shares that are for it, and checks who gave them to whom."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import ECKey

from mobile_mock import jose
from mobile_mock.errors import Difference
from mobile_mock.phone import Phone
from tests.unit.mock_server import (
    BASE,
    CREDENTIAL,
    DEVICE,
    FIRST,
    OTHER_CREDENTIAL,
    OTHER_DEVICE,
    PIN,
    SECOND,
    THIRD,
    USER,
    FakeServer,
    b64,
    canonical,
    jwk,
    new_key,
    sha,
    sign,
)
from tests.unit.mock_sharing import SHARES, hand_out, opened, parcel, two_phones

SHARED_BY = b64(canonical({"alg": "ES256", "typ": "dss-answer+jws", "kid": DEVICE}))


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
async def phones(server, tmp_path):
    return await two_phones(server, tmp_path)


@pytest.fixture
def old(phones):
    """The phone that holds a share."""
    return phones[0]


@pytest.fixture
def new(phones):
    """Another phone of the same owner."""
    return phones[1]


async def test_the_new_phone_takes_the_shares_and_says_so(server, old, new):
    hand_out(server, await parcel(server, old, new))

    assert await new.take_shares() == [CREDENTIAL]

    assert new.kept().shares[CREDENTIAL] == old.kept().shares[CREDENTIAL]
    assert server.calls[-1].url.path == f"{SHARES}/{FIRST}/taken"


async def test_a_share_is_taken_long_after_its_request_has_expired(server, old, new):
    """The new phone waits for an hour, the request waited for minutes."""
    hand_out(server, await parcel(server, old, new))
    server.clock.move(3600)

    assert await new.take_shares() == [CREDENTIAL]


async def test_a_share_that_was_confirmed_by_the_number_of_a_page_is_taken(server, old, new):
    id = await opened(server, old, new)
    chosen = {"mode": "choose", "numbers": ["41", "07", "88"], "commitment": b64(b"c" * 32)}
    server.ask(id, **{"credential": None, **json.loads(server.requests[id]), "verification": chosen})
    await old.confirm(await old.show(id), PIN, number="07")
    request = sign("dss-confirmation-request+jws", server.requests[id], server.channel)
    answered = {name: server.sent[-1][1][name] for name in ("answer", "share")}
    hand_out(server, {"id": id, "request": request, **answered})

    assert await new.take_shares() == [CREDENTIAL]


async def test_a_share_is_kept_before_the_server_is_told_to_delete_it(server, old, new):
    hand_out(server, await parcel(server, old, new))
    kept = []
    server.refuse = lambda path: kept.append(new.kept().shares) if path.endswith("/taken") else None
    await new.take_shares()

    assert CREDENTIAL in kept[0]


async def test_a_new_share_takes_the_place_of_one_that_another_phone_made_useless(server, old, new):
    hand_out(server, await parcel(server, old, new))
    await new.take_shares()
    server.ask(THIRD, relock=True)
    await old.confirm(await old.show(THIRD), PIN)
    hand_out(server, await parcel(server, old, new))
    await new.take_shares()

    assert new.kept().shares[CREDENTIAL].k_act == old.kept().shares[CREDENTIAL].k_act


async def test_where_nothing_was_shared_nothing_is_taken(server, new):
    hand_out(server)

    assert await new.take_shares() == []


async def refused(server, new: Phone, said: str | None = None) -> None:
    with pytest.raises(Difference, match=said):
        await new.take_shares()
    assert new.kept().shares == {}
    assert not any(call.url.path.endswith("/taken") for call in server.calls)


@pytest.mark.parametrize("member", ["id", "request", "answer", "share"])
@pytest.mark.parametrize("value", [None, 7, "", "a.b.c", "a.b.c.d.e", SECOND])
async def test_a_parcel_in_another_form_is_refused(server, old, new, member, value):
    changed = {**await parcel(server, old, new), member: value}
    hand_out(server, {name: item for name, item in changed.items() if item is not None})

    await refused(server, new)


async def test_shares_by_a_request_of_another_key_are_refused(server, old, new):
    """T19."""
    given = await parcel(server, old, new)
    hand_out(server, given | {"request": sign("dss-confirmation-request+jws", server.requests[FIRST], new_key())})

    await refused(server, new, "did not introduce")


@pytest.mark.parametrize("part", ["owner", "phone", "enc", "sig", "kind", "by"])
async def test_shares_for_another_owner_phone_or_key_are_refused(server, old, new, part):
    """T32."""
    given = await parcel(server, old, new)
    payload = server.ask_to_share(new)
    phone = payload["share"]["phone"]
    if part == "kind":
        payload = server.ask()
    elif part == "owner":
        payload["signer"] = {"id": USER[:-1] + "B", "login": "bob", "name": "Bob"}
    elif part == "by":
        payload["phone"] = THIRD
    elif part == "phone":
        phone["id"] = THIRD
    else:
        phone["keys"][part] = jwk(new_key())
    text = canonical(payload)
    hand_out(server, given | {"request": sign("dss-confirmation-request+jws", text, server.channel)})

    await refused(server, new)


@pytest.mark.parametrize(
    "changes",
    [
        *({"aud": "https://evil.example"}, {"txn": SECOND}, {"binding": b64(sha(b"x"))}, {"decision": "decline"}),
        *({"share_sha256": b64(sha(b"x"))}, {"more": 1}),
    ],
    ids=str,
)
async def test_shares_that_their_answer_does_not_confirm_are_refused(server, old, new, changes):
    given = await parcel(server, old, new)
    claims = canonical({**server.answers()[-1], **changes})
    hand_out(server, given | {"answer": f"{SHARED_BY}.{b64(claims)}.{b64(b'x' * 64)}"})

    await refused(server, new)


@pytest.mark.parametrize("header", [{"alg": "none"}, {"typ": "JWT"}, {"kid": THIRD}, {"more": 1}], ids=str)
async def test_shares_with_an_answer_by_another_phone_or_of_another_type_are_refused(server, old, new, header):
    given = await parcel(server, old, new)
    head = b64(canonical({"alg": "ES256", "typ": "dss-answer+jws", "kid": DEVICE, **header}))
    hand_out(server, given | {"answer": f"{head}.{given['answer'].partition('.')[2]}"})

    await refused(server, new)


def sealed(server, to: ECKey, plaintext: bytes, **header: str) -> dict:
    """A parcel whose JWE was made by hand, with an answer that confirms it."""
    claims = server.answers()[-1]
    right = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": OTHER_DEVICE, "apv": claims["binding"]}
    share = jwe.encrypt_compact({**right, **header}, plaintext, to)
    claims |= {"share_sha256": b64(sha(share.encode()))}
    return {"share": share, "answer": f"{SHARED_BY}.{b64(canonical(claims))}.{b64(b'x' * 64)}"}


async def test_a_jwe_for_another_key_name_or_request_is_refused(server, old, new):
    """T02: shares of one sharing are none of another."""
    given, mine = await parcel(server, old, new), ECKey.import_key(new.kept().encryption_key)
    plaintext = canonical({"shares": {CREDENTIAL: b64(b"k" * 32)}})
    wrong = [
        sealed(server, new_key(), plaintext),
        sealed(server, mine, plaintext, kid=DEVICE),
        sealed(server, mine, plaintext, apv=b64(b"b" * 32)),
        sealed(server, mine, plaintext, enc="A128GCM"),
        sealed(server, mine, plaintext, apu="AA"),
    ]
    for one in wrong:
        hand_out(server, given | one)
        await refused(server, new)


@pytest.mark.parametrize(
    "plaintext",
    [
        *(b"", b"[]", b"{}", b'{"shares": {}}', canonical({"shares": []}), canonical({"shares": {}, "more": 1})),
        *(canonical({"shares": {CREDENTIAL: b64(b"k" * size)}}) for size in (0, 31, 33)),
        *(canonical({"shares": {OTHER_CREDENTIAL: b64(b"k" * 32)}}), canonical({"shares": {CREDENTIAL: 7}})),
    ],
    ids=range(11),
)
async def test_shares_in_another_form_or_of_other_keys_are_refused(server, old, new, plaintext):
    given, mine = await parcel(server, old, new), ECKey.import_key(new.kept().encryption_key)
    hand_out(server, given | sealed(server, mine, plaintext))

    await refused(server, new)


async def test_a_server_that_says_anything_but_taken_is_not_believed(server, old, new):
    hand_out(server, await parcel(server, old, new))
    server.pages[f"POST {SHARES}/{FIRST}/taken"] = {"state": "waiting"}

    with pytest.raises(Difference, match="waiting"):
        await new.take_shares()


KEY_PAIR, BINDING = jose.new_key(), b"b" * 32
SEALED = jose.seal({"shares": {}}, jose.BoxKey(DEVICE, jose.public(KEY_PAIR)), BINDING)


@settings(deadline=None)
@given(st.integers(0, len(SEALED)), st.integers(0, 50), st.text("AZaz09-_.=\u00e9", max_size=3))
def test_a_jwe_that_was_changed_on_the_way_opens_to_what_was_sealed_or_is_refused(place, dropped, put):
    """No other exception than Difference leaves the reader."""
    text = SEALED[:place] + put + SEALED[place + dropped :]

    with suppress(Difference):
        assert jose.unseal(text, KEY_PAIR, DEVICE, BINDING) == b'{"shares":{}}'


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(0, 50), st.text("AZaz09-_.=\u00e9", max_size=3))
def test_a_told_jws_is_read_or_refused_and_nothing_else_happens(place, dropped, put):
    """No other exception than Difference leaves the reader."""
    right = jose.write_jws("dss-answer+jws", {"aud": BASE}, KEY_PAIR, kid=DEVICE)

    with suppress(Difference):
        assert jose.read_told(right[:place] + put + right[place + dropped :], "dss-answer+jws")
