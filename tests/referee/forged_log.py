"""Forgeries of the log: what a server with its log key could try, and what somebody without it."""

import base64
from datetime import timedelta

from tests.referee import shapes
from tests.referee.forging import Draft, Stage
from tests.referee.mutations import forgery, of_kind
from tests.referee.notes import LogKey, Note
from tests.referee.shapes import SECOND
from tests.referee.writing import LOG, ORIGIN, OTHER_LOG, note, public

# --- the event ---


@forgery(Stage.LOG)
def an_event_of_another_kind(draft: Draft) -> None:
    draft.event["kind"] = "transaction.confirmed"


@forgery(Stage.LOG)
def an_event_of_the_other_decision(draft: Draft) -> None:
    device = f"device:{draft.claims['receipt']['device']}"
    kind, actor = ("signed", "server") if draft.kind == "declined" else ("declined", device)
    draft.event |= {"kind": f"transaction.{kind}", "actor": actor}


@forgery(Stage.LOG)
def an_event_by_another_actor(draft: Draft) -> None:
    draft.event["actor"] = "device:" + draft.event["id"]


@forgery(Stage.LOG, of_kind("declined"))
def a_decline_by_the_server(draft: Draft) -> None:
    draft.event["actor"] = "server"


@forgery(Stage.LOG)
def an_event_of_another_transaction(draft: Draft) -> None:
    draft.event["subject"] = "transaction:" + draft.event["id"]


@forgery(Stage.LOG)
def an_event_of_something_else(draft: Draft) -> None:
    draft.event["subject"] = draft.event["subject"].removeprefix("transaction:")


@forgery(Stage.LOG)
def an_event_that_failed(draft: Draft) -> None:
    draft.event["outcome"] = "failed"


@forgery(Stage.LOG, lambda draft: not draft.by_code)
def an_event_before_the_answer(draft: Draft) -> None:
    at = draft.claims["answer"]["iat"] * SECOND - 60 * SECOND - 1
    draft.event["at"] = written(at)


@forgery(Stage.CERTIFY)
def an_event_more_than_two_days_after_the_end(draft: Draft) -> None:
    draft.event["at"] = latest(draft, more=1)


@forgery(Stage.LOG)
def an_event_with_other_evidence(draft: Draft) -> None:
    draft.event["details"]["evidence"] = shapes.text_of(bytes(32))


@forgery(Stage.LOG)
def an_event_without_evidence(draft: Draft) -> None:
    del draft.event["details"]["evidence"]


@forgery(Stage.LOG)
def evidence_in_hexadecimal(draft: Draft) -> None:
    details = draft.event["details"]
    details["evidence"] = shapes.bytes_of(details["evidence"], "evidence").hex()


@forgery(Stage.LOG)
def evidence_with_padding(draft: Draft) -> None:
    draft.event["details"]["evidence"] += "="


@forgery(Stage.LOG)
def a_salt_of_another_length(draft: Draft) -> None:
    draft.salt = shapes.text_of(bytes(16))


@forgery(Stage.LOG)
def an_event_with_another_member(draft: Draft) -> None:
    draft.event["note"] = "nothing to see"


@forgery(Stage.LOG)
def an_event_without_an_id(draft: Draft) -> None:
    del draft.event["id"]


@forgery(Stage.LOG)
def an_event_with_a_number_in_its_details(draft: Draft) -> None:
    draft.event["details"]["count"] = 1


@forgery(Stage.LOG)
def an_event_in_whole_seconds(draft: Draft) -> None:
    draft.event["at"] = draft.event["at"][:19] + "Z"


@forgery(Stage.LOG)
def an_event_in_another_zone(draft: Draft) -> None:
    draft.event["at"] = draft.event["at"].removesuffix("Z") + "+00:00"


# --- the leaf and its path ---


@forgery(Stage.WRITE)
def the_next_leaf(draft: Draft) -> None:
    draft.log["leaf"] += 1


@forgery(Stage.WRITE, lambda draft: draft.place.leaf > 0)
def the_leaf_before(draft: Draft) -> None:
    draft.log["leaf"] -= 1


@forgery(Stage.WRITE)
def a_leaf_below_nought(draft: Draft) -> None:
    draft.log["leaf"] -= draft.place.size


@forgery(Stage.WRITE)
def a_leaf_beyond_the_tree(draft: Draft) -> None:
    draft.log["leaf"] += draft.place.size


@forgery(Stage.WRITE)
def a_leaf_as_a_text(draft: Draft) -> None:
    draft.log["leaf"] = str(draft.log["leaf"])


@forgery(Stage.WRITE, lambda draft: draft.place.leaf == 1)
def a_leaf_that_is_true(draft: Draft) -> None:
    draft.log["leaf"] = True


@forgery(Stage.WRITE)
def a_path_that_is_longer(draft: Draft) -> None:
    draft.log["path"].append(shapes.text_of(bytes(32)))


@forgery(Stage.WRITE, lambda draft: draft.place.size > 1)
def a_path_that_is_shorter(draft: Draft) -> None:
    draft.log["path"].pop()


@forgery(Stage.WRITE, lambda draft: draft.place.size > 1)
def a_path_with_another_hash(draft: Draft) -> None:
    draft.log["path"][0] = shapes.text_of(bytes(32))


@forgery(Stage.WRITE, lambda draft: draft.place.size > 1)
def a_path_of_short_hashes(draft: Draft) -> None:
    draft.log["path"][0] = draft.log["path"][0][:-4]


@forgery(Stage.WRITE)
def a_salt_that_is_another(draft: Draft) -> None:
    draft.log["salt"] = shapes.text_of(bytes(32))


# --- the checkpoint ---


def checkpoint_text(draft: Draft) -> str:
    """The text of a draft's checkpoint, without its line."""
    return Note.read(draft.log["checkpoint"]).text


@forgery(Stage.WRITE)
def a_checkpoint_by_another_key(draft: Draft) -> None:
    draft.log["checkpoint"] = note(checkpoint_text(draft), secret=OTHER_LOG)


@forgery(Stage.WRITE)
def a_checkpoint_by_another_key_under_the_id_of_the_right_one(draft: Draft) -> None:
    text = checkpoint_text(draft)
    value = LogKey(ORIGIN, public(LOG)).id + OTHER_LOG.sign(text.encode())
    draft.log["checkpoint"] = f"{text}\n— {ORIGIN} {base64.b64encode(value).decode()}\n"


@forgery(Stage.WRITE)
def a_checkpoint_of_another_origin(draft: Draft) -> None:
    draft.log["checkpoint"] = note(checkpoint_text(draft).replace(ORIGIN, "log.other.example/log"))


@forgery(Stage.WRITE)
def a_checkpoint_under_another_name(draft: Draft) -> None:
    draft.log["checkpoint"] = note(checkpoint_text(draft), name="log.other.example/log")


@forgery(Stage.WRITE)
def a_checkpoint_of_another_log(draft: Draft) -> None:
    other = "log.other.example/log"
    draft.log["checkpoint"] = note(checkpoint_text(draft).replace(ORIGIN, other), other, OTHER_LOG)


@forgery(Stage.WRITE)
def a_checkpoint_of_another_root(draft: Draft) -> None:
    root = base64.b64encode(bytes(32)).decode()
    draft.log["checkpoint"] = note(f"{ORIGIN}\n{draft.place.size}\n{root}\n")


@forgery(Stage.WRITE)
def a_checkpoint_with_a_line_more(draft: Draft) -> None:
    draft.log["checkpoint"] = note(checkpoint_text(draft) + "more\n")


@forgery(Stage.WRITE)
def a_size_with_a_nought_before_it(draft: Draft) -> None:
    draft.log["checkpoint"] = note(checkpoint_text(draft).replace("\n", "\n0", 1))


@forgery(Stage.WRITE)
def a_size_with_a_sign(draft: Draft) -> None:
    draft.log["checkpoint"] = note(checkpoint_text(draft).replace("\n", "\n+", 1))


@forgery(Stage.WRITE)
def a_root_without_padding(draft: Draft) -> None:
    draft.log["checkpoint"] = note(checkpoint_text(draft).replace("=", ""))


@forgery(Stage.WRITE)
def an_export_in_place_of_the_checkpoint(draft: Draft) -> None:
    draft.log["checkpoint"] = note("dss-audit-export/v1\n" + checkpoint_text(draft))


@forgery(Stage.WRITE)
def a_statement_in_place_of_the_checkpoint(draft: Draft) -> None:
    draft.log["checkpoint"] = draft.texts["channel_key"]


@forgery(Stage.WRITE)
def a_checkpoint_with_the_line_twice(draft: Draft) -> None:
    draft.log["checkpoint"] += draft.log["checkpoint"].splitlines(keepends=True)[-1]


@forgery(Stage.WRITE)
def a_checkpoint_with_a_line_of_another(draft: Draft) -> None:
    draft.log["checkpoint"] += note("x\n", "witness.example", OTHER_LOG).splitlines(keepends=True)[-1]


@forgery(Stage.WRITE)
def a_checkpoint_with_the_line_of_another_note(draft: Draft) -> None:
    line = note(f"{ORIGIN}\n{draft.place.size + 1}\n{base64.b64encode(bytes(32)).decode()}\n").splitlines()[-1]
    draft.log["checkpoint"] = f"{checkpoint_text(draft)}\n{line}\n"


@forgery(Stage.WRITE)
def a_checkpoint_with_a_hyphen(draft: Draft) -> None:
    draft.log["checkpoint"] = draft.log["checkpoint"].replace("— ", "- ")


@forgery(Stage.WRITE)
def a_checkpoint_without_its_last_line_feed(draft: Draft) -> None:
    draft.log["checkpoint"] = draft.log["checkpoint"].removesuffix("\n")


@forgery(Stage.WRITE)
def a_checkpoint_with_carriage_returns(draft: Draft) -> None:
    draft.log["checkpoint"] = draft.log["checkpoint"].replace("\n", "\r\n")


@forgery(Stage.WRITE)
def a_checkpoint_without_a_signature(draft: Draft) -> None:
    draft.log["checkpoint"] = checkpoint_text(draft)


def latest(draft: Draft, more: int = 0) -> str:
    """When an event must have happened; more: microseconds that it is late."""
    return written(shapes.microseconds(draft.claims["request"]["expires"]) + 48 * 3600 * SECOND + more)


def written(at: int) -> str:
    """Write a time of an event; at: microseconds since 1970."""
    moment = shapes.EPOCH + timedelta(microseconds=at)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
