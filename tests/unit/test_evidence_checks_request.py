"""docs/evidence.md section 2, step 10: the request has the members of its kind, and no others.

A sample of members is spoilt in each way; with DSS_SOAK=1 all are.
"""

import os
import random
from dataclasses import replace

import pytest

from dss.evidence.fields import EvidenceRefused
from dss.evidence.verifying import verify
from tests.world.evidence_kinds import good_drafts
from tests.world.evidence_maker import Maker

SOAK = bool(os.environ.get("DSS_SOAK"))
KINDS = [
    "sign pdf hash pdf",
    "create in place of another",
    "change password",
    "change remove",
    "change revoke",
    "share",
]
FORM = "request|^a document|^a credential|^a password"
OTHER_ID = "0000000000000000000000000Z"


@pytest.fixture
def maker() -> Maker:
    return Maker()


def refused(maker: Maker, draft, why: str) -> None:
    with pytest.raises(EvidenceRefused, match=why):
        verify(maker.finish(draft).encoded(), maker.trust())


def paths(value, at=()):
    """Where every member is; a list's first stands for all of it."""
    inner = value.items() if isinstance(value, dict) else list(enumerate(value))[:2] if isinstance(value, list) else ()
    here = [(*at, name) for name in value] if isinstance(value, dict) else []
    return here + [path for name, one in inner for path in paths(one, (*at, name))]


def parent(value, path):
    for name in path[:-1]:
        value = value[name]
    return value


def drop(inside, name):
    del inside[name]


def rename(inside, name):
    inside["another"] = inside.pop(name)


def put(value):
    def spoil(inside, name):
        inside[name] = value

    return spoil


SPOILS = {
    "dropped": drop,
    "renamed": rename,
    "null": put(None),
    "a number": put(-1),
    "an object": put({"a": {}}),
    "a list": put([[]]),
}


@pytest.mark.parametrize("how", SPOILS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_member_may_be_missing_renamed_or_of_another_form(maker, kind, how):
    """All else is as for a right request: the answer is bound to the spoilt one, and what was signed is signed."""
    whole = maker.core(good_drafts(maker)[kind]())
    optional = {("credential", "replaces")} if how == "dropped" else set()
    where = [path for path in paths(good_drafts(maker)[kind]().request) if path not in optional]
    assert len(where) > 25

    for path in where if SOAK else random.Random(f"{kind} {how}").sample(where, 12):
        draft = good_drafts(maker)[kind]()
        SPOILS[how](parent(draft.request, path), path[-1])
        draft.chain = None
        core = replace(maker.core(draft), signatures=whole.signatures, certificates=whole.certificates)
        with pytest.raises(EvidenceRefused, match=FORM):
            verify(maker.finish(draft, core).encoded(), maker.trust())


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("sign pdf hash pdf", {"phone": OTHER_ID}),
        ("sign pdf hash pdf", {"change": {"action": "pin"}}),
        ("sign pdf hash pdf", {"batch": 1}),
        ("sign pdf hash pdf", {"relock": False}),
        ("sign pdf hash pdf", {"relock": 1}),
        ("create", {"relock": True}),
        ("create", {"phone": OTHER_ID}),
        ("change pin", {"credential": {"id": OTHER_ID, "certificate_sha256": "A" * 43}}),
        ("change remove", {"credential": {"id": OTHER_ID, "certificate_sha256": "A" * 43}}),
        ("change pin", {"relock": True}),
        ("share", {"credential": {"id": OTHER_ID, "certificate_sha256": "A" * 43}}),
        ("share", {"change": {"action": "pin"}}),
    ],
)
def test_a_member_of_another_kind_is_refused(maker, kind, more):
    draft = good_drafts(maker)[kind]()
    draft.request |= more

    refused(maker, draft, "request")


@pytest.mark.parametrize(
    ("kind", "member", "value", "why"),
    [
        ("sign pdf", "kind", "batch", "kind is none that is known"),
        ("sign pdf", "kind", "login", "kind is none that is known"),
        ("sign pdf", "kind", "create", "has documents"),
        ("sign pdf", "verification", {"mode": "number"}, "mode is none that is known"),
        ("sign pdf", "policy", {"answer_by": ["pin", "face"]}, "answer_by has a way that is not known"),
        ("sign pdf", "policy", {"answer_by": []}, "answer_by has no way"),
        ("sign pdf", "policy", {"answer_by": ["pin", "pin"]}, "one of them twice"),
        ("sign pdf", "relying_application", {"id": "someone", "name": "Shop"}, "relying_application.id is not an id"),
        ("sign pdf", "transaction", "1", "request.transaction is not an id"),
        ("sign pdf", "issued", "2026-03-02T09:00:00+00:00", "request.issued"),
        ("sign pdf", "expires", "2026-03-02T09:05:00.0Z", "request.expires"),
        ("change revoke", "change", {"action": "revoke", "reason": "cACompromise"}, "reason is none that is known"),
        ("change revoke", "change", {"action": "revoke"}, "lacks the member reason"),
        ("change pin", "change", {"action": "format"}, "action is none that is known"),
        ("change pin", "change", {"action": "pin", "reason": "superseded"}, "has a member"),
        ("change pin", "documents", [{}], "has documents"),
        ("create", "documents", [{}], "has documents"),
    ],
)
def test_values_that_are_not_known_are_refused(maker, kind, member, value, why):
    draft = good_drafts(maker)[kind]()
    draft.request[member] = value

    refused(maker, draft, why)


def test_a_change_of_a_key_names_it(maker):
    for action in ("password", "relock", "resume", "revoke", "destroy"):
        draft = maker.change(action)
        del draft.request["credential"]
        refused(maker, draft, "request.credential does not fit the change")


@pytest.mark.parametrize("member", ["name", "media_type", "size", "document_digest"])
def test_a_bare_hash_has_nothing_that_was_shown(maker, member):
    draft = maker.sign("pdf", "hash")
    shown = draft.request["documents"][0]
    draft.request["documents"][1][member] = shown[member]

    refused(maker, draft, f"a document has a member that it may not have: '{member}'")


def test_a_request_of_more_than_100_documents_is_refused(maker):
    refused(maker, maker.sign(*["hash"] * 101), "at most 100")


@pytest.mark.parametrize("id", ["owner", "operator"])
def test_the_signer_s_phone_or_an_operator_may_have_asked(maker, id):
    draft = maker.asked_by(id, maker.change("pin"))

    assert verify(maker.finish(draft).encoded(), maker.trust()).relying_application.id == id


def test_what_characters_the_texts_have_and_how_many_is_not_checked(maker):
    """Whoever shows them escapes what could deceive."""
    deceptive = "\u202egpj.\u200b\x1b[2J\n" * 200
    draft = maker.sign("pdf")
    draft.request["text"] = deceptive
    draft.request["relying_application"]["name"] = deceptive
    draft.request["documents"][0]["name"] = deceptive

    proven = verify(maker.finish(draft).encoded(), maker.trust())

    assert (proven.text, proven.documents[0].document.name) == (deceptive, deceptive)
