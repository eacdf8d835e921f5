"""Forgeries of form: whoever speaks signs it all, and one value is not of the form that it must have."""

from typing import Any

from tests.referee.forging import Draft, Stage
from tests.referee.mutations import forgery, of_kind

DECEPTIVE = {
    "a_bell": "Ke\x07y",
    "a_tab": "Ke\ty",
    "an_end_of_a_control_sequence": "Ke\x9by",
    "a_text_that_runs_backwards": "Ke\u202ey",
    "an_isolated_text": "\u2066Key\u2069",
    "a_space_without_width": "Ke\u200by",
    "a_byte_order_mark": "\ufeffKey",
    "a_line_separator": "Key\u2028",
}
PHONES = {"name": 64, "platform": 32}

# --- texts of the phone and its owner ---


def wrong_in(name: str, part: str, member: str, value: Any) -> None:
    """Enter an enrolment or an answer with another value of a member."""

    def change(draft: Draft) -> None:
        draft.claims[part][member] = value

    change.__name__ = name
    if part == "enrolment":
        forgery(Stage.ENROL)(change)
    else:
        forgery(Stage.ANSWER, of_kind("declined") if member == "reason" else lambda _: True)(change)


for text, value in DECEPTIVE.items():
    wrong_in(f"{text}_in_a_reason", "answer", "reason", value)
    for place in PHONES:
        wrong_in(f"{text}_in_the_{place}_of_a_phone", "enrolment", place, value)
for place, most in PHONES.items():
    wrong_in(f"an_empty_{place}_of_a_phone", "enrolment", place, "")
    wrong_in(f"a_{place}_of_a_phone_in_two_lines", "enrolment", place, "Key\n1")
    wrong_in(f"a_{place}_of_a_phone_that_is_too_long", "enrolment", place, "K" * (most + 1))
    wrong_in(f"a_{place}_of_a_phone_that_is_a_number", "enrolment", place, 1)
wrong_in("a_reason_that_is_too_long", "answer", "reason", "n" * 201)
wrong_in("a_reason_that_is_nothing", "answer", "reason", None)

# --- numbers of the phone ---

wrong_in("a_counter_of_nought", "answer", "counter", 0)
wrong_in("a_counter_below_nought", "answer", "counter", -1)
wrong_in("a_counter_that_is_true", "answer", "counter", True)
wrong_in("a_time_that_is_true", "answer", "iat", True)
wrong_in("an_enrolment_before_1970", "enrolment", "iat", -1)


@forgery(Stage.ASK)
def an_answer_before_1970(draft: Draft) -> None:
    draft.claims["request"]["issued"] = "1969-12-31T23:59:59Z"
    draft.claims["receipt"].pop("active", None)
    draft.claims["receipt"]["enrolled"] = "1969-12-31T23:00:00Z"
    draft.claims["answer"]["iat"] = -1


@forgery(Stage.ENROL)
def a_phone_with_one_key_for_two_uses(draft: Draft) -> None:
    keys = draft.claims["enrolment"]["keys"]
    keys["enc"] = keys["sig"]


# --- who asked, and by what may be answered ---


def wrong_request(name: str, member: str, **changes: Any) -> None:
    """Enter a request in which a member has other members."""

    def change(draft: Draft) -> None:
        draft.claims["request"][member] |= changes

    change.__name__ = name
    forgery(Stage.ASK)(change)


for number, id in enumerate(("", "Owner", "owner ", "server", "operator:root", "shop", ["owner"], None)):
    wrong_request(f"a_request_by_who_has_no_id_{number}", "relying_application", id=id)
wrong_request("a_request_to_who_has_no_id", "signer", id="owner")
wrong_request("a_box_key_that_has_no_id", "box_key", kid="operator")
wrong_request("a_policy_of_nothing", "policy", answer_by=[])
wrong_request("a_policy_of_one_way_twice", "policy", answer_by=["pin", "pin"])
wrong_request("a_policy_of_two_ways_and_one_again", "policy", answer_by=["pin", "biometric", "pin"])
wrong_request("a_policy_of_no_list", "policy", answer_by="pin")
