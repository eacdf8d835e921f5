"""Forgeries of what server and phone said to one another.

Before ASK and ANSWER whoever speaks signs what is changed; after it, the server changes what the phone has answered.
"""

from hashlib import sha256
from typing import Any

from tests.referee import canonical, issuing, shapes
from tests.referee.forging import Draft, Stage, letter, piece
from tests.referee.mutations import confirmed, forgery, of_kind, with_document
from tests.referee.writing import compact, compact_of, jwk

STRANGER = issuing.key_of("P-256", "stranger")
OTHER_ID = "01JZZZZZZZZZZZZZZZZZZZZZZZ"

# --- a server that thinks again: it has every key but the phone's ---


def asked_again(draft: Draft, **changes: Any) -> None:
    """Sign another request than the phone answered."""
    draft.claims["request"] |= changes
    draft.texts["request"] = letter(draft, "request")


@forgery(Stage.KEEP)
def another_text_after_the_answer(draft: Draft) -> None:
    asked_again(draft, text="Something else")


@forgery(Stage.KEEP)
def another_signer_after_the_answer(draft: Draft) -> None:
    asked_again(draft, signer={**draft.claims["request"]["signer"], "name": "Somebody else"})


@forgery(Stage.KEEP)
def another_relying_application_after_the_answer(draft: Draft) -> None:
    asked_again(draft, relying_application={"id": OTHER_ID, "name": "Somebody else"})


@forgery(Stage.KEEP)
def more_time_after_the_answer(draft: Draft) -> None:
    asked_again(draft, expires="2999-01-01T00:00:00Z")


@forgery(Stage.KEEP, with_document(format="hash"))
def another_hash_after_the_answer(draft: Draft) -> None:
    document = draft.claims["request"]["documents"][0]
    document["to_sign"] = shapes.text_of(sha256(b"another").digest() * 2)[: len(document["to_sign"]) - 1] + "A"
    draft.pieces[0] = piece(draft, document, b"")
    asked_again(draft)


@forgery(Stage.KEEP, with_document(format="PAdES"))
def another_document_after_the_answer(draft: Draft) -> None:
    document = draft.claims["request"]["documents"][0]
    document["document_digest"] = shapes.text_of(sha256(b"another").digest())
    asked_again(draft)


@forgery(Stage.KEEP)
def the_same_request_for_another_transaction(draft: Draft) -> None:
    draft.event["subject"] = f"transaction:{OTHER_ID}"
    asked_again(draft, transaction=OTHER_ID)


def answered_again(draft: Draft, **changes: Any) -> None:
    """Change the answer's payload, and leave the signature that the phone made over another."""
    head, _, signature = draft.texts["answer"].split(".")
    payload = canonical.encode({**draft.claims["answer"], **changes})
    draft.texts["answer"] = f"{head}.{shapes.text_of(payload)}.{signature}"


@forgery(Stage.KEEP)
def another_time_of_the_answer(draft: Draft) -> None:
    answered_again(draft, iat=draft.claims["answer"]["iat"] + 1)


@forgery(Stage.KEEP)
def another_counter_of_the_answer(draft: Draft) -> None:
    answered_again(draft, counter=draft.claims["answer"]["counter"] + 1)


@forgery(Stage.KEEP, confirmed)
def biometric_in_place_of_the_pin_and_back(draft: Draft) -> None:
    other = {"pin": "biometric", "biometric": "pin"}[draft.claims["answer"]["verification"]]
    answered_again(draft, verification=other)


@forgery(Stage.KEEP)
def an_answer_by_the_server(draft: Draft) -> None:
    payload = canonical.encode(draft.claims["answer"])
    draft.texts["answer"] = compact(draft.headers["answer"], payload, draft.keys["request"])


@forgery(Stage.KEEP)
def an_answer_without_a_signature(draft: Draft) -> None:
    draft.texts["answer"] = draft.texts["answer"].rpartition(".")[0] + "."


@forgery(Stage.KEEP)
def an_answer_with_a_signature_of_noughts(draft: Draft) -> None:
    draft.texts["answer"] = draft.texts["answer"].rpartition(".")[0] + "." + shapes.text_of(bytes(64))


@forgery(Stage.KEEP)
def an_answer_with_a_longer_signature(draft: Draft) -> None:
    head, _, signature = draft.texts["answer"].rpartition(".")
    raw = shapes.bytes_of(signature, "signature")
    draft.texts["answer"] = f"{head}.{shapes.text_of(bytes(1) + raw[:32] + bytes(1) + raw[32:])}"


@forgery(Stage.KEEP)
def the_enrolment_in_place_of_the_answer(draft: Draft) -> None:
    draft.texts["answer"] = draft.texts["enrolment"]


@forgery(Stage.KEEP)
def an_enrolment_that_the_receipt_does_not_know(draft: Draft) -> None:
    draft.claims["enrolment"]["name"] += "!"
    draft.texts["enrolment"] = letter(draft, "enrolment")


@forgery(Stage.KEEP)
def an_enrolment_of_another_key(draft: Draft) -> None:
    draft.claims["enrolment"]["keys"]["sig"] = draft.headers["enrolment"]["jwk"] = jwk(STRANGER)
    draft.texts["enrolment"] = compact(
        draft.headers["enrolment"], canonical.encode(draft.claims["enrolment"]), STRANGER
    )
    digest = sha256(draft.texts["enrolment"].encode()).digest()
    draft.claims["receipt"]["enrolment_sha256"] = shapes.text_of(digest)
    draft.texts["receipt"] = letter(draft, "receipt")


# --- keys and headers ---


@forgery(Stage.ENROL)
def an_enrolment_signed_by_another_key_than_it_names(draft: Draft) -> None:
    draft.keys["enrolment"] = STRANGER
    draft.headers["enrolment"]["jwk"] = jwk(STRANGER)


@forgery(Stage.ENROL)
def an_enrolment_signed_by_nobody(draft: Draft) -> None:
    draft.keys["enrolment"] = STRANGER


@forgery(Stage.ASK)
def a_receipt_by_another_channel_key(draft: Draft) -> None:
    draft.keys["receipt"] = STRANGER
    draft.headers["receipt"]["jwk"] = jwk(STRANGER)


@forgery(Stage.ASK)
def a_request_by_another_channel_key(draft: Draft) -> None:
    draft.keys["request"] = STRANGER
    draft.headers["request"]["jwk"] = jwk(STRANGER)


@forgery(Stage.ASK)
def a_request_signed_by_nobody(draft: Draft) -> None:
    draft.keys["request"] = STRANGER


@forgery(Stage.ASK)
def a_receipt_signed_by_nobody(draft: Draft) -> None:
    draft.keys["receipt"] = STRANGER


@forgery(Stage.ANSWER)
def an_answer_by_another_phone(draft: Draft) -> None:
    draft.headers["answer"]["kid"] = OTHER_ID


@forgery(Stage.ANSWER)
def an_answer_signed_by_another_phone(draft: Draft) -> None:
    draft.keys["answer"] = STRANGER


@forgery(Stage.ANSWER)
def an_answer_with_its_key_in_the_header(draft: Draft) -> None:
    draft.headers["answer"]["jwk"] = jwk(draft.keys["answer"])
    del draft.headers["answer"]["kid"]


@forgery(Stage.ANSWER)
def an_answer_of_another_typ(draft: Draft) -> None:
    draft.headers["answer"]["typ"] = "dpop+jwt"


@forgery(Stage.ANSWER)
def an_answer_of_no_algorithm(draft: Draft) -> None:
    draft.headers["answer"]["alg"] = "none"


@forgery(Stage.ASK)
def an_offer_in_place_of_the_request(draft: Draft) -> None:
    draft.headers["request"]["typ"] = "dss-enrolment-offer+jws"


@forgery(Stage.ASK)
def a_header_with_a_member_more(draft: Draft) -> None:
    draft.headers["receipt"]["crit"] = ["exp"]


@forgery(Stage.ASK)
def a_channel_key_with_its_private_half(draft: Draft) -> None:
    for name in ("request", "receipt"):
        draft.headers[name]["jwk"] = {**draft.headers[name]["jwk"], "d": shapes.text_of(bytes(32))}


@forgery(Stage.KEEP)
def a_payload_that_is_not_canonical(draft: Draft) -> None:
    spaced = canonical.encode(draft.claims["receipt"]).replace(b'":', b'": ', 1)
    draft.texts["receipt"] = compact(draft.headers["receipt"], spaced, draft.keys["receipt"])


@forgery(Stage.KEEP)
def a_header_with_a_member_twice(draft: Draft) -> None:
    header = canonical.encode(draft.headers["answer"]).replace(b'"alg":', b'"alg":"none","alg":')
    draft.texts["answer"] = compact_of(header, canonical.encode(draft.claims["answer"]), draft.keys["answer"])


# --- one phone, one person, one server ---


@forgery(Stage.ASK)
def a_receipt_for_another_phone(draft: Draft) -> None:
    draft.claims["receipt"]["device"] = OTHER_ID


@forgery(Stage.ASK)
def a_receipt_for_another_person(draft: Draft) -> None:
    draft.claims["receipt"]["user"]["id"] = OTHER_ID


@forgery(Stage.ASK)
def a_request_to_another_person(draft: Draft) -> None:
    draft.claims["request"]["signer"]["id"] = OTHER_ID


@forgery(Stage.ASK)
def a_receipt_of_another_enrolment(draft: Draft) -> None:
    draft.claims["receipt"]["enrolment"] = OTHER_ID


@forgery(Stage.ASK)
def a_receipt_of_another_hash(draft: Draft) -> None:
    draft.claims["receipt"]["enrolment_sha256"] = shapes.text_of(bytes(32))


@forgery(Stage.ENROL)
def an_enrolment_at_another_server(draft: Draft) -> None:
    draft.claims["enrolment"]["aud"] += "/"


@forgery(Stage.ASK)
def a_receipt_of_another_server(draft: Draft) -> None:
    draft.claims["receipt"]["server"] = "https://other.example"


@forgery(Stage.ASK)
def a_request_of_another_server(draft: Draft) -> None:
    draft.claims["request"]["server"] = "https://other.example"


@forgery(Stage.ANSWER)
def an_answer_to_another_server(draft: Draft) -> None:
    draft.claims["answer"]["aud"] = "https://other.example"


@forgery(Stage.ENROL)
def an_enrolment_with_a_member_more(draft: Draft) -> None:
    draft.claims["enrolment"]["model"] = "x"


@forgery(Stage.ASK)
def a_receipt_with_a_member_more(draft: Draft) -> None:
    draft.claims["receipt"]["note"] = "x"


@forgery(Stage.ASK, of_kind("change", "share"))
def a_request_to_another_phone(draft: Draft) -> None:
    draft.claims["request"]["phone"] = OTHER_ID


@forgery(Stage.CERTIFY, with_document(format=""))
def a_sign_for_one_phone_only(draft: Draft) -> None:
    draft.claims["request"]["phone"] = draft.claims["receipt"]["device"]
