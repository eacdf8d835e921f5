"""The authorization detail of the type `signature`. Source: RFC 9396; docs/authorization.md section 3."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.devices.items import MOST
from dss.kernel.digest import SHA256, SHA512
from dss.kernel.ids import ClientId, CredentialId, TransactionId
from dss.kernel.keyspec import Padding
from dss.kernel.policy import Mode
from dss.oauth import rar
from dss.oauth.authorization_errors import InvalidAuthorizationDetails
from dss.transactions.model import Limits

LIMITS = Limits()
ID, OTHER_ID = "01KAJ9T8VX3N5Q7R9S1T2V4W6Y", "01KAJ9T8VX3N5Q7R9S1T2V4W6Z"
HASH = base64.b64encode(bytes(32)).decode()
DOCUMENTS = {"type": "signature", "documents": [{"id": ID}]}
HASHES = {"type": "signature", "hashes": [HASH]}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = st.sampled_from(
    ["credential_id", "text", "verification", "scheme", "documents", "hashes", "hash_algorithm", "id", "sha256"]
)


def read(*details: Any) -> rar.Detail:
    return rar.read(json.dumps(details), LIMITS)


def test_documents_are_read_with_what_the_signer_is_told():
    detail = read(
        {
            "type": "signature",
            "credential_id": OTHER_ID,
            "text": "Rent",
            "verification": "choose",
            "scheme": "ecdsa",
            "documents": [{"id": ID, "sha256": "ab" * 32}, {"id": ID}],
        }
    )

    assert (detail.credential_id, detail.text, detail.mode) == (OTHER_ID, "Rent", Mode.CHOOSE)
    assert detail.scheme is not None
    assert detail.scheme.padding is Padding.ECDSA
    assert detail.documents == (ID, ID)
    assert detail.meant == (b"\xab" * 32, b"")


def test_hashes_are_read_with_their_algorithm():
    assert read(HASHES).hash_algorithm == SHA256
    sha512 = base64.b64encode(bytes(64)).decode()
    detail = read({"type": "signature", "hashes": [sha512], "hash_algorithm": "sha512"})
    assert (detail.hash_algorithm, detail.hashes) == (SHA512, (bytes(64),))


def test_the_wish_is_what_the_detail_says():
    wish = read({**HASHES, "text": "Rent", "verification": "compare"}).wish(ClientId("c"), CredentialId(ID), "browser")

    assert (wish.client_id, wish.credential_id, wish.browser) == ("c", ID, "browser")
    assert (wish.text, wish.hashes, wish.mode) == ("Rent", (bytes(32),), Mode.COMPARE)
    assert wish.session_id is None


def test_the_detail_is_enriched_by_the_key_and_the_signature():
    """RFC 9396 section 7."""
    assert read(HASHES).enriched(CredentialId(ID), TransactionId(OTHER_ID)) == {
        "type": "signature",
        "hashes": [HASH],
        "credential_id": ID,
        "signature_id": OTHER_ID,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"actions": ["sign"]},
        {"session_id": ID},
        {"signature_id": ID},
        {"expires_in": 60},
        {"type": "payment"},
        {"type": None},
        {"type": ["signature"]},
        {"credential_id": "x"},
        {"credential_id": ID + "\n"},
        {"credential_id": 1},
        {"text": 1},
        {"text": "x" * 501},
        {"text": "a\u202eb"},
        {"text": "a\x00b"},
        {"text": "\ud800"},
        {"verification": "never"},
        {"scheme": "none"},
        {"scheme": 1},
        {"documents": []},
        {"documents": {}},
        {"documents": [ID]},
        {"documents": [{}]},
        {"documents": [{"id": "../x"}]},
        {"documents": [{"id": ID, "sha256": "AB" * 32}]},
        {"documents": [{"id": ID, "sha256": "ab" * 31}]},
        {"documents": [{"id": ID, "name": "x"}]},
        {"documents": [{"id": ID}] * (MOST + 1)},
        {"hashes": [HASH]},
        {"hash_algorithm": "sha256"},
    ],
)
def test_a_detail_that_does_not_fit_is_refused(changes: dict[str, Any]):
    """RFC 9396 section 5; T31: nothing is taken that is not known."""
    with pytest.raises(InvalidAuthorizationDetails):
        read({**DOCUMENTS, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"hashes": []},
        {"hashes": ["x"]},
        {"hashes": [HASH.rstrip("=")]},
        {"hashes": [HASH[:-2] + "B="]},
        {"hashes": [1]},
        {"hashes": [HASH] * (MOST + 1)},
        {"hash_algorithm": "sha512"},
        {"hash_algorithm": "md5"},
        {"hash_algorithm": ""},
    ],
)
def test_hashes_that_do_not_fit_are_refused(changes: dict[str, Any]):
    with pytest.raises(InvalidAuthorizationDetails):
        read({**HASHES, **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "null",
        "{}",
        "[]",
        "[[]]",
        '["signature"]',
        json.dumps(DOCUMENTS),
        json.dumps([DOCUMENTS, DOCUMENTS]),
        json.dumps([DOCUMENTS])[:-1],
        f'[{{"type": "signature", "type": "signature", "hashes": ["{HASH}"]}}]',
        f'[{{"type": "signature", "hashes": ["{HASH}"], "text": NaN}}]',
        "[" * 100_000,
        "9" * 10_000,
        " " * rar.LONGEST + "[]",
    ],
)
def test_what_is_not_one_detail_is_refused(text: str):
    """RFC 9396 section 2: an array of objects; here of one."""
    with pytest.raises(InvalidAuthorizationDetails):
        rar.read(text, LIMITS)


@given(text=st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str):
    with pytest.raises(InvalidAuthorizationDetails):
        rar.read(text, LIMITS)


@given(members=st.dictionaries(MEMBERS | st.text(max_size=8), JSON, max_size=6))
def test_any_detail_is_read_or_refused(members: dict[str, Any]):
    try:
        detail = rar.read(json.dumps([{**members, "type": "signature"}]), LIMITS)
    except InvalidAuthorizationDetails:
        return
    assert bool(detail.documents) is not bool(detail.hashes)
    assert detail.member["type"] == "signature"
