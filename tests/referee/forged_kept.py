"""Forgeries about a kept checkpoint, and members that a record should not have."""

import base64

from tests.referee import shapes
from tests.referee.forging import Draft, Stage
from tests.referee.mutations import forgery
from tests.referee.notes import Note
from tests.referee.writing import ORIGIN, OTHER_LOG, note


def kept(draft: Draft) -> bool:
    """Fits where a checkpoint was kept."""
    return draft.place.kept is not None


def kept_other(draft: Draft) -> bool:
    """Fits where the kept checkpoint is of another size."""
    return draft.place.kept not in (None, draft.place.size)


def kept_same(draft: Draft) -> bool:
    """Fits where the kept checkpoint is of the same size."""
    return draft.place.kept == draft.place.size


def kept_proven(draft: Draft) -> bool:
    """Fits where the proof of consistency has hashes."""
    sizes = {draft.place.kept or 0, draft.place.size}
    return kept_other(draft) and min(sizes) > 0


@forgery(Stage.WRITE, kept_other)
def a_proof_of_consistency_without_a_kept_checkpoint(draft: Draft) -> None:
    draft.kept = None


@forgery(Stage.WRITE, kept_other)
def a_kept_checkpoint_without_a_proof(draft: Draft) -> None:
    del draft.log["consistency"]


@forgery(Stage.WRITE, kept_other)
def a_proof_for_another_size(draft: Draft) -> None:
    draft.log["consistency"]["size"] += 1


@forgery(Stage.WRITE, kept_proven)
def a_proof_with_another_hash(draft: Draft) -> None:
    draft.log["consistency"]["path"][-1] = shapes.text_of(bytes(32))


@forgery(Stage.WRITE, kept_proven)
def a_proof_that_is_shorter(draft: Draft) -> None:
    draft.log["consistency"]["path"].pop()


@forgery(Stage.WRITE, kept_other)
def a_proof_that_is_longer(draft: Draft) -> None:
    draft.log["consistency"]["path"].append(shapes.text_of(bytes(32)))


@forgery(Stage.WRITE, kept_other)
def a_proof_with_another_member(draft: Draft) -> None:
    draft.log["consistency"]["first"] = 1


@forgery(Stage.WRITE, kept_same)
def a_proof_that_a_tree_is_itself(draft: Draft) -> None:
    draft.log["consistency"] = {"size": draft.place.size, "path": []}


@forgery(Stage.WRITE, kept_same)
def a_proof_with_a_hash_that_a_tree_is_itself(draft: Draft) -> None:
    draft.log["consistency"] = {"size": draft.place.size, "path": [shapes.text_of(bytes(32))]}


@forgery(Stage.WRITE, kept_same)
def a_proof_with_its_own_root_that_a_tree_is_itself(draft: Draft) -> None:
    root = base64.b64decode(str(draft.kept).splitlines()[2])
    draft.log["consistency"] = {"size": draft.place.size, "path": [shapes.text_of(root)]}


@forgery(Stage.WRITE, kept_same)
def a_proof_for_a_smaller_tree_that_a_tree_is_itself(draft: Draft) -> None:
    draft.log["consistency"] = {"size": draft.place.size - 1, "path": []}


@forgery(Stage.WRITE, kept_same)
def a_proof_that_a_tree_is_itself_without_a_kept_checkpoint(draft: Draft) -> None:
    draft.log["consistency"] = {"size": draft.place.size, "path": []}
    draft.kept = None


@forgery(Stage.WRITE, kept)
def a_kept_checkpoint_of_another_tree(draft: Draft) -> None:
    draft.kept = note(f"{ORIGIN}\n{draft.place.kept}\n{base64.b64encode(bytes(32)).decode()}\n")


@forgery(Stage.WRITE, kept)
def a_kept_checkpoint_by_another_key(draft: Draft) -> None:
    draft.kept = note(Note.read(str(draft.kept)).text, secret=OTHER_LOG)


@forgery(Stage.WRITE, kept)
def a_kept_checkpoint_with_the_line_twice(draft: Draft) -> None:
    draft.kept = f"{draft.kept}{str(draft.kept).splitlines()[-1]}\n"


@forgery(Stage.WRITE, kept)
def a_kept_checkpoint_with_another_line_in_its_text(draft: Draft) -> None:
    draft.kept = note(Note.read(str(draft.kept)).text + "more\n")


@forgery(Stage.WRITE, kept)
def a_kept_checkpoint_of_another_origin(draft: Draft) -> None:
    draft.kept = note(Note.read(str(draft.kept)).text.replace(ORIGIN, "log.other.example/log"))


@forgery(Stage.WRITE, kept)
def a_statement_in_place_of_the_kept_checkpoint(draft: Draft) -> None:
    draft.kept = draft.texts["channel_key"]


@forgery(Stage.WRITE, kept)
def a_kept_checkpoint_that_is_no_note(draft: Draft) -> None:
    draft.kept = Note.read(str(draft.kept)).text


@forgery(Stage.WRITE)
def a_member_of_the_record_more(draft: Draft) -> None:
    draft.extra["comment"] = ""


@forgery(Stage.WRITE)
def another_format(draft: Draft) -> None:
    draft.extra["format"] = "dss-evidence/v2"


@forgery(Stage.WRITE)
def a_member_of_the_log_more(draft: Draft) -> None:
    draft.log["cosignatures"] = []


@forgery(Stage.WRITE)
def a_log_without_a_salt(draft: Draft) -> None:
    del draft.log["salt"]


@forgery(Stage.WRITE)
def a_log_that_is_nothing(draft: Draft) -> None:
    draft.extra["log"] = None


@forgery(Stage.WRITE)
def a_core_that_is_a_list(draft: Draft) -> None:
    draft.extra["core"] = [draft.core]
