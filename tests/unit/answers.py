"""A request to sign, and what a phone may answer to it: right claims, to be changed."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

from dss.devices import answer, request
from dss.devices.answer import Came
from dss.devices.items import MOST, Item
from dss.devices.model import BoxKey
from dss.devices.request import Asked, ConfirmationRequest, Kind, Party
from dss.devices.verification import draw
from dss.kernel import b64
from dss.kernel.digest import Digest
from dss.kernel.errors import AnswerRefused
from dss.kernel.ids import BoxKeyId, TransactionId
from dss.kernel.policy import Mode
from tests.world.clock import START
from tests.world.jws import new_key, public_jwk, sign_claims

KEY = new_key()
BOX = "a.box"
REQUEST = ConfirmationRequest(
    server="http://dss.test",
    transaction=TransactionId("0" * 26),
    kind=Kind.SIGN,
    relying_application=Party("1" * 26, "Contracts Ltd"),
    signer=Party("2" * 26, "Alice Example", "alice"),
    credential={"id": "3" * 26, "certificate_sha256": b64.url_encode(bytes(32))},
    text="Please sign",
    documents=(Item(0, "hash", "ecdsa", Digest.of(b"a document")),),
    box_key=BoxKey(BoxKeyId("4" * 26), public_jwk(new_key()), START),
    issued=START,
    expires=START + timedelta(seconds=300),
    nonce=b64.url_encode(bytes(16)),
)
ASKED = request.read(REQUEST.payload())
HASHES = tuple(Item(index, "hash", "ecdsa", Digest.of(b"a document")) for index in range(MOST))


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a right confirmation, changed; None leaves a member out."""
    right = {
        "aud": ASKED.server,
        "txn": ASKED.transaction,
        "binding": b64.url_encode(ASKED.binding),
        "decision": "confirm",
        "verification": "pin",
        "counter": 1,
        "iat": 1,
        "sealed_sha256": b64.url_encode(hashlib.sha256(BOX.encode()).digest()),
    }
    return {name: value for name, value in (right | changes).items() if value is not None}


def declining(asked: Asked = ASKED, **changes: Any) -> dict[str, Any]:
    """The claims of a right decline of a request, changed."""
    return claims(decision="decline", verification=None, sealed_sha256=None, binding=bound_to(asked), **changes)


def bound_to(asked: Asked) -> str:
    return b64.url_encode(asked.binding)


def asking(mode: Mode = Mode.NONE, count: int = 1, kind: Kind = Kind.SIGN) -> Asked:
    """A request to sign so many hashes by a mode, or one of another kind."""
    documents = HASHES[:count] if kind is Kind.SIGN else ()
    made = replace(REQUEST, kind=kind, documents=documents, verification=draw(mode).verification)
    return request.read(made.payload())


def signed(said: dict[str, Any]) -> str:
    return sign_claims("dss-answer+jws", said, KEY, kid="5" * 26)


def read(said: dict[str, Any]) -> answer.Answer:
    return answer.read(signed(said))


def fits(said: dict[str, Any], box: str | None = BOX, asked: Asked = ASKED) -> bool:
    try:
        return read(said).answers(asked, Came("", box))
    except AnswerRefused:
        return False
