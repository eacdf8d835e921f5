"""Evidence of each kind that there is, and how people really confirm: by numbers, in sessions, in batches, by codes."""

import hashlib
from collections.abc import Callable
from functools import partial

from dss.devices.items import Batch, Item
from dss.evidence.record import Offline
from dss.kernel import b64
from tests.world.evidence_maker import Draft, Maker

NUMBERS, NUMBER, CODE = ["17", "42", "08"], "42", "0815"
SALT = bytes(range(64, 96))
BATCH, PART, LEAF = 102, range(9, 14), 11


def comparing(draft: Draft) -> Draft:
    """The same, by a code that the person found to be that of the requester's page."""
    draft.request["verification"] = {"mode": "compare", "code": CODE}
    draft.answer["number"] = CODE
    return draft


def choosing(draft: Draft) -> Draft:
    """The same, by the number that the person chose."""
    commitment = hashlib.sha256(b"dss/number/v1\x00" + SALT + NUMBER.encode()).digest()
    draft.request["verification"] = {
        "mode": "choose",
        "numbers": NUMBERS,
        "commitment": b64.url_encode(commitment),
    }
    draft.answer["number"], draft.number_salt = NUMBER, SALT
    return draft


def without(draft: Draft, *indexes: int) -> Draft:
    """The same, but for some documents that the person declined."""
    draft.answer["declined_documents"] = list(indexes)
    return draft


def because(draft: Draft, cause: str) -> Draft:
    """The same decline, with its cause."""
    draft.answer["cause"] = cause
    return draft


def in_session(draft: Draft, session: Draft, place: int = 3) -> Draft:
    """The same, signed without a phone in a session that one had confirmed; it is asked for a minute later."""
    draft.request["session"] = {"id": session.request["transaction"], "place": place}
    draft.request |= {"issued": "2026-03-02T09:02:00Z", "expires": "2026-03-02T09:07:00Z"}
    draft.event["at"] = "2026-03-02T09:02:01.000000Z"
    draft.session, draft.answer, draft.number_salt = session.request, session.answer, session.number_salt
    return draft


def batch(maker: Maker) -> Draft:
    """A signing of more documents than a request names; the record is of one of them."""
    draft = maker.sign(*("pdf" if index in PART and index % 2 else "hash" for index in range(BATCH)))
    draft.items, draft.part, draft.leaf = draft.request["documents"], PART, LEAF
    items = [Item.of_member(item) for item in draft.items]
    draft.request |= {"documents": [], "batch": Batch.of(items).member()}
    draft.event["kind"] = "transaction.part_signed"
    return draft


def by_code(maker: Maker, draft: Draft) -> Draft:
    """The same, answered by a code in place of the phone."""
    draft.offline = Offline("01234567", draft.answer["decision"], maker.ids["device"])
    draft.number_salt = b""
    return draft


def good_drafts(maker: Maker) -> dict[str, Callable[[], Draft]]:
    """What makes a draft of each kind that a record can be of, by what it is."""
    signings = (("pdf",), ("hash",), ("pdf", "hash", "pdf"))
    actions = ("pin", "password", "relock", "resume", "revoke", "destroy", "remove")
    actions += ("allow", "offline", "offline_end")
    return {
        **{f"sign {' '.join(what)}": partial(maker.sign, *what) for what in signings},
        **{f"change {action}": partial(maker.change, action) for action in actions},
        "create": maker.create,
        "create in place of another": lambda: maker.create(replaces=True),
        "share": maker.share,
        "change by the owner": lambda: maker.asked_by("owner", maker.change("revoke")),
        "share by the owner": lambda: maker.asked_by("owner", maker.share()),
        "create by the operator": lambda: maker.asked_by("operator", maker.create()),
        "sign declined": lambda: maker.declined(maker.sign("pdf", "hash"), "Це не мій договір"),
        "create declined": lambda: maker.declined(maker.create()),
        "change declined": lambda: maker.declined(maker.change("revoke")),
        "share declined": lambda: maker.declined(maker.share()),
        "by a further phone": lambda: maker.by_further_phone(maker.sign()),
        "with consistency": lambda: maker.with_consistency(maker.sign("hash")),
        "sign compared": lambda: comparing(maker.sign()),
        "sign chosen": lambda: choosing(maker.sign("hash")),
        "sign all but one": lambda: without(maker.sign("hash", "pdf", "hash"), 1),
        "sign declined as nobody asked": lambda: because(maker.declined(maker.sign("hash")), "not_me"),
        "sign declined as the code differs": lambda: because(maker.declined(comparing(maker.sign())), "code_differs"),
        "session declined": lambda: maker.declined(maker.session()),
        "sign in a session": lambda: in_session(maker.sign("pdf", "hash"), comparing(maker.session())),
        "batch": lambda: batch(maker),
        "batch all but some": lambda: without(batch(maker), 10, 12, 100),
        "batch declined": lambda: maker.declined(batch(maker)),
        "batch in a session": lambda: in_session(batch(maker), choosing(maker.session(200))),
        "sign by a code": lambda: by_code(maker, choosing(maker.sign("pdf"))),
        "sign declined by a code": lambda: by_code(maker, maker.declined(maker.sign("hash"))),
    }


# With other keys than the usual one these are enough.
SIGNED_ALIKE = (
    "sign pdf",
    "sign hash",
    "sign pdf hash pdf",
    "create",
    "sign all but one",
    "sign in a session",
    "batch all but some",
    "sign by a code",
)
