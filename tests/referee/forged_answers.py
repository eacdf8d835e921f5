"""Forgeries about what an answer says besides yes or no: numbers, documents that were declined, causes."""

from tests.referee import shapes
from tests.referee.forging import Draft, Stage
from tests.referee.mutations import confirmed, forgery, of_kind


def of_mode(mode: str):
    """Fits what a phone confirmed by a mode."""
    return lambda draft: confirmed(draft) and not draft.by_code and draft.shown["verification"]["mode"] == mode


def of_several(draft: Draft) -> bool:
    """Fits a signing of more than one document by a phone, all of which are signed."""
    several = len(draft.claims["request"]["documents"]) > 1
    return draft.kind == "sign" and several and "declined_documents" not in draft.claims["answer"]


def without_some(draft: Draft) -> bool:
    """Fits a signing in which documents were declined."""
    return draft.kind == "sign" and "declined_documents" in draft.claims["answer"]


# --- numbers ---


@forgery(Stage.ANSWER, of_mode("choose"), anywhere=True)
def another_number_of_those_offered(draft: Draft) -> None:
    numbers, said = draft.shown["verification"]["numbers"], draft.claims["answer"]
    said["number"] = next(number for number in numbers if number != said["number"])


@forgery(Stage.ASK, of_mode("choose"), anywhere=True)
def the_right_number_that_was_not_offered(draft: Draft) -> None:
    draft.shown["verification"]["numbers"] = ["01", "02", "03"]


@forgery(Stage.ANSWER, of_mode("choose"), anywhere=True)
def no_number_where_one_was_to_be_chosen(draft: Draft) -> None:
    del draft.claims["answer"]["number"]


@forgery(Stage.KEEP, of_mode("choose"), anywhere=True)
def another_salt(draft: Draft) -> None:
    draft.some["number_salt"] = shapes.text_of(bytes(32))


@forgery(Stage.KEEP, of_mode("choose"), anywhere=True)
def no_salt(draft: Draft) -> None:
    del draft.some["number_salt"]


@forgery(Stage.KEEP, lambda draft: "number_salt" not in draft.some, anywhere=True)
def a_salt_of_nothing(draft: Draft) -> None:
    draft.some["number_salt"] = shapes.text_of(bytes(32))


@forgery(Stage.ASK, of_mode("choose"), anywhere=True)
def four_numbers(draft: Draft) -> None:
    draft.shown["verification"]["numbers"].append("99")


@forgery(Stage.ASK, of_mode("choose"), anywhere=True)
def numbers_that_are_alike(draft: Draft) -> None:
    draft.shown["verification"]["numbers"] = [draft.claims["answer"]["number"]] * 3


@forgery(Stage.ASK, of_mode("choose"), anywhere=True)
def numbers_that_are_not_texts(draft: Draft) -> None:
    draft.shown["verification"]["numbers"] = [1, 2, 3]


@forgery(Stage.ASK, of_mode("compare"), anywhere=True)
def another_code_than_was_compared(draft: Draft) -> None:
    draft.shown["verification"]["code"] = "9999"


@forgery(Stage.ASK, of_mode("compare"), anywhere=True)
def a_code_of_five_digits(draft: Draft) -> None:
    draft.shown["verification"]["code"] = draft.claims["answer"]["number"] = "08155"


@forgery(Stage.ASK, of_mode("compare"), anywhere=True)
def a_code_in_other_digits(draft: Draft) -> None:
    draft.shown["verification"]["code"] = draft.claims["answer"]["number"] = "٠٨١٥"


@forgery(Stage.ANSWER, of_mode("none"), anywhere=True)
def a_number_where_none_was_asked_for(draft: Draft) -> None:
    draft.claims["answer"]["number"] = "42"


@forgery(Stage.ANSWER, of_mode("none"), anywhere=True)
def an_empty_number(draft: Draft) -> None:
    draft.claims["answer"]["number"] = ""


@forgery(Stage.ASK, of_mode("none"), anywhere=True)
def a_request_for_a_comparison_that_nobody_made(draft: Draft) -> None:
    draft.shown["verification"] = {"mode": "compare", "code": "0815"}


# --- what was declined ---


@forgery(Stage.ANSWER, of_several)
def a_declined_document_with_a_signature(draft: Draft) -> None:
    draft.claims["answer"]["declined_documents"] = [0]


@forgery(Stage.ANSWER, without_some)
def a_document_without_a_signature_that_nobody_declined(draft: Draft) -> None:
    del draft.claims["answer"]["declined_documents"]


@forgery(Stage.SIGN, of_kind("sign"))
def all_documents_declined(draft: Draft) -> None:
    draft.claims["answer"]["declined_documents"] = list(range(len(draft.claims["request"]["documents"])))


@forgery(Stage.ANSWER, of_kind("sign"))
def a_declined_document_that_is_not_there(draft: Draft) -> None:
    said, there = draft.claims["answer"], len(draft.claims["request"]["documents"])
    said["declined_documents"] = [*said.get("declined_documents", []), there]


@forgery(Stage.ANSWER, without_some, anywhere=True)
def a_document_declined_twice(draft: Draft) -> None:
    draft.claims["answer"]["declined_documents"] *= 2


@forgery(Stage.ANSWER, of_kind("sign"))
def nothing_declined(draft: Draft) -> None:
    draft.claims["answer"]["declined_documents"] = []


@forgery(Stage.ANSWER, of_kind("create", "change", "share"))
def a_document_declined_where_nothing_is_signed(draft: Draft) -> None:
    draft.claims["answer"]["declined_documents"] = [0]


@forgery(Stage.ANSWER, of_kind("declined"))
def a_decline_for_a_cause_that_nobody_knows(draft: Draft) -> None:
    draft.claims["answer"]["cause"] = "mood"


@forgery(Stage.ASK, of_kind("declined"))
def a_code_that_differs_from_none(draft: Draft) -> None:
    draft.claims["answer"]["cause"] = "code_differs"
    draft.claims["request"]["verification"] = {"mode": "none"}


@forgery(Stage.ANSWER, confirmed)
def a_confirmation_with_a_cause(draft: Draft) -> None:
    draft.claims["answer"]["cause"] = "not_me"
