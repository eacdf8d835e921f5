"""Changes that leave a record good: a verifier that refuses these is stricter than docs/evidence.md."""

import json
from datetime import timedelta

from cryptography import x509

from tests.referee import canonical
from tests.referee.forged_certificates import wanted_validity
from tests.referee.forged_channel import called
from tests.referee.forged_content import moved
from tests.referee.forged_log import latest
from tests.referee.forging import Draft, Stage
from tests.referee.issuing import AFTER, CERT_SIGN, NOTHING, STRANGE, key_of, named, with_station
from tests.referee.mutations import Book, of_kind
from tests.referee.notes import Note
from tests.referee.writing import ORIGIN, OTHER_LOG, compact_of, note

HARMLESS = Book()
harmless = HARMLESS.enter
CERTIFIED = of_kind("sign", "create")
DECEPTIVE = "\x1b[2J\u202egpj.\u200b\x00\n"


def line_of(written: str) -> str:
    """The signature line of a note."""
    return written.splitlines(keepends=True)[-1]


@harmless(Stage.WRITE, lambda draft: draft.place.kept is not None)
def a_kept_checkpoint_with_the_line_of_a_witness(draft: Draft) -> None:
    draft.kept = str(draft.kept) + line_of(note(Note.read(str(draft.kept)).text, "witness.example", OTHER_LOG))


@harmless(Stage.WRITE, lambda draft: draft.place.kept is not None)
def a_kept_checkpoint_with_a_line_of_the_same_name_and_another_key(draft: Draft) -> None:
    draft.kept = str(draft.kept) + line_of(note(Note.read(str(draft.kept)).text, ORIGIN, OTHER_LOG))


@harmless(Stage.ASK)
def texts_of_a_request_that_a_screen_does_not_show_as_they_are(draft: Draft) -> None:
    asked = draft.claims["request"]
    asked |= {"text": DECEPTIVE * 2000, "nonce": ""}
    asked["signer"] |= {"name": DECEPTIVE, "login": DECEPTIVE}
    asked["relying_application"]["name"] = DECEPTIVE
    draft.claims["receipt"]["user"] |= {"name": DECEPTIVE, "login": ""}
    for document in asked["documents"]:
        if "name" in document:
            document |= {"name": DECEPTIVE, "media_type": DECEPTIVE}


@harmless(Stage.ENROL)
def another_server(draft: Draft) -> None:
    called(draft, "— \x7f\u202e AAAA")


@harmless(Stage.ASK)
def a_request_by_the_signer(draft: Draft) -> None:
    draft.claims["request"]["relying_application"]["id"] = "owner"


@harmless(Stage.ASK)
def a_request_by_the_operator(draft: Draft) -> None:
    draft.claims["request"]["relying_application"]["id"] = "operator"


@harmless(Stage.ASK)
def a_policy_of_both_ways(draft: Draft) -> None:
    draft.claims["request"]["policy"]["answer_by"] = ["biometric", "pin"]


@harmless(Stage.ANSWER, of_kind("declined"))
def a_reason_in_two_lines(draft: Draft) -> None:
    draft.claims["answer"]["reason"] = "no\nnever"


@harmless(Stage.ANSWER, of_kind("declined"))
def a_reason_that_is_empty(draft: Draft) -> None:
    draft.claims["answer"]["reason"] = ""


@harmless(Stage.ANSWER)
def the_first_answer_of_a_phone(draft: Draft) -> None:
    draft.claims["answer"]["counter"] = 1


@harmless(Stage.KEEP)
def a_header_with_spaces_and_in_another_order(draft: Draft) -> None:
    turned = dict(reversed(draft.headers["answer"].items()))
    payload = canonical.encode(draft.claims["answer"])
    draft.texts["answer"] = compact_of(json.dumps(turned).encode(), payload, draft.keys["answer"])


@harmless(Stage.ASK)
def a_phone_that_was_enrolled_a_minute_after_its_answer(draft: Draft) -> None:
    draft.claims["receipt"]["enrolled"] = moved(draft, 60)


@harmless(Stage.ASK)
def a_request_for_one_second(draft: Draft) -> None:
    draft.claims["request"] |= {"issued": moved(draft, 0), "expires": moved(draft, 1)}


@harmless(Stage.CERTIFY)
def an_event_two_days_after_the_end(draft: Draft) -> None:
    draft.event["at"] = latest(draft)


@harmless(Stage.CERTIFY, CERTIFIED)
def a_certificate_by_the_root_itself(draft: Draft) -> None:
    del draft.stations[1]


@harmless(Stage.CERTIFY, CERTIFIED)
def an_issuer_with_an_rsa_key(draft: Draft) -> None:
    draft.stations = with_station(draft.stations, 1, key=key_of("RSA-2048", "issuing"))


@harmless(Stage.CERTIFY, CERTIFIED)
def a_certificate_in_its_last_second(draft: Draft) -> None:
    draft.event["at"] = draft.event["at"][:19] + ".000000Z"
    draft.stations = with_station(draft.stations, 0, ends=timedelta(0))


@harmless(Stage.CERTIFY, CERTIFIED)
def a_certificate_in_its_first_second(draft: Draft) -> None:
    draft.stations = with_station(draft.stations, 0, begins=timedelta(0))


@harmless(Stage.CERTIFY, CERTIFIED)
def a_signer_who_is_a_ca(draft: Draft) -> None:
    ca = x509.BasicConstraints(ca=True, path_length=None)
    draft.stations = with_station(draft.stations, 0, constraints=ca)


@harmless(Stage.CERTIFY, CERTIFIED)
def a_signer_whose_certificate_does_not_say_what_its_key_may(draft: Draft) -> None:
    draft.stations = with_station(draft.stations, 0, usage=None)


@harmless(Stage.CERTIFY, CERTIFIED)
def a_signer_whose_key_is_for_signatures_of_any_kind(draft: Draft) -> None:
    usage = x509.KeyUsage(**{**NOTHING, "digital_signature": True})
    draft.stations = with_station(draft.stations, 0, usage=usage)


@harmless(Stage.CERTIFY, CERTIFIED)
def an_issuer_with_a_strange_extension_that_may_be_passed_over(draft: Draft) -> None:
    draft.stations = with_station(draft.stations, 1, notes=(STRANGE,))


@harmless(Stage.CERTIFY, of_kind("sign"))
def a_signer_whose_certificate_is_valid_for_long(draft: Draft) -> None:
    draft.stations = with_station(draft.stations, 0, ends=AFTER)


@harmless(Stage.CERTIFY, of_kind("create"))
def a_new_certificate_that_is_valid_for_a_day_more(draft: Draft) -> None:
    draft.stations = with_station(draft.stations, 0, ends=wanted_validity(draft))


@harmless(Stage.CERTIFY, of_kind("create"))
def a_new_key_that_is_for_other_uses(draft: Draft) -> None:
    draft.stations = with_station(draft.stations, 0, usage=CERT_SIGN)


@harmless(Stage.CERTIFY, of_kind("create"))
def a_name_that_must_be_escaped(draft: Draft) -> None:
    draft.stations = with_station(draft.stations, 0, subject=named('#"O\'Hara", +1; <x>\\ '))
    draft.claims["request"]["credential"]["subject"] = r"CN=\#\"O'Hara\"\, \+1\; \<x\>\\\ "


@harmless(Stage.LOG)
def an_event_with_more_details(draft: Draft) -> None:
    draft.event["details"]["why"] = "Тому що"


@harmless(Stage.LOG)
def an_event_without_a_sealed_row(draft: Draft) -> None:
    draft.event.pop("sealed", None)


@harmless(Stage.LOG)
def an_event_of_a_sealed_row(draft: Draft) -> None:
    draft.event["sealed"] = {"row": draft.event["subject"], "version": 4, "seal": "AAAA"}
