"""docs/device-protocol.md section 7: an old phone shares its keys with the phone whose QR it scanned, and no other."""

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from mobile_mock.errors import BadInput, Difference, NothingToDo
from mobile_mock.jose import thumbprint
from mobile_mock.misbehave import Misbehaviour
from tests.unit.mock_server import (
    BASE,
    CREDENTIAL,
    FIRST,
    KEY,
    OTHER_CREDENTIAL,
    OTHER_DEVICE,
    PIN,
    THIRD,
    FakeServer,
    b64,
    canonical,
    jwk,
    new_key,
    sha,
    unb64,
)
from tests.unit.mock_sharing import SHARES, opened, own_key, two_phones


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


# --- the QR ---


async def test_the_qr_of_the_new_phone_names_it_and_both_its_keys(server, new):
    kept = new.kept()
    keys = thumbprint(kept.signature_key), thumbprint(kept.encryption_key)

    expected = f"dss-share:v1?u=https%3A%2F%2Fsign.example&p={OTHER_DEVICE}&s={keys[0]}&e={keys[1]}"
    assert await new.share_code() == expected


async def test_a_scanned_qr_opens_the_sharing_with_that_phone(server, old, new):
    assert await old.share(await new.share_code()) == FIRST
    assert server.sent == [(SHARES, {"phone": OTHER_DEVICE})]


async def test_a_qr_of_another_server_or_of_this_phone_or_no_qr_opens_nothing(server, old, new):
    code = await new.share_code()
    for text in (code.replace("sign.example", "evil.example"), await old.share_code(), code[:-1], server.qr()):
        with pytest.raises(BadInput):
            await old.share(text)
    assert server.sent == []


# --- what the old phone compares ---


async def test_a_request_for_the_phone_of_the_qr_is_shown(server, old, new):
    shown = await old.show(await opened(server, old, new))

    assert shown.request.share.phone.id == OTHER_DEVICE


@pytest.mark.parametrize("part", ["id", "enc", "sig"])
async def test_a_request_for_another_phone_or_other_keys_than_the_qr_is_refused(server, old, new, part):
    """T18, T19: an insider who puts their own key in the new phone's place gets no share."""
    right = server.ask_to_share(new)["share"]["phone"]
    swapped = {**right, "id": THIRD} if part == "id" else {**right, "keys": {**right["keys"], part: jwk(new_key())}}
    id = await opened(server, old, new, phone=swapped)

    with pytest.raises(Difference, match="QR"):
        await old.show(id)


async def test_a_sharing_that_the_owner_did_not_ask_for_on_this_phone_is_refused(server, old, new):
    """T18."""
    server.ask_to_share(new)
    with pytest.raises(Difference, match="did not ask"):
        await old.show(FIRST)


async def test_a_sharing_in_the_place_of_a_change_is_refused(server, old, new):
    await old.change("relock", credential=CREDENTIAL)
    server.ask_to_share(new)

    with pytest.raises(Difference, match="something else"):
        await old.show(FIRST)


# --- what the old phone sends ---


async def test_the_shares_go_in_a_jwe_for_the_new_phone_that_the_answer_names(server, old, new):
    await old.confirm(await old.show(await opened(server, old, new)), PIN)

    body, claims = server.sent[-1][1], server.answers()[-1]
    found = jwe.decrypt_compact(body["share"], ECKey.import_key(new.kept().encryption_key))
    assert set(body) == {"answer", "box", "share"}
    assert claims["share_sha256"] == b64(sha(body["share"].encode()))
    assert set(found.protected) == {"alg", "enc", "kid", "epk", "apv"}
    assert (found.protected["kid"], found.protected["apv"]) == (OTHER_DEVICE, claims["binding"])
    assert found.plaintext == canonical({"shares": {CREDENTIAL: b64(old.kept().shares[CREDENTIAL].k_act)}})
    assert set(server.opened(body)) == {"header", "pin_proof"}


async def test_only_shares_that_open_their_key_are_given(server, old, new):
    """A key that another phone locked anew: the useless share must not take the place of a right one."""
    server.ask_to_create(THIRD, credential={**server_made(), "id": OTHER_CREDENTIAL})
    await old.confirm(await old.show(THIRD), PIN)
    listed = [own_key(CREDENTIAL, held=False), own_key(OTHER_CREDENTIAL)]
    server.pages["GET /device/v1/credentials"] = {"credentials": listed}
    both = [KEY, KEY | {"id": OTHER_CREDENTIAL}]
    await old.confirm(await old.show(await opened(server, old, new, credentials=both)), PIN)

    found = jwe.decrypt_compact(server.sent[-1][1]["share"], ECKey.import_key(new.kept().encryption_key))
    assert found.plaintext == canonical({"shares": {OTHER_CREDENTIAL: b64(old.kept().shares[OTHER_CREDENTIAL].k_act)}})


def server_made() -> dict:
    return {"subject": "CN=Alice Example", "key_type": "P-256", "validity_days": 365}


async def test_a_phone_without_any_of_the_shares_has_nothing_to_confirm(server, old, new):
    shown = await old.show(await opened(server, old, new, credentials=[KEY | {"id": OTHER_CREDENTIAL}]))

    with pytest.raises(NothingToDo, match="no share"):
        await old.confirm(shown, PIN)


async def test_a_share_whose_relock_is_on_the_way_is_not_given_yet(server, old, new):
    server.after_answer = "confirmed"
    server.ask(THIRD, relock=True)
    await old.confirm(await old.show(THIRD), PIN)
    shown = await old.show(await opened(server, old, new))

    with pytest.raises(NothingToDo, match="has not ended"):
        await old.confirm(shown, PIN)


async def test_a_confirmed_sharing_whose_reply_was_lost_is_sent_again_byte_for_byte(server, old, new):
    shown = await old.show(await opened(server, old, new))
    answer = await old.prepare(shown, PIN)
    await old.confirm(shown, PIN)

    assert server.sent[-1][1] == answer.body()


async def test_a_share_that_a_tester_swapped_is_for_a_key_of_nobody(server, old, new):
    shown = await old.show(await opened(server, old, new))
    await old.confirm(shown, PIN, misbehave=Misbehaviour(swap_share=THIRD))

    head = unb64(server.sent[-1][1]["share"].split(".")[0])
    assert f'"kid":"{THIRD}"'.encode() in head
    assert BASE.encode() not in head
