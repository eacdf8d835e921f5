"""What evidence says: who confirmed what, when, on which phone, how and for whom, and what it does not prove."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.devices.items import Item
from dss.devices.request import Action, Kind, Party
from dss.evidence.concerned import Change, Share
from dss.evidence.document_check import Given
from dss.evidence.phone_check import Phone
from dss.evidence.saying import Said, say
from dss.evidence.verifying import Proven
from dss.evidence.words import Words, shown
from dss.kernel.ids import DeviceId
from dss.kernel.text import HIDDEN
from dss.notify.model import LOCALES
from tests.world.clock import START
from tests.world.proven import (
    CHANGES,
    EVERYTHING,
    KEY,
    OTHER,
    PHONE,
    TRANSACTION,
    bare_hash,
    declined,
    document,
    key,
    logged,
    of_kind,
    signed,
)


def sentences(proven: Proven, language: str = "en") -> tuple[str, ...]:
    return tuple(sentence for section in say(proven, language).sections for sentence in section.sentences)


def unproven(proven: Proven) -> str:
    return "\n".join(say(proven, "en").unproven.sentences)


# --- what is proven (docs/evidence.md section 3) ---


@pytest.mark.parametrize("language", LOCALES)
@pytest.mark.parametrize("proven", EVERYTHING, ids=lambda proven: f"{proven.kind}-{proven.decision}")
def test_every_confirmation_is_told_in_every_language(language: str, proven: Proven) -> None:
    said = say(proven, language)
    told = "\n".join(said.proven.sentences)
    assert all(fact in told for fact in ("Олена Коваль", "olena", "Key 1", "Android 15", PHONE, "dss.example.org/log"))
    assert not any("{" in sentence or "}" in sentence for sentence in sentences(proven, language))
    assert all(section.heading for section in said.sections)
    assert bool(said.documents.sentences) is bool(proven.documents)


def test_a_signature_is_told_with_person_application_phone_times_and_way() -> None:
    told = say(signed(text="Please sign"), "en").proven.sentences
    assert told[0] == (
        "A registered phone confirmed this, and the server's log records it as done: signing (1 document)."
    )
    assert {
        "The request was for this person (login olena), for whom the phone is registered: Олена Коваль",
        "The request said to the person: Please sign",
        "The phone's own key signed the answer at 2026-03-02 09:01:15 UTC by the phone's clock.",
        "The server entered the outcome in its log at 2026-03-02 09:01:17 UTC by the server's clock.",
        "According to the phone's signed answer, it was confirmed with the PIN.",
    } <= set(told)
    assert any(sentence.startswith("Each signature was verified with the key of a certificate") for sentence in told)
    assert any(sentence.endswith("registered under this name: Contracts Ltd") for sentence in told)
    assert any(sentence.endswith("The certificate names: CN=Олена Коваль,C=UA") for sentence in told)


def test_a_biometric_confirmation_is_not_told_as_a_pin() -> None:
    told = "\n".join(sentences(signed(verification="biometric")))
    assert "biometric" in told
    assert "PIN" not in told


def test_a_refusal_is_told_as_one_and_claims_no_signature_and_no_certificate() -> None:
    said = say(declined(), "en")
    told = "\n".join(said.proven.sentences)
    assert said.title == "Evidence of a refusal"
    assert said.proven.sentences[0] == "A registered phone declined this: signing (1 document)."
    assert "The answer gives this reason: Not my contract" in told
    assert not any(word in told for word in ("confirmed", "verifies", "PIN", "biometric", "done"))
    assert "certificate names" not in "\n".join(sentences(declined()))


def test_documents_and_bare_hashes_are_counted_apart() -> None:
    assert (
        "signing (2 documents and 1 bare hash value)"
        in sentences(signed(documents=(document(1), bare_hash(2), document(3))))[0]
    )
    assert "signing (1 bare hash value)" in sentences(signed(documents=(bare_hash(),)))[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (Change(Action.REVOKE, key(), None, "keyCompromise"), "revoking a certificate"),
        (Change(Action.REVOKE, key(), None, "keyCompromise"), "(reason: compromise of the key)"),
        (Change(Action.DESTROY, key(), None, ""), f"(id {KEY}) has a certificate with this SHA-256"),
        (Change(Action.REMOVE, None, OTHER, ""), f"The other phone (id {PHONE}) has this name: Key 2"),
    ],
)
def test_a_change_is_told_with_the_key_or_the_phone_that_it_changes(change: Change, told: str) -> None:
    assert told in "\n".join(sentences(of_kind(Kind.CHANGE, change=change)))


def test_a_new_key_is_told_with_its_kind_and_what_it_replaces() -> None:
    told = "\n".join(sentences(EVERYTHING[3]))
    assert "of the type P-256 and a certificate for 365 days, in this name: CN=Олена Коваль,C=UA" in told
    assert f"takes the place of the key with the id {KEY}" in told


def test_shared_keys_are_all_named() -> None:
    proven = of_kind(Kind.SHARE, share=Share(OTHER, (key(1), key(2))))
    told = "\n".join(sentences(proven))
    assert "(2 keys)" in told
    assert all(one.certificate_sha256.hex() in told for one in (key(1), key(2)))


def test_a_kept_checkpoint_is_told_of_only_where_there_was_one() -> None:
    assert "30 leaves" in "\n".join(sentences(signed(logged=logged(kept=30))))
    assert "kept:" not in "\n".join(say(signed(), "en").proven.sentences)


# --- the documents ---


def test_a_document_is_told_with_size_hash_and_name() -> None:
    (told,) = say(signed(documents=(document(7, "Договір.pdf", 21),)), "uk").documents.sentences
    shown_digest = document(7).document.document_digest.hex  # type: ignore[union-attr]
    assert told == f"Документ 7, 21 байт, SHA-256 {shown_digest}: Договір.pdf"


def test_of_a_bare_hash_it_is_said_that_the_phone_showed_no_content() -> None:
    (told,) = say(signed(documents=(bare_hash(),)), "en").documents.sentences
    assert told == f"Document 1 is only a hash value, SHA-384 {bare_hash().to_sign.hex}: the phone showed no content."


# --- what is not proven (docs/evidence.md section 4) ---


def test_every_limit_is_told_for_a_signature() -> None:
    told = say(signed(documents=(document(), bare_hash(2))), "en").unproven.sentences
    limits = (
        "the operator, who registered the person, and the certification authority answer",
        "read or understood",
        "showed no content at all",
        "in its owner's hands: somebody had it and its PIN",
        "not revoked at that time",
        "the clocks are those of the phone and of the server. Independent clocks set limits to it",
        "shows everybody the same tree",
        "compute the SHA-256 of the unsigned file and compare",
        "the record does not show it. The signed file does",
        "not blocked or removed at that moment",
        "can use the log's key and has any signature that the person's key ever made",
    )
    assert len(told) == len(limits)
    assert all(limit in sentence for limit, sentence in zip(limits, told, strict=True))


FILE, OVER = (Words.of("en").text("unproven", name) for name in ("file", "over"))
TWO = (document(1), document(2))


@pytest.mark.parametrize(
    ("documents", "compared", "dropped"),
    [
        ((document(),), Given(1, is_signed=False), {FILE}),
        ((document(),), Given(1, is_signed=True), {FILE, OVER}),
        ((document(1), bare_hash(2)), Given(1, is_signed=True), {FILE, OVER}),
        (TWO, Given(2, is_signed=True), {FILE}),
    ],
    ids=["the original", "the signed file", "the only signed file there is", "one of two signed files"],
)
def test_only_the_signed_file_shows_that_the_signature_is_over_the_named_document(
    documents: tuple[Item, ...], compared: Given, dropped: set[str]
) -> None:
    """Nothing that a stranger can check ties the digest of what was shown to what was signed."""
    proven = signed(documents=documents)
    without, told = (set(say(proven, "en", given_file).unproven.sentences) for given_file in (None, compared))
    assert without - told == dropped
    assert told < without


def test_what_was_not_signed_has_no_signature_over_something_else() -> None:
    assert OVER not in unproven(declined())
    assert OVER not in unproven(signed(documents=(bare_hash(),)))


def test_only_a_signature_would_have_needed_the_person_s_key() -> None:
    assert "person's key" in unproven(signed())
    for proven in (declined(), EVERYTHING[3], of_kind(Kind.CHANGE, change=CHANGES[0])):
        assert "person's key" not in unproven(proven)
        assert "someone who can use the log's key: they could invent a phone" in unproven(proven)


def test_the_channel_key_is_told_by_its_thumbprint() -> None:
    told = say(signed(), "en").proven.sentences
    assert sum(sentence.endswith(f": {signed().channel_key}") for sentence in told) == 1


def test_the_server_is_named_by_its_address() -> None:
    told = say(signed(), "en").proven.sentences
    assert "The request was made by the server with this address: https://dss.example.org" in told


@pytest.mark.parametrize(
    ("language", "size", "told"),
    [
        ("en", 1, "in a tree of 1 leaf whose"),
        ("ru", 39, "записан под номером 17 в дереве из 39 листьев, корень"),
        ("ru", 41, "в дереве из 41 листа, корень"),
        ("uk", 39, "дереві з 39 листків, корінь"),
        ("uk", 41, "дереві з 41 листка, корінь"),
        ("ro", 39, "cu numărul 17 într-un arbore cu 39 de frunze,"),
    ],
)
def test_leaves_are_counted_in_the_forms_of_the_language(language: str, size: int, told: str) -> None:
    proven = signed(logged=replace(logged(), size=size))
    assert told in "\n".join(say(proven, language).proven.sentences)


def test_hash_values_are_spoken_of_only_where_there_are_some() -> None:
    assert "hash value" not in unproven(signed())
    assert "given file" not in unproven(signed(documents=(bare_hash(),)))


def test_certificates_are_spoken_of_only_where_the_record_has_some() -> None:
    assert "certificate" not in unproven(declined())
    assert "whom the request names" in unproven(declined())


# --- texts of others ---


@pytest.mark.parametrize("language", LOCALES)
def test_braces_in_names_are_only_braces(language: str) -> None:
    """T04: no text of a person is taken for a template."""
    hostile = "{what} {0} {nb} **x** <b>"
    proven = signed(signer=Party(KEY, hostile, "olena"), documents=(document(name=hostile),), text=hostile)
    assert sum(hostile in sentence for sentence in sentences(proven, language)) == 3


@pytest.mark.parametrize("language", LOCALES)
@given(name=st.text(min_size=1, max_size=40))
def test_no_name_breaks_a_line_reorders_it_or_ends_its_sentence(language: str, name: str) -> None:
    """T04: what a stranger chose is the end of its sentence, with nothing hidden in it."""
    phone = Phone(DeviceId(PHONE), name, name, START, None)
    application = Party(KEY, name)
    proven = signed(phone=phone, documents=(document(name=name),), text=name, relying_application=application)
    said = say(proven, language)
    told = sentences(proven, language)
    assert not any(unicodedata.category(one) in HIDDEN for sentence in told for one in sentence)
    assert sum(sentence.endswith(f": {shown(name)}") for sentence in told) >= 3
    assert any(sentence.endswith(f": {shown(name)} / {shown(name)}") for sentence in said.proven.sentences)


def test_what_a_screen_does_not_show_is_written_out() -> None:
    assert shown("a\u202eb\u200bc\nd\x00") == "a\\u202Eb\\u200Bc ¶ d\\u0000"


def test_the_same_facts_are_said_alike_for_each_reader() -> None:
    """Numbers, times, ids and hashes do not depend on the language."""
    told = {language: sentences(EVERYTHING[0], language) for language in LOCALES}
    assert {len(spoken) for spoken in told.values()} == {len(told["en"])}
    for place in range(len(told["en"])):
        digits = {"".join(sorted(filter(str.isdecimal, spoken[place]))) for spoken in told.values()}
        assert len(digits) == 1, [spoken[place] for spoken in told.values()]


def test_said_is_a_value() -> None:
    assert isinstance(say(signed(), "en"), Said)
    assert say(signed(), "en") == say(signed(transaction=TRANSACTION), "en")
