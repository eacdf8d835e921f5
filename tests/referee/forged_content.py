"""Forgeries that server and phone make together: all signatures are right, and what they are over must not be."""

from datetime import timedelta

from tests.referee import shapes
from tests.referee.forged_letters import OTHER_ID
from tests.referee.forging import Draft, Stage
from tests.referee.mutations import confirmed, forgery, of_kind, with_document
from tests.referee.shapes import SECOND

# --- the request ---


@forgery(Stage.ASK)
def a_request_with_a_member_more(draft: Draft) -> None:
    draft.claims["request"]["small_print"] = "and all that you own"


@forgery(Stage.ASK)
def a_request_without_a_nonce(draft: Draft) -> None:
    del draft.claims["request"]["nonce"]


@forgery(Stage.ASK)
def a_request_without_a_box_key(draft: Draft) -> None:
    del draft.claims["request"]["box_key"]


@forgery(Stage.ASK)
def a_request_with_a_number_for_its_text(draft: Draft) -> None:
    draft.claims["request"]["text"] = 0


@forgery(Stage.ASK)
def a_request_with_a_hidden_member_of_the_signer(draft: Draft) -> None:
    draft.claims["request"]["signer"]["alias"] = "x"


@forgery(Stage.ASK)
def a_request_of_a_kind_that_nobody_knows(draft: Draft) -> None:
    draft.claims["request"]["kind"] = "transfer"


@forgery(Stage.ASK)
def a_request_of_another_mode(draft: Draft) -> None:
    draft.claims["request"]["verification"] = {"mode": "number"}


@forgery(Stage.ASK)
def a_request_whose_mode_has_a_number(draft: Draft) -> None:
    draft.claims["request"]["verification"]["number"] = 42


@forgery(Stage.ASK)
def a_policy_that_nobody_knows(draft: Draft) -> None:
    draft.claims["request"]["policy"]["answer_by"].append("voice")


@forgery(Stage.ASK)
def a_policy_with_a_member_more(draft: Draft) -> None:
    draft.claims["request"]["policy"]["within"] = 60


@forgery(Stage.ASK, of_kind("sign"))
def a_relock_that_is_false(draft: Draft) -> None:
    draft.claims["request"]["relock"] = False


@forgery(Stage.ASK, of_kind("create", "change", "share"))
def a_relock_where_nothing_is_signed(draft: Draft) -> None:
    draft.claims["request"]["relock"] = True


@forgery(Stage.ASK, of_kind("sign", "create"))
def a_request_without_a_credential(draft: Draft) -> None:
    del draft.claims["request"]["credential"]


@forgery(Stage.ASK, of_kind("share"))
def a_share_with_a_credential(draft: Draft) -> None:
    draft.claims["request"]["credential"] = draft.claims["request"]["share"]["credentials"][0]


@forgery(Stage.ASK, of_kind("change"))
def a_change_without_its_change(draft: Draft) -> None:
    del draft.claims["request"]["change"]


@forgery(Stage.ASK, of_kind("change"))
def a_change_that_nobody_knows(draft: Draft) -> None:
    draft.claims["request"]["change"] = {"action": "sell"}


@forgery(Stage.ASK, of_kind("change"))
def a_change_with_a_member_more(draft: Draft) -> None:
    draft.claims["request"]["change"]["quietly"] = True


@forgery(Stage.ASK, of_kind("change", "share"))
def a_request_to_whatever_phone(draft: Draft) -> None:
    del draft.claims["request"]["phone"]


@forgery(Stage.ASK, of_kind("share"))
def a_share_without_the_other_phones_keys(draft: Draft) -> None:
    del draft.claims["request"]["share"]["phone"]["keys"]


@forgery(Stage.ASK, of_kind("create", "change", "share"))
def documents_where_nothing_is_signed(draft: Draft) -> None:
    document = {"index": 0, "format": "hash", "scheme": "ecdsa", "hash_algorithm": "sha256"}
    draft.claims["request"]["documents"] = [{**document, "to_sign": shapes.text_of(bytes(32))}]


@forgery(Stage.SIGN, with_document(format="hash"))
def a_hundred_and_one_documents(draft: Draft) -> None:
    first = draft.claims["request"]["documents"][0]
    draft.claims["request"]["documents"] = [{**first, "index": index} for index in range(101)]
    draft.digests = [bytes(64)] * 101


@forgery(Stage.SIGN, of_kind("sign"))
def no_documents(draft: Draft) -> None:
    draft.claims["request"]["documents"] = []


@forgery(Stage.SIGN, with_document(format="hash"))
def a_bare_hash_with_a_name(draft: Draft) -> None:
    draft.claims["request"]["documents"][0]["name"] = "contract.pdf"


@forgery(Stage.SIGN, with_document(format="PAdES"))
def a_document_without_its_digest(draft: Draft) -> None:
    del draft.claims["request"]["documents"][0]["document_digest"]


@forgery(Stage.SIGN, with_document(format="PAdES"))
def a_document_of_another_format(draft: Draft) -> None:
    draft.claims["request"]["documents"][0]["format"] = "PAdES-B-T"


# --- the answer ---


@forgery(Stage.ANSWER)
def an_answer_to_another_transaction(draft: Draft) -> None:
    draft.claims["answer"]["txn"] = OTHER_ID


@forgery(Stage.ANSWER)
def an_answer_bound_to_another_request(draft: Draft) -> None:
    draft.claims["answer"]["binding"] = shapes.text_of(bytes(32))


@forgery(Stage.ANSWER)
def a_decision_that_nobody_knows(draft: Draft) -> None:
    draft.claims["answer"]["decision"] = "perhaps"


@forgery(Stage.ANSWER)
def an_answer_with_a_member_more(draft: Draft) -> None:
    draft.claims["answer"]["declined_documents"] = []


@forgery(Stage.ANSWER, confirmed)
def a_confirmation_with_a_reason(draft: Draft) -> None:
    draft.claims["answer"]["reason"] = "why not"


@forgery(Stage.ANSWER, confirmed)
def a_confirmation_by_nothing(draft: Draft) -> None:
    del draft.claims["answer"]["verification"]


@forgery(Stage.ANSWER, confirmed)
def a_confirmation_by_voice(draft: Draft) -> None:
    draft.claims["answer"]["verification"] = "voice"


@forgery(Stage.ASK, confirmed)
def a_confirmation_by_what_the_policy_does_not_allow(draft: Draft) -> None:
    other = {"pin": "biometric", "biometric": "pin"}[draft.claims["answer"]["verification"]]
    draft.claims["request"]["policy"]["answer_by"] = [other]


@forgery(Stage.ANSWER, confirmed)
def a_confirmation_without_a_box(draft: Draft) -> None:
    del draft.claims["answer"]["sealed_sha256"]


@forgery(Stage.ANSWER, of_kind("sign", "create", "change"))
def a_share_that_nobody_asked_for(draft: Draft) -> None:
    draft.claims["answer"]["share_sha256"] = shapes.text_of(bytes(32))


@forgery(Stage.ANSWER, of_kind("share"))
def a_share_of_nothing(draft: Draft) -> None:
    del draft.claims["answer"]["share_sha256"]


@forgery(Stage.ANSWER, of_kind("declined"))
def a_decline_by_pin(draft: Draft) -> None:
    draft.claims["answer"]["verification"] = "pin"


@forgery(Stage.ANSWER)
def a_counter_that_is_a_text(draft: Draft) -> None:
    draft.claims["answer"]["counter"] = "7"


@forgery(Stage.ANSWER)
def a_time_that_is_a_text(draft: Draft) -> None:
    draft.claims["answer"]["iat"] = draft.claims["request"]["issued"]


# --- times, each a second beyond its bounds ---


def moved(draft: Draft, seconds: int) -> str:
    """The answer's time and so many seconds, as a time in whole seconds."""
    moment = shapes.EPOCH + timedelta(seconds=draft.claims["answer"]["iat"] + seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@forgery(Stage.ASK)
def an_answer_before_the_request(draft: Draft) -> None:
    draft.claims["request"]["issued"] = moved(draft, 61)


@forgery(Stage.ASK)
def an_answer_after_the_end(draft: Draft) -> None:
    draft.claims["request"] |= {"issued": moved(draft, -120), "expires": moved(draft, -61)}


@forgery(Stage.ASK)
def an_answer_of_a_phone_that_waits(draft: Draft) -> None:
    draft.claims["receipt"]["active"] = moved(draft, 61)


@forgery(Stage.ASK)
def an_answer_of_a_phone_that_is_not_enrolled(draft: Draft) -> None:
    draft.claims["receipt"]["enrolled"] = moved(draft, 61)


@forgery(Stage.ASK)
def a_request_for_no_time(draft: Draft) -> None:
    draft.claims["request"] |= {"issued": moved(draft, 0), "expires": moved(draft, 0)}


@forgery(Stage.ASK)
def a_request_that_ends_before_it_begins(draft: Draft) -> None:
    draft.claims["request"] |= {"issued": moved(draft, 30), "expires": moved(draft, -30)}


@forgery(Stage.ASK)
def a_request_in_another_zone(draft: Draft) -> None:
    draft.claims["request"]["issued"] = draft.claims["request"]["issued"].removesuffix("Z") + "+00:00"


@forgery(Stage.ASK)
def a_request_in_fractions_of_seconds(draft: Draft) -> None:
    draft.claims["request"]["expires"] = draft.claims["request"]["expires"].removesuffix("Z") + ".000000Z"


@forgery(Stage.ASK)
def a_request_on_a_day_that_never_was(draft: Draft) -> None:
    draft.claims["request"]["issued"] = "2025-02-29T00:00:00Z"


@forgery(Stage.ANSWER)
def an_answer_after_the_event(draft: Draft) -> None:
    draft.claims["request"]["expires"] = "2999-01-01T00:00:00Z"
    draft.claims["answer"]["iat"] = shapes.microseconds(draft.event["at"]) // SECOND + 62
