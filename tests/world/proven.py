"""What evidence proves, put together by hand, and records that have the right form: for what is said of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dss.audit.checkpoint import Checkpoint
from dss.audit.merkle import Head
from dss.devices.answer import Cause, Decision
from dss.devices.items import Item, Shown
from dss.devices.request import Action, Kind, Party
from dss.evidence.certificate_check import Named
from dss.evidence.concerned import REASONS, Change, Key, NewKey, Other, Share
from dss.evidence.log_check import Logged
from dss.evidence.phone_check import Phone
from dss.evidence.record import Core, LogProof, Record
from dss.evidence.request_form import Place, Session
from dss.evidence.verifying import Proven, Within
from dss.kernel import b64
from dss.kernel.digest import BY_NAME, Digest
from dss.kernel.ids import CredentialId, DeviceId, TransactionId
from dss.kernel.keyspec import KeySpec
from dss.kernel.policy import Mode
from tests.world.clock import START
from tests.world.signers import soft_signer

TRANSACTION = TransactionId("01KJQYR4Z8M0Q3T6W9C2F5H8TX")
USER, PHONE, KEY = (f"01KJQYR4Z8M0Q3T6W9C2F5H8{end}" for end in ("VS", "PH", "KY"))
APPLICATION = "01KJQYR4Z8M0Q3T6W9C2F5H8AP"
ORIGIN = "dss.example.org/log"
ROOT_HASH = bytes(range(32))
ANSWERED, ENDED = START + timedelta(seconds=75), START + timedelta(seconds=77)


def document(number: int = 1, name: str = "contract.pdf", size: int = 12_345) -> Item:
    """A PDF that was shown and signed."""
    to_sign = Digest.of(b"attributes %d" % number)
    return Item(number - 1, "PAdES-B-B", "ecdsa", to_sign, Shown(name, "application/pdf", size, _digest(number)))


def bare_hash(number: int = 1, algorithm: str = "sha384", scheme: str = "pss-48") -> Item:
    """A hash that was signed without anything being shown."""
    return Item(number - 1, "hash", scheme, Digest.of(b"unseen %d" % number, BY_NAME[algorithm]))


def signed(**changes: Any) -> Proven:
    """A contract that Olena confirmed by PIN."""
    proven = Proven(
        server="https://dss.example.org",
        channel_key="NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        transaction=TRANSACTION,
        kind=Kind.SIGN,
        decision=Decision.CONFIRM,
        verification="pin",
        mode=Mode.NONE,
        reason="",
        cause=None,
        signer=Party(USER, "Олена Коваль", "olena"),
        relying_application=Party(APPLICATION, "Contracts Ltd"),
        text="",
        documents=(document(),),
        declined=(),
        count=1,
        signatures=(),
        key=key(),
        new_key=None,
        change=None,
        share=None,
        session=None,
        within=None,
        certificate=Named("CN=Олена Коваль,C=UA", "CN=Issuing CA,C=UA", "1f2e3d4c"),
        phone=Phone(DeviceId(PHONE), "Key 1", "Android 15", START - timedelta(days=30), None),
        asked_at=START,
        answered_at=ANSWERED,
        logged=logged(),
    )
    return replace(proven, **changes)


def of_kind(kind: Kind, **changes: Any) -> Proven:
    """The same of another kind: no documents, and no certificate unless one is given."""
    return signed(**({"kind": kind, "documents": (), "key": None, "certificate": None} | changes))


def declined(**changes: Any) -> Proven:
    """A contract that Olena declined."""
    named = {"decision": Decision.DECLINE, "verification": "", "certificate": None, "reason": "Not my contract"}
    return signed(**(named | changes))


def in_session(**changes: Any) -> Proven:
    """A contract that was signed without a phone, in a session that Olena had confirmed."""
    within = Within(Place(TransactionId(KEY), 4), SESSION, "For this month")
    return signed(**({"within": within} | changes))


def by_code(**changes: Any) -> Proven:
    """A contract that a code of Olena's phone confirmed."""
    return signed(**({"verification": "code", "answered_at": None} | changes))


def key(number: int = 1) -> Key:
    """A key that is there."""
    return Key(CredentialId(KEY), _digest(100 + number).value)


def logged(kept: int | None = None) -> Logged:
    """The end of the transaction, in a log of 42 leaves."""
    return Logged("transaction.signed", "server", f"transaction:{TRANSACTION}", ENDED, ORIGIN, 42, 17, kept)


def record() -> bytes:
    """A record of the right form, whose certificates are real; its signatures are not."""
    note = f"{Checkpoint(ORIGIN, Head(42, ROOT_HASH)).text}\n— {ORIGIN} {b64.encode(bytes(68))}\n"
    core = Core("request", "answer", "enrolment", "receipt", "channel key", certificates=soft_signer().chain)
    return Record(core, LogProof({"kind": "transaction.signed"}, bytes(32), 17, (), note)).encoded()


def _digest(number: int) -> Digest:
    return Digest.of(b"document %d" % number)


SESSION = Session(20, 15)
OTHER = Other(DeviceId(PHONE), "Key 2")
NEW_KEY = NewKey(key().id, "CN=Олена Коваль,C=UA", KeySpec.P256, 365, key(2))
CHANGES = [
    *(Change(Action.REVOKE, key(), None, reason) for reason in sorted(REASONS)),
    *(Change(action, key(), None, "") for action in (Action.PASSWORD, Action.RELOCK, Action.RESUME, Action.DESTROY)),
    Change(Action.PIN, None, None, ""),
    Change(Action.REMOVE, None, OTHER, ""),
    Change(Action.ALLOW, None, None, "", Party(APPLICATION, "Contracts Ltd")),
    *(Change(action, key(), None, "") for action in (Action.OFFLINE, Action.OFFLINE_END)),
]
EVERYTHING = [
    signed(text="Please sign", documents=(document(1), bare_hash(2)), logged=logged(kept=30)),
    signed(documents=(bare_hash(),), verification="biometric"),
    declined(),
    of_kind(Kind.CREATE, new_key=NEW_KEY, certificate=signed().certificate),
    of_kind(Kind.CREATE, new_key=NEW_KEY, relying_application=Party("operator", "Acme")),
    of_kind(Kind.SHARE, share=Share(OTHER, (key(1), key(2))), relying_application=Party("owner", "Acme")),
    *(of_kind(Kind.CHANGE, change=change) for change in CHANGES),
    of_kind(Kind.SESSION, session=SESSION, key=key(), decision=Decision.DECLINE, verification=""),
    of_kind(Kind.CREATE, new_key=NEW_KEY, certificate=signed().certificate, mode=Mode.COMPARE),
    in_session(text="Three invoices"),
    signed(documents=(document(1), document(2)), count=2, declined=(1,), mode=Mode.CHOOSE),
    signed(documents=(document(17),), count=5000, declined=tuple(range(100, 130))),
    by_code(mode=Mode.CHOOSE),
    by_code(decision=Decision.DECLINE, verification="", certificate=None),
    declined(documents=(), count=5000),
    *(declined(cause=cause, reason="") for cause in Cause),
]
