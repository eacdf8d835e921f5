"""Forgeries of the channel key: who rules the database has one of their own, and the log's key never spoke of it."""

import base64
from collections.abc import Callable
from hashlib import sha256

from tests.referee import issuing, shapes
from tests.referee.channel import FIRST_LINE
from tests.referee.forging import Draft, Stage, letter, statement
from tests.referee.mutations import always, forgery
from tests.referee.notes import LogKey, Note
from tests.referee.writing import LOG, ORIGIN, OTHER_LOG, checkpoint, jwk, note, public

INTRUDER = issuing.key_of("P-256", "intruder")
OTHER_ORIGIN = "log.other.example/log"
OTHER_SERVER = "https://other.example"

# --- the intruder's own channel key, and whatever else the database may hold in the place of its statement ---


def invent(draft: Draft) -> None:
    """Write receipt and request by a channel key of the intruder's: a phone of theirs has answered, so all fits."""
    for name in ("request", "receipt"):
        draft.keys[name] = INTRUDER
        draft.headers[name]["jwk"] = jwk(INTRUDER)
        draft.texts[name] = letter(draft, name)


def invented(name: str, stated: Callable[[Draft, str], str]) -> None:
    """Enter an invented channel key; stated: the statement, of the draft and of the text that it should have."""

    def change(draft: Draft) -> None:
        invent(draft)
        draft.texts["channel_key"] = stated(draft, statement(draft))

    change.__name__ = f"an_invented_channel_key_{name}"
    forgery(Stage.KEEP)(change)


def under_the_right_id(_: Draft, text: str) -> str:
    """A note by another key that says it is the log's."""
    value = LogKey(ORIGIN, public(LOG)).id + OTHER_LOG.sign(text.encode())
    return f"{text}\n— {ORIGIN} {base64.b64encode(value).decode()}\n"


def with_the_true_line(draft: Draft, text: str) -> str:
    """A text under the signature of the true channel key's statement."""
    return f"{text}\n{draft.texts['channel_key'].splitlines()[-1]}\n"


invented("with_the_true_ones_statement", lambda draft, _: draft.texts["channel_key"])
invented("with_a_statement_by_another_key", lambda _, text: note(text, secret=OTHER_LOG))
invented("with_a_statement_by_another_key_under_the_id_of_the_right_one", under_the_right_id)
invented("with_a_statement_by_another_log", lambda _, text: note(text, OTHER_ORIGIN, OTHER_LOG))
invented("with_the_line_of_the_true_ones_statement", with_the_true_line)
invented("with_a_statement_that_nobody_signed", lambda _, text: text)
invented("with_an_empty_statement", lambda *_: "")
invented("with_a_checkpoint_for_a_statement", lambda *_: checkpoint([bytes(32)]))
invented("with_both_texts_over_the_true_line", lambda draft, text: text + draft.texts["channel_key"])


@forgery(Stage.KEEP)
def an_invented_channel_key_and_an_invented_phone(draft: Draft) -> None:
    """The phone's letters, too, are by a key that no phone has; its hash is in the receipt."""
    draft.keys |= dict.fromkeys(("enrolment", "answer"), issuing.key_of("P-256", "no phone"))
    draft.claims["enrolment"]["keys"]["sig"] = draft.headers["enrolment"]["jwk"] = jwk(draft.keys["answer"])
    draft.texts |= {name: letter(draft, name) for name in ("enrolment", "answer")}
    digest = sha256(draft.texts["enrolment"].encode()).digest()
    draft.claims["receipt"]["enrolment_sha256"] = shapes.text_of(digest)
    invent(draft)


# --- the true channel key, and something else that the log's key signed ---


def otherwise(name: str, reworded: Callable[[str], str], fits: Callable[[Draft], bool] = always) -> None:
    """Enter a statement of another text, by the log's key."""

    def change(draft: Draft) -> None:
        draft.texts["channel_key"] = note(reworded(statement(draft)))

    change.__name__ = f"a_statement_{name}"
    forgery(Stage.KEEP, fits)(change)


def line(number: int, text: Callable[[str], str]) -> Callable[[str], str]:
    """Write one line of a text in another way."""

    def reworded(whole: str) -> str:
        lines = whole.split("\n")
        return "\n".join([*lines[:number], text(lines[number]), *lines[number + 1 :]])

    return reworded


def hexadecimal(thumbprint: str) -> str:
    """The same bytes in another form."""
    return shapes.bytes_of(thumbprint, "thumbprint").hex()


otherwise("of_another_version", line(0, lambda _: "dss-channel-key/v2"))
otherwise("in_capitals", line(0, str.upper))
otherwise("that_begins_as_a_checkpoint", line(0, lambda _: ORIGIN))
otherwise("that_begins_as_an_export", line(0, lambda _: "dss-audit-export/v1"))
otherwise("without_its_first_line", lambda text: text.removeprefix(f"{FIRST_LINE}\n"))
otherwise("of_another_origin", line(1, lambda _: OTHER_ORIGIN))
otherwise("without_an_origin", lambda text: text.replace(f"{ORIGIN}\n", ""))
otherwise("of_another_server", line(2, lambda _: OTHER_SERVER))
otherwise("of_a_server_that_is_nearly_the_same", line(2, lambda server: server + "/"))
otherwise("of_a_server_in_capitals", line(2, str.upper))
otherwise("of_another_channel_key", line(3, lambda _: shapes.text_of(sha256(b"another").digest())))
otherwise("in_hexadecimal", line(3, hexadecimal))
otherwise("with_padding", line(3, lambda thumbprint: thumbprint + "="))
otherwise("without_a_channel_key", line(3, lambda _: ""))
otherwise("with_a_line_more", lambda text: text + "more\n")
otherwise("with_an_empty_line_more", lambda text: text + "\n")
otherwise("in_another_order", lambda text: "".join(reversed(text.splitlines(keepends=True))))

# --- the note ---


def written_otherwise(name: str, rewritten: Callable[[str], str]) -> None:
    """Enter a note of the right text that is not written as it should be."""

    def change(draft: Draft) -> None:
        draft.texts["channel_key"] = rewritten(draft.texts["channel_key"])

    change.__name__ = f"a_statement_{name}"
    forgery(Stage.KEEP)(change)


written_otherwise("by_another_key", lambda whole: note(Note.read(whole).text, secret=OTHER_LOG))
written_otherwise("under_another_name", lambda whole: note(Note.read(whole).text, OTHER_ORIGIN))
written_otherwise("with_its_line_twice", lambda whole: whole + whole.splitlines(keepends=True)[-1])
written_otherwise(
    "with_the_line_of_a_witness",
    lambda whole: whole + note(Note.read(whole).text, "witness.example", OTHER_LOG).splitlines(keepends=True)[-1],
)
written_otherwise("without_a_signature", lambda whole: Note.read(whole).text)
written_otherwise("with_a_hyphen", lambda whole: whole.replace("— ", "- "))
written_otherwise("with_carriage_returns", lambda whole: whole.replace("\n", "\r\n"))
written_otherwise("without_its_last_line_feed", lambda whole: whole.removesuffix("\n"))
written_otherwise("twice", lambda whole: whole + whole)


@forgery(Stage.KEEP)
def no_statement_at_all(draft: Draft) -> None:
    del draft.texts["channel_key"]


def called(draft: Draft, server: str) -> None:
    """Give the server another name, everywhere."""
    for name, member in (("request", "server"), ("receipt", "server"), ("enrolment", "aud"), ("answer", "aud")):
        draft.claims[name][member] = server


@forgery(Stage.ENROL)
def a_server_in_two_lines(draft: Draft) -> None:
    called(draft, f"{OTHER_SERVER}\nmore")


@forgery(Stage.ENROL)
def a_server_with_a_carriage_return(draft: Draft) -> None:
    called(draft, f"{OTHER_SERVER}\r")


# --- one key for the phone and the server ---


@forgery(Stage.ENROL)
def a_phone_that_signs_by_the_channel_key(draft: Draft) -> None:
    draft.keys |= dict.fromkeys(("enrolment", "answer"), draft.keys["request"])
    draft.claims["enrolment"]["keys"]["sig"] = draft.headers["enrolment"]["jwk"] = jwk(draft.keys["request"])


@forgery(Stage.ENROL)
def a_phone_that_is_written_to_by_the_channel_key(draft: Draft) -> None:
    draft.claims["enrolment"]["keys"]["enc"] = jwk(draft.keys["request"])
