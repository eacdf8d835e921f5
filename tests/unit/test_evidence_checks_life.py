"""docs/evidence.md section 2, steps 12 and 17 to 19: numbers, declined documents, sessions and codes."""

from dataclasses import replace

import pytest

from dss.devices.answer import Cause, Decision
from dss.evidence.fields import EvidenceRefused
from dss.evidence.record import Offline
from dss.evidence.request_form import Place, Session
from dss.evidence.verifying import verify
from dss.kernel.policy import Mode
from tests.world.evidence_kinds import CODE, batch, because, by_code, choosing, comparing, in_session, without
from tests.world.evidence_maker import Maker


@pytest.fixture(scope="module")
def maker() -> Maker:
    return Maker()


def proven_of(maker, draft):
    return verify(maker.finish(draft).encoded(), maker.trust())


def refused(maker, draft, why):
    with pytest.raises(EvidenceRefused, match=why):
        proven_of(maker, draft)


# --- numbers ---


def test_the_way_in_which_the_person_made_sure_is_proven(maker):
    drafts = {
        Mode.NONE: maker.sign(),
        Mode.COMPARE: comparing(maker.sign()),
        Mode.CHOOSE: choosing(maker.create()),
    }

    assert {mode: proven_of(maker, draft).mode for mode, draft in drafts.items()} == {mode: mode for mode in drafts}


@pytest.mark.parametrize("number", ["17", "08", "43", "042"])
def test_only_the_number_to_which_the_server_committed_itself_is_right(maker, number):
    draft = choosing(maker.sign("hash"))
    draft.answer["number"] = number

    refused(maker, draft, "not the one that the requester's page showed")


@pytest.mark.parametrize("number", ["0816", "815", "٠٨١٥"])
def test_only_the_same_code_is_right(maker, number):
    draft = comparing(maker.sign("hash"))
    draft.answer["number"] = number

    refused(maker, draft, "not the one that the requester's page showed")


def test_a_number_must_be_there_where_the_request_asks_for_one(maker):
    draft = comparing(maker.sign("hash"))
    del draft.answer["number"]

    refused(maker, draft, "lacks the member number")


@pytest.mark.parametrize(
    "draft",
    [
        lambda maker: maker.sign("hash"),
        lambda maker: comparing(maker.sign("hash")),
        lambda maker: maker.declined(choosing(maker.sign("hash"))),
        lambda maker: by_code(maker, choosing(maker.sign("hash"))),
    ],
    ids=["none", "compared", "declined", "by a code"],
)
def test_the_salt_of_a_number_that_no_phone_chose_is_not_there(maker, draft):
    made = draft(maker)
    made.number_salt = bytes(32)

    refused(maker, made, "core.number_salt is there for a number that a phone chose, and for nothing else")


@pytest.mark.parametrize(
    ("verification", "why"),
    [
        ({"mode": "guess"}, "mode is none that is known"),
        ({"mode": ["none"]}, "mode is none that is known"),
        ("none", "mode is none that is known"),
        ({"mode": "none", "code": CODE}, "may not have: 'code'"),
        ({"mode": "compare"}, "lacks the member code"),
        ({"mode": "compare", "code": "12345"}, "not of four digits"),
        ({"mode": "compare", "code": "١٢٣٤"}, "not of four digits"),
        ({"mode": "choose", "numbers": ["01", "02", "03"], "commitment": "AA"}, "not a hash"),
        ({"mode": "choose", "numbers": ["01", "02"], "commitment": "A" * 43}, "not 3 that differ"),
        ({"mode": "choose", "numbers": ["01", "02", "02"], "commitment": "A" * 43}, "not 3 that differ"),
        ({"mode": "choose", "numbers": ["01", "02", "3"], "commitment": "A" * 43}, "not of two digits each"),
        ({"mode": "choose", "numbers": ["01", "02", "03", "04"], "commitment": "A" * 43}, "a list of at most 3"),
    ],
)
def test_a_verification_has_one_of_three_forms(maker, verification, why):
    draft = maker.sign("hash")
    draft.request["verification"] = verification

    refused(maker, draft, why)


# --- what was declined, and why ---


def test_only_the_other_documents_have_signatures(maker):
    proven = proven_of(maker, without(maker.sign("hash", "pdf", "hash"), 0, 2))

    assert (proven.declined, proven.count, [piece.index for piece in proven.signatures]) == ((0, 2), 3, [1])


@pytest.mark.parametrize("indexes", [(2,), (0, 1), (1, 5)])
def test_documents_that_are_declined_are_there_and_not_all(maker, indexes):
    refused(maker, without(maker.sign("hash", "hash"), *indexes), "not there, or all of them")


@pytest.mark.parametrize("indexes", [(), (1, 0), (0, 0), (-1,)])
def test_declined_documents_are_named_once_and_in_order(maker, indexes):
    refused(maker, without(maker.sign("hash", "hash", "hash"), *indexes), "^the answer's form")


def test_a_signature_of_a_declined_document_is_refused(maker):
    draft = maker.sign("hash", "hash")
    whole = maker.core(draft)
    core = replace(whole, answer=maker.core(without(draft, 1)).answer)

    with pytest.raises(EvidenceRefused, match="not those of the request's documents"):
        verify(maker.finish(draft, core).encoded(), maker.trust())


@pytest.mark.parametrize("cause", Cause)
def test_the_cause_of_a_decline_is_proven(maker, cause):
    assert proven_of(maker, because(maker.declined(comparing(maker.sign())), cause)).cause is cause


def test_no_code_differs_where_none_was_to_be_compared(maker):
    refused(maker, because(maker.declined(choosing(maker.sign())), "code_differs"), "the request has none")


# --- sessions ---


def a_session(maker, **changes):
    """A signing of two documents from the third of twenty places on, within fifteen minutes."""
    return in_session(maker.sign("hash", "hash"), maker.session(**changes))


def test_what_was_signed_in_a_session_is_told_with_its_place(maker):
    draft = a_session(maker)
    within = proven_of(maker, draft).within

    assert within.session == Session(20, 15)
    assert within.place == Place(draft.session["transaction"], 3)
    assert proven_of(maker, maker.declined(maker.session())).session == Session(20, 15)


@pytest.mark.parametrize("signatures", [4, 5])
def test_a_session_has_places_for_all_documents(maker, signatures):
    assert proven_of(maker, a_session(maker, signatures=signatures)).within

    refused(maker, a_session(maker, signatures=3), "for fewer signatures")


@pytest.mark.parametrize(
    ("seconds", "holds"), [(0, True), (15 * 60 + 60, True), (15 * 60 + 61, False), (-60, True), (-61, False)]
)
def test_a_signing_in_a_session_is_asked_for_while_it_goes_on(maker, seconds, holds):
    draft = a_session(maker)
    minute, second = divmod(9 * 3600 + 60 + seconds, 60)
    draft.request |= {
        "issued": f"2026-03-02T{minute // 60:02}:{minute % 60:02}:{second:02}Z",
        "expires": "2026-03-02T10:00:00Z",
    }
    draft.event["at"] = "2026-03-02T09:17:00.000000Z"
    if holds:
        assert proven_of(maker, draft).within
    else:
        refused(maker, draft, "from before the session|after the session's end")


def test_a_session_of_more_minutes_than_time_has_is_compared_all_the_same(maker):
    assert proven_of(maker, a_session(maker, minutes=2**53 - 1)).within


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda draft, other: draft.session.update(transaction=other), "another session|another transaction"),
        (lambda draft, other: draft.session["credential"].update(id=other), "for another key"),
        (lambda draft, other: draft.session["relying_application"].update(id=other), "another relying application"),
        (lambda draft, other: draft.session["signer"].update(id=other), "another person"),
        (lambda draft, _: draft.session.update(server="https://other.example"), "not of the same server"),
        (lambda draft, _: draft.request["session"].update(place=0), "place is nought"),
        (lambda draft, _: draft.request.update(relock=True), "asks something of a phone"),
        (lambda draft, _: draft.request.pop("session"), "is there for a signing in a session"),
        (lambda draft, _: setattr(draft, "session", None), "another transaction|for a signing in a session"),
    ],
)
def test_a_session_is_the_one_that_the_request_names_and_for_the_same(maker, spoil, why):
    draft = a_session(maker)
    draft.session = {**draft.session, **{name: dict(draft.session[name]) for name in ("credential", "signer")}}
    draft.session["relying_application"] = dict(draft.session["relying_application"])
    spoil(draft, maker.ids["other"])

    refused(maker, draft, why)


def test_a_session_that_was_confirmed_is_proven_by_what_was_signed_in_it(maker):
    refused(maker, maker.session(), "proven by what was signed in it")


def test_a_declined_session_lets_nothing_be_signed(maker):
    draft = a_session(maker)
    chain = draft.chain
    maker.declined(draft)
    draft.event |= {"kind": "transaction.signed", "actor": "server"}
    draft.chain = chain

    refused(maker, draft, "the session was declined")


# --- codes ---


def test_a_code_is_told_as_one_and_no_time_of_an_answer(maker):
    proven = proven_of(maker, by_code(maker, choosing(maker.sign())))

    assert (proven.verification, proven.mode, proven.answered_at) == ("code", Mode.CHOOSE, None)
    assert proven.is_by_code


def test_a_decline_by_a_code_is_one(maker):
    proven = proven_of(maker, by_code(maker, maker.declined(maker.sign())))

    assert (proven.decision, proven.verification, proven.is_by_code) == (Decision.DECLINE, "", True)


@pytest.mark.parametrize("kind", ["create", "share", "session"])
def test_a_code_confirms_signatures_only(maker, kind):
    refused(maker, by_code(maker, getattr(maker, kind)()), "answers no request of this kind")


def test_a_code_answers_no_batch(maker):
    """T50: the phone that showed it could name no document."""
    for draft in (batch(maker), maker.declined(batch(maker))):
        refused(maker, by_code(maker, draft), "a code answers no batch")


def test_no_session_was_confirmed_by_a_code(maker):
    refused(maker, by_code(maker, a_session(maker)), "answers no request of this kind")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (Offline("1234567", "confirm", "device"), "not of eight digits"),
        (Offline("١٢٣٤٥٦٧٨", "confirm", "device"), "not of eight digits"),
        (Offline("12345678", "perhaps", "device"), "decision is none that is known"),
        (Offline("12345678", "confirm", "phone"), "not an id"),
        (Offline("12345678", "confirm", "other"), "of another phone"),
    ],
)
def test_a_code_of_another_form_or_another_phone_is_refused(maker, code, why):
    draft = by_code(maker, maker.sign())
    draft.offline = Offline(code.code, code.decision, maker.ids.get(code.device, code.device))

    refused(maker, draft, why)


def test_a_code_came_after_the_request(maker):
    draft = by_code(maker, maker.sign())
    draft.event["at"] = "2026-03-02T08:58:59.000000Z"

    refused(maker, draft, "from before the request")
