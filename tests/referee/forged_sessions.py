"""Forgeries about confirmations without a phone at hand: in sessions, and by codes."""

from datetime import timedelta

from tests.referee import shapes
from tests.referee.forged_letters import OTHER_ID
from tests.referee.forging import Draft, Stage
from tests.referee.issuing import key_of
from tests.referee.mutations import forgery, of_kind
from tests.referee.writing import jwk


def in_session(draft: Draft) -> bool:
    """Fits what was signed in a session."""
    return "session" in draft.claims


def of_session(draft: Draft) -> bool:
    """Fits a session that was declined."""
    return draft.claims["request"]["kind"] == "session"


def by_code(draft: Draft) -> bool:
    """Fits what a code answered."""
    return draft.by_code


# --- sessions ---


@forgery(Stage.ASK, of_session)
def a_session_for_no_signatures(draft: Draft) -> None:
    draft.claims["request"]["session"]["signatures"] = 0


@forgery(Stage.ASK, of_session)
def a_session_for_no_time(draft: Draft) -> None:
    draft.claims["request"]["session"]["minutes"] = 0


@forgery(Stage.ASK, of_session)
def a_session_in_a_session(draft: Draft) -> None:
    draft.claims["request"]["session"] = {"id": OTHER_ID, "place": 1}


@forgery(Stage.KEEP, of_kind("sign", "declined"))
def a_session_for_what_is_in_none(draft: Draft) -> None:
    draft.texts["session"] = draft.texts["request"]


@forgery(Stage.ASK, of_kind("sign"))
def a_place_without_a_session(draft: Draft) -> None:
    draft.claims["request"]["session"] = {"id": OTHER_ID, "place": 1}


@forgery(Stage.KEEP, in_session, anywhere=True)
def a_place_whose_session_is_missing(draft: Draft) -> None:
    del draft.texts["session"]


@forgery(Stage.ASK, in_session, anywhere=True)
def another_session(draft: Draft) -> None:
    draft.claims["request"]["session"]["id"] = OTHER_ID


@forgery(Stage.ASK, in_session, anywhere=True)
def a_place_before_the_first(draft: Draft) -> None:
    draft.claims["request"]["session"]["place"] = 0


@forgery(Stage.ASK, in_session, anywhere=True)
def a_place_behind_the_last(draft: Draft) -> None:
    asked = draft.claims["request"]
    count = asked.get("batch", {}).get("count", len(asked["documents"]))
    asked["session"]["place"] = draft.claims["session"]["session"]["signatures"] - count + 2


@forgery(Stage.ASK, in_session, anywhere=True)
def a_session_of_another_key(draft: Draft) -> None:
    draft.claims["session"]["credential"]["id"] = OTHER_ID


@forgery(Stage.ASK, in_session, anywhere=True)
def a_session_of_another_certificate(draft: Draft) -> None:
    draft.claims["session"]["credential"]["certificate_sha256"] = shapes.text_of(bytes(32))


@forgery(Stage.ASK, in_session, anywhere=True)
def a_session_of_another_application(draft: Draft) -> None:
    draft.claims["session"]["relying_application"]["id"] = OTHER_ID


@forgery(Stage.ASK, in_session, anywhere=True)
def a_session_of_another_person(draft: Draft) -> None:
    draft.claims["session"]["signer"]["id"] = OTHER_ID


@forgery(Stage.ASK, in_session, anywhere=True)
def a_session_on_another_server(draft: Draft) -> None:
    draft.claims["session"]["server"] = "https://other.example"


@forgery(Stage.ASK, in_session, anywhere=True)
def a_session_by_another_channel_key(draft: Draft) -> None:
    key = key_of("P-256", "another channel")
    draft.keys["session"], draft.headers["session"]["jwk"] = key, jwk(key)


@forgery(Stage.KEEP, in_session, anywhere=True)
def a_session_that_nobody_signed(draft: Draft) -> None:
    head, body, _ = draft.texts["session"].split(".")
    draft.texts["session"] = f"{head}.{body}.{draft.texts['request'].split('.')[2]}"


@forgery(Stage.ASK, in_session, anywhere=True)
def a_session_that_is_a_signing(draft: Draft) -> None:
    session = draft.claims["session"]
    del session["session"]
    session["kind"] = "sign"


@forgery(Stage.ANSWER, in_session, anywhere=True)
def an_answer_to_what_was_not_shown(draft: Draft) -> None:
    draft.claims["answer"]["txn"] = draft.claims["request"]["transaction"]


@forgery(Stage.ASK, in_session, anywhere=True)
def something_to_choose_in_a_session(draft: Draft) -> None:
    draft.claims["request"]["verification"] = {"mode": "compare", "code": "0815"}


@forgery(Stage.ASK, in_session, anywhere=True)
def another_secret_in_a_session(draft: Draft) -> None:
    draft.claims["request"]["relock"] = True


def issued(draft: Draft, seconds: int) -> None:
    """Move what is signed in a session to so many seconds after the answer, for a minute."""
    since = shapes.EPOCH + timedelta(seconds=draft.claims["answer"]["iat"] + seconds)
    ends = since + timedelta(minutes=1)
    draft.claims["request"] |= {"issued": f"{since:%Y-%m-%dT%H:%M:%SZ}", "expires": f"{ends:%Y-%m-%dT%H:%M:%SZ}"}


@forgery(Stage.ASK, in_session, anywhere=True)
def a_signing_before_its_session(draft: Draft) -> None:
    issued(draft, -61)


@forgery(Stage.ASK, in_session, anywhere=True)
def a_signing_after_its_session(draft: Draft) -> None:
    issued(draft, draft.claims["session"]["session"]["minutes"] * 60 + 61)


@forgery(Stage.ASK, in_session, anywhere=True)
def a_signing_in_a_session_that_ends_before_it_begins(draft: Draft) -> None:
    draft.claims["request"]["expires"] = draft.claims["request"]["issued"]


@forgery(Stage.ASK, in_session, anywhere=True)
def a_session_that_ends_before_it_begins(draft: Draft) -> None:
    draft.claims["session"]["expires"] = draft.claims["session"]["issued"]


# --- codes ---


@forgery(Stage.KEEP, by_code, anywhere=True)
def a_code_of_seven_digits(draft: Draft) -> None:
    draft.some["offline"]["code"] = "1234567"


@forgery(Stage.KEEP, by_code, anywhere=True)
def a_code_of_letters(draft: Draft) -> None:
    draft.some["offline"]["code"] = "abcdefgh"


@forgery(Stage.KEEP, by_code, anywhere=True)
def a_code_for_perhaps(draft: Draft) -> None:
    draft.some["offline"]["decision"] = "perhaps"


@forgery(Stage.KEEP, by_code, anywhere=True)
def a_code_for_the_other_decision(draft: Draft) -> None:
    code = draft.some["offline"]
    code["decision"] = {"confirm": "decline", "decline": "confirm"}[code["decision"]]


@forgery(Stage.KEEP, by_code, anywhere=True)
def a_code_of_another_phone(draft: Draft) -> None:
    draft.some["offline"]["device"] = OTHER_ID


@forgery(Stage.KEEP, by_code, anywhere=True)
def a_code_with_a_member_more(draft: Draft) -> None:
    draft.some["offline"]["number"] = "42"


@forgery(Stage.KEEP, by_code, anywhere=True)
def neither_a_code_nor_an_answer(draft: Draft) -> None:
    del draft.some["offline"]


@forgery(Stage.KEEP, lambda draft: not draft.by_code, anywhere=True)
def a_code_beside_an_answer(draft: Draft) -> None:
    decision = draft.claims["answer"]["decision"]
    draft.some["offline"] = {"code": "01234567", "decision": decision, "device": draft.claims["receipt"]["device"]}


def not_for_codes(draft: Draft) -> bool:
    """Fits what a code cannot answer: what is no signing, what is in a session, and a batch."""
    asked = draft.claims["request"]
    return asked["kind"] != "sign" or in_session(draft) or "batch" in asked


@forgery(Stage.KEEP, not_for_codes, anywhere=True)
def a_code_for_what_codes_are_not_for(draft: Draft) -> None:
    decision = draft.claims["answer"]["decision"]
    draft.some["offline"] = {"code": "01234567", "decision": decision, "device": draft.claims["receipt"]["device"]}
    draft.some.pop("number_salt", None)
    draft.texts["answer"] = ""


@forgery(Stage.ASK, by_code, anywhere=True)
def a_code_before_the_request(draft: Draft) -> None:
    issued(draft, 61)
