"""What evidence says of confirmations in real life: numbers, declined documents, batches, sessions and codes."""

import pytest

from dss.devices.answer import Cause, Decision
from dss.evidence.saying import say
from dss.evidence.verifying import Proven
from dss.evidence.words import Words
from dss.kernel.policy import Mode
from dss.notify.model import LOCALES
from tests.world.proven import by_code, declined, document, in_session, signed


def sentences(proven: Proven, language: str = "en") -> tuple[str, ...]:
    return tuple(sentence for section in say(proven, language).sections for sentence in section.sentences)


@pytest.mark.parametrize("language", LOCALES)
def test_what_was_signed_in_a_session_is_told_as_shown_to_nobody(language: str) -> None:
    words = Words.of(language)
    told = sentences(in_session(text="Three invoices"), language)

    assert words.text("unproven", "unshown") in told
    assert words.text("unproven", "read") not in told
    assert words.text("proven", "unshown", text="Three invoices") in told
    assert words.text("proven", "session_text", text="For this month") in told


@pytest.mark.parametrize("language", LOCALES)
def test_a_code_is_told_as_one_that_the_server_could_compute_too(language: str) -> None:
    words, told = Words.of(language), sentences(by_code(mode=Mode.CHOOSE), language)

    assert words.text("proven.how", "code") in told
    assert words.text("proven.mode", "code") in told
    assert words.text("unproven.hands", "code") in told


def test_a_code_tells_no_time_of_an_answer() -> None:
    assert not any("signed the answer" in sentence for sentence in sentences(by_code()))


def test_of_what_a_code_declined_no_phone_is_said_to_have_declined_it() -> None:
    refusal = by_code(decision=Decision.DECLINE, verification="", certificate=None)
    assert sentences(refusal)[0] == (
        "A code was given in place of a registered phone's answer to decline this: signing (1 document)."
    )


def test_only_the_documents_that_were_not_declined_are_counted_as_signed() -> None:
    proven = signed(documents=(document(1), document(2), document(3)), count=3, declined=(1,))
    said = say(proven, "en")

    assert "signing (2 documents)" in said.proven.sentences[0]
    assert any(sentence.endswith("(1 declined): no. 2") for sentence in said.proven.sentences)
    assert "Document 2 was declined and has no signature." in said.documents.sentences


def test_of_many_declined_documents_the_first_are_named() -> None:
    told = "\n".join(sentences(signed(documents=(document(9),), count=5000, declined=tuple(range(100, 200)))))
    assert "(100 declined): no. 101, 102, 103" in told
    assert "120, …" in told
    assert "121" not in told


def test_a_document_of_a_batch_is_told_by_its_number_there() -> None:
    said = say(signed(documents=(document(17),), count=5000), "en")
    assert "signing (no. 17 of a batch of 5000)" in said.proven.sentences[0]
    assert said.documents.sentences[0].startswith("Document 17, ")


@pytest.mark.parametrize("mode", [Mode.COMPARE, Mode.CHOOSE])
@pytest.mark.parametrize("language", LOCALES)
def test_a_match_is_told_with_what_it_does_not_prove(language: str, mode: Mode) -> None:
    words, told = Words.of(language), sentences(signed(mode=mode), language)

    assert words.text("proven.mode", mode) in told
    assert words.text("unproven", "page") in told
    assert words.text("unproven", "page") not in sentences(signed(), language)


def test_why_a_person_declined_is_told() -> None:
    assert "did not ask for this" in "\n".join(sentences(declined(cause=Cause.NOT_ME)))
