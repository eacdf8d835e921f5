"""A signed request is the one that was asked, by the key that the phone pinned, or it proves nothing.

Source: docs/device-protocol.md sections 2 and 4; docs/evidence.md section 2 steps 6 and 11.
"""

from datetime import timedelta

import pytest

from dss.devices import request
from dss.devices.enrolment import RECEIPT
from dss.devices.items import Item, Shown
from dss.devices.model import BoxKey
from dss.devices.request import REQUEST, Asked, ConfirmationRequest, Kind, Party, is_shown
from dss.infra.jose import LONGEST
from dss.kernel.digest import SHA256, Digest
from dss.kernel.ids import BoxKeyId, TransactionId
from tests.world import jws
from tests.world.clock import START

CHANNEL, OTHER = jws.new_key(), jws.new_key()
DIGEST = Digest(SHA256, bytes(32))
RECEIVED = jws.sign_claims(RECEIPT, {"device": "phone"}, CHANNEL)


def payload(names: tuple[str, ...] = (), text: str = "Please sign") -> bytes:
    """A request to sign documents of these names."""
    documents = [
        Item(index, "PAdES-B-B", "ecdsa", DIGEST, Shown(name, "application/pdf", 10**7, DIGEST))
        for index, name in enumerate(names)
    ]
    return ConfirmationRequest(
        server="http://dss.test",
        transaction=TransactionId("01K000000000000000000000TX"),
        kind=Kind.SIGN,
        relying_application=Party("01K0000000000000000000CLNT", "Contracts Ltd"),
        signer=Party("01K0000000000000000000VSER", "Alice Example", "alice"),
        credential={"id": "01K0000000000000000000KEYS"},
        text=text,
        documents=tuple(documents),
        box_key=BoxKey(BoxKeyId("01K00000000000000000000BXK"), jws.public_jwk(OTHER), START),
        issued=START,
        expires=START + timedelta(minutes=5),
        nonce="A" * 22,
    ).payload()


def signed(content: bytes, typ: str = REQUEST, by: object = CHANNEL, named: object = None) -> str:
    """A request signed by a key, under its own name or another's."""
    header = {"alg": "ES256", "jwk": jws.public_jwk(named or by), "typ": typ}  # type: ignore[arg-type]
    return jws.sign(header, content, by)  # type: ignore[arg-type]


ASKED: Asked = request.read(payload())


def test_the_request_that_was_asked_by_the_key_that_was_pinned_is_what_was_shown() -> None:
    assert is_shown(signed(payload()), ASKED, RECEIVED)


@pytest.mark.parametrize(
    "forged",
    [
        signed(payload(text="Please sign this")),
        signed(payload(), by=OTHER),
        signed(payload(), by=OTHER, named=CHANNEL),
        signed(payload(), by=CHANNEL, named=OTHER),
        signed(payload(), typ=RECEIPT),
        signed(payload() + b" "),
        signed(payload())[:-1],
        RECEIVED,
        "..",
        "",
    ],
)
def test_no_other_is(forged: str) -> None:
    assert not is_shown(forged, ASKED, RECEIVED)


def test_as_many_documents_as_there_may_be_with_the_longest_names_are_not_too_many() -> None:
    """A hundred names of 255 characters, of up to four bytes each in UTF-8."""
    largest = payload(tuple("𝄞" * 255 for _ in range(100)))
    text = signed(largest)
    assert len(text) > LONGEST
    assert is_shown(text, request.read(largest), RECEIVED)
