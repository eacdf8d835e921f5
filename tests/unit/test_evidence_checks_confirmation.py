"""docs/evidence.md section 2, steps 11 to 13: the answer answers this very request, in time."""

import pytest

from dss.evidence.fields import EvidenceRefused
from dss.evidence.verifying import verify
from dss.kernel import b64
from tests.world.evidence_maker import ANSWERED, Maker, sha

OTHER_ID = "0000000000000000000000000Z"


@pytest.fixture
def maker() -> Maker:
    return Maker()


def refused(maker: Maker, draft, why: str) -> None:
    with pytest.raises(EvidenceRefused, match=why):
        verify(maker.finish(draft).encoded(), maker.trust())


@pytest.mark.parametrize(
    ("member", "value", "why"),
    [
        ("txn", OTHER_ID, "the answer is of another transaction"),
        ("binding", b64.url_encode(bytes(32)), "not bound to what the request shows"),
        ("binding", "", "not bound to what the request shows"),
        ("verification", "biometric", "by a way that the request does not allow"),
        ("verification", "none", "^the answer's form"),
        ("decision", "maybe", "^the answer's form"),
        ("decision", "decline", "^the answer's form"),
        ("counter", 0, "^the answer's form"),
        ("counter", "7", "^the answer's form"),
        ("iat", "now", "^the answer's form"),
        ("iat", 2**53 - 1, "answer.iat is no time"),
        ("iat", -1, "answer.iat is not a number from 0"),
        ("counter", -1, "^the answer's form"),
        ("counter", True, "^the answer's form"),
        ("reason", "because", "^the answer's form"),
        ("number", 7, "^the answer's form"),
        ("number", "42", "a member that it may not have: .number"),
        ("declined_documents", [], "^the answer's form"),
        ("sealed_sha256", "AA", "answer.sealed_sha256 is not a hash"),
        ("share_sha256", sha(b"shared"), "a member that it may not have: .share_sha256"),
    ],
)
def test_a_confirmation_has_its_members(maker, member, value, why):
    draft = maker.sign()
    draft.answer[member] = value

    refused(maker, draft, why)


@pytest.mark.parametrize("member", ["aud", "txn", "counter", "iat", "decision", "verification", "sealed_sha256"])
def test_no_member_of_a_confirmation_may_be_missing(maker, member):
    draft = maker.sign()
    del draft.answer[member]

    refused(maker, draft, "^the answer's form")


def test_a_confirmed_share_names_what_was_shared(maker):
    for value, why in ((None, "^the answer's form|share_sha256"), ("AA", "share_sha256")):
        draft = maker.share()
        draft.answer["share_sha256"] = value
        if value is None:
            del draft.answer["share_sha256"]
        refused(maker, draft, why)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("verification", "pin"),
        ("sealed_sha256", sha(b"x")),
        ("share_sha256", sha(b"x")),
        ("reason", "x" * 201),
        ("reason", "not\u202emine"),
        ("reason", "not\u200bmine"),
        ("reason", "not\tmine"),
        ("reason", "not\x9bmine"),
        ("reason", None),
    ],
)
def test_a_refusal_has_its_members(maker, member, value):
    draft = maker.declined(maker.sign())
    draft.answer[member] = value

    refused(maker, draft, "^the answer's form")


def test_a_reason_may_have_lines(maker):
    draft = maker.declined(maker.sign(), "No.\nNot mine.")

    assert verify(maker.finish(draft).encoded(), maker.trust()).reason == "No.\nNot mine."


def test_a_request_for_another_phone_is_not_answered_by_this_one(maker):
    for draft in (maker.change("pin"), maker.declined(maker.change("pin")), maker.share()):
        draft.request["phone"] = OTHER_ID
        refused(maker, draft, "the request is for another phone")


@pytest.mark.parametrize(
    ("iat", "why"),
    [
        (ANSWERED - 60 - 61, "from before the request"),
        (ANSWERED + 4 * 60 + 61, "from after the request's end"),
        (0, "from before the request"),
    ],
)
@pytest.mark.parametrize("declines", [False, True])
def test_an_answer_out_of_time_is_refused(maker, iat, why, declines):
    draft = maker.declined(maker.sign()) if declines else maker.sign()
    draft.answer["iat"] = iat
    draft.event["at"] = "2026-03-02T10:00:00.000000Z"

    refused(maker, draft, why)


def test_an_answer_of_a_phone_that_had_to_wait_is_refused(maker):
    draft = maker.sign()
    draft.receipt["active"] = "2026-03-02T09:02:01Z"
    refused(maker, draft, "from when the phone had to wait")

    draft.receipt["active"] = "2026-03-02T09:02:00Z"
    assert verify(maker.finish(draft).encoded(), maker.trust()).is_confirmed


def test_an_end_from_before_the_answer_is_refused(maker):
    draft = maker.sign()
    draft.event["at"] = "2026-03-02T08:59:59.999999Z"
    refused(maker, draft, "ended before it was answered")

    draft.event["at"] = "2026-03-02T09:00:00.000000Z"
    assert verify(maker.finish(draft).encoded(), maker.trust()).is_confirmed


def test_the_last_moment_of_the_calendar_is_a_time_like_others(maker):
    draft = maker.sign()
    draft.request["expires"] = "9999-12-31T23:59:59Z"

    assert verify(maker.finish(draft).encoded(), maker.trust()).is_confirmed


def test_a_request_that_ended_before_it_was_issued_is_refused(maker):
    for expires in ("2026-03-02T09:00:00Z", "2026-03-02T08:59:59Z"):
        draft = maker.sign()
        draft.request["expires"] = expires
        draft.answer["iat"] = ANSWERED - 60
        refused(maker, draft, "the request ended before it was issued")


def test_an_answer_from_before_the_phone_was_enrolled_is_refused(maker):
    draft = maker.sign()
    draft.receipt["enrolled"] = "2026-03-02T09:02:01Z"
    refused(maker, draft, "from before the phone was enrolled")

    draft.receipt["enrolled"] = "2026-03-02T09:02:00Z"
    assert verify(maker.finish(draft).encoded(), maker.trust()).is_confirmed


@pytest.mark.parametrize("declines", [False, True])
def test_an_end_of_more_than_two_days_after_the_request_is_refused(maker, declines):
    draft = maker.declined(maker.sign()) if declines else maker.sign()
    draft.event["at"] = "2026-03-04T09:05:00.000001Z"
    refused(maker, draft, "ended too long after")

    draft.event["at"] = "2026-03-04T09:05:00.000000Z"
    assert verify(maker.finish(draft).encoded(), maker.trust()).is_confirmed is not declines
