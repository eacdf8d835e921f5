"""The referee's verdict on records written by hand: docs/evidence.md sections 1 to 3."""

import ast
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from tests import referee
from tests.referee import canonical, samples
from tests.referee.forged_content import moved
from tests.referee.forgeries import BOOK
from tests.referee.forging import Case, Draft, Place, Stage, forge
from tests.referee.harmless import HARMLESS
from tests.referee.mutations import FORMS, Forgery
from tests.referee.record import Verdict, judge

KINDS = [
    (kind, decision)
    for kind in samples.OF_KIND
    for decision in ("confirm", "decline")
    if (kind, decision) != ("session", "confirm")
]
PLACES = (Place(0, 1), Place(2, 5), Place(4, 5), Place(1, 2, kept=1), Place(2, 5, kept=5), Place(1, 3, kept=8))


def judged(case: Case) -> Verdict:
    return judge(case.data, case.root, case.log_key, case.kept)


def drafts() -> Iterator[Callable[[], Draft]]:
    """What makes a draft: of each kind and decision, of each format and scheme, some with a kept checkpoint."""
    for place in (Place(1, 3, kept=2), Place(1, 3, kept=3), Place(1, 2)):
        for kind, decision in KINDS:
            yield partial(samples.draft, kind, decision, place)
    for format, key_type, scheme in samples.OTHER_WAYS:
        yield partial(samples.signed_otherwise, format, key_type, scheme)
    yield from samples.IN_LIFE


DRAFTS = [(make, make()) for make in drafts()]


def three_with(change: Forgery) -> list[Case]:
    """Records with a change, of three drafts that it fits."""
    fitting = islice((make for make, made in DRAFTS if change.fits(made)), 3)
    return [forge(make(), change.before, change.change) for make in fitting]


@pytest.mark.parametrize(("kind", "decision"), KINDS)
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_good_record_is_good(kind: str, decision: str, place: Place):
    assert judged(forge(samples.draft(kind, decision, place))).reason == ""


@pytest.mark.parametrize(("format", "key_type", "scheme"), samples.OTHER_WAYS)
def test_a_signature_of_every_scheme_and_format_is_good(format: str, key_type: str, scheme: str):
    assert judged(forge(samples.signed_otherwise(format, key_type, scheme))).reason == ""


@pytest.mark.parametrize("made", samples.IN_LIFE, ids=lambda made: getattr(made, "__name__", "declined"))
def test_a_confirmation_as_people_really_confirm_is_good(made: Callable[[], Draft]):
    assert judged(forge(made())).reason == ""


def test_a_session_that_was_confirmed_is_proven_by_what_was_signed_in_it():
    """Step 18."""
    assert "what was signed in it" in judged(forge(samples.draft("session"))).reason


def test_a_confirmation_says_who_what_when_on_which_phone_how_and_for_whom():
    facts = judged(forge(samples.draft())).facts

    assert facts is not None
    assert (facts.kind, facts.decision, facts.transaction) == ("sign", "confirm", samples.id(4))
    assert (facts.signer, facts.subject) == (samples.PERSON, "CN=Олена Коваль")
    assert [document["index"] for document in facts.documents] == [0, 1]
    assert (facts.answered, facts.ended) == (1795269660_000000, 1795269662_000250)
    assert (facts.phone["device"], facts.phone["name"]) == (samples.id(2), "Телефон Олени")
    assert (facts.verification, facts.relying_application["name"]) == ("pin", "Нотаріат")


def test_a_decline_names_no_certificate_and_no_verification():
    facts = judged(forge(samples.draft(decision="decline"))).facts

    assert facts is not None
    assert (facts.decision, facts.subject, facts.verification) == ("decline", None, None)


@pytest.mark.parametrize("forgery", BOOK, ids=lambda forgery: forgery.name)
def test_every_forgery_is_refused(forgery: Forgery):
    tried = [judged(case) for case in three_with(forgery)]

    assert tried, "a forgery that no draft shows"
    assert [verdict.ok for verdict in tried] == [False] * len(tried)


@pytest.mark.parametrize("change", HARMLESS, ids=lambda change: change.name)
def test_what_is_harmless_is_good(change: Forgery):
    tried = [judged(case).reason for case in three_with(change)]

    assert tried, "a change that no draft shows"
    assert set(tried) == {""}


def test_no_two_forgeries_have_one_name():
    assert len({forgery.name for forgery in (*BOOK, *HARMLESS)}) == len(BOOK) + len(HARMLESS)


@pytest.mark.parametrize("form", FORMS)
def test_a_record_in_another_form_is_refused(form):
    case = forge(samples.draft())

    assert not judge(form(case.data), case.root, case.log_key).ok


@pytest.mark.parametrize(("kind", "decision"), [("sign", "confirm"), ("share", "decline")])
def test_a_record_with_a_byte_changed_is_refused(kind: str, decision: str):
    case = forge(samples.draft(kind, decision))
    data = case.data

    passed = [
        at
        for at in range(0, len(data), 7)
        if judge(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], case.root, case.log_key).ok
    ]

    assert passed == []


@pytest.mark.parametrize("seconds", [-60, 60])
def test_a_minute_before_and_behind_is_within_bounds(seconds: int):
    """Step 13."""

    def move(draft: Draft) -> None:
        issued, expires = (60, 120) if seconds < 0 else (-120, -60)
        draft.claims["request"] |= {"issued": moved(draft, issued), "expires": moved(draft, expires)}

    assert judged(forge(samples.draft(), Stage.ASK, move)).reason == ""


def test_no_record_and_no_key_at_all_are_refused():
    case = forge(samples.draft())

    assert not judge(b"", case.root, case.log_key).ok
    assert not judge(canonical.encode(None), case.root, case.log_key).ok
    assert not judge(case.data, b"", case.log_key).ok
    assert not judge(case.data, case.root, "").ok
    assert not judge(case.data, case.root, case.log_key, "").ok


def test_the_referee_shares_no_code_with_what_it_judges():
    """A mistake that both made would be found by neither."""
    imported = {
        name.split(".")[0]
        for path in Path(referee.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in names_of(node)
    }

    assert imported <= {"tests", "cryptography", *sys.stdlib_module_names}


def names_of(node: ast.AST) -> list[str]:
    """The modules that a statement imports; of the tests' own only the referee's."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    assert node.module
    assert not node.module.startswith("tests") or node.module.startswith("tests.referee")
    return [node.module]
